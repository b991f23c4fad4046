"""Formatting: equal once parsed, as JSON, XML, Python or plain lines."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable
from typing import Any, Final, Literal
from xml.parsers import expat

import msgspec

from baseload.errors import UsageError
from baseload.quality.bar import Tier
from baseload.quality.graders.answers import Answer, Asked, Unparsable, json_in, unfenced
from baseload.quality.graders.grader import Grade
from baseload.quality.graders.normal import lines, same_value

Language = Literal["json", "xml", "python", "text"]
DEEPEST_XML: Final = 200
MOST_PYTHON_CHARS: Final = 100_000


class ParsedGrader(msgspec.Struct, frozen=True, kw_only=True):
    """1 where the answer parses to the same as the reference, else 0; what does not parse scores 0."""

    language: Language
    id: str = "parsed"
    version: str = "1"
    tier: Tier = "truth"

    def grade(self, call: Asked, output: Answer, reference: Any) -> Grade:
        """`reference` is the right text. Raises UsageError where it does not parse itself."""
        del call
        try:
            right = parsed(str(reference), self.language)
        except Unparsable as error:
            raise UsageError(f"a reference is no {self.language}") from error
        is_right = same_value(parsed(output.text, self.language), right)
        return Grade(score=float(is_right), reason="equal" if is_right else "parses to another", tier=self.tier)

    def same(self, a: Answer, b: Answer) -> bool:
        return same_value(parsed(a.text, self.language), parsed(b.text, self.language))


def parsed(text: str, language: Language) -> Any:
    """A text as comparable values. Raises Unparsable."""
    return _PARSERS[language](text)


def _python(text: str) -> str:
    """The syntax tree: white space, comments, quotes and brackets nobody needs do not count."""
    source = unfenced(text)
    if len(source) > MOST_PYTHON_CHARS:
        raise Unparsable("the answer is too long to be parsed as Python")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.dump(ast.parse(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Unparsable("the answer is not Python") from error


def _xml(text: str) -> list[Any]:
    """Elements as [name, attributes, parts]; white space around text does not count, order does.

    A document type is refused: nothing an answer formats needs one, and entities can be made to explode.
    """
    top: list[Any] = []
    open_elements: list[list[Any]] = [["", {}, top]]
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(open_elements) > DEEPEST_XML:
            raise Unparsable("the answer is nested too deep")
        element: list[Any] = [name, attributes, []]
        open_elements[-1][2].append(element)
        open_elements.append(element)

    def said(data: str) -> None:
        if data.strip():
            open_elements[-1][2].append(data.strip())

    def refuse(*_: object) -> None:
        raise Unparsable("the answer has a document type")

    parser.StartElementHandler, parser.CharacterDataHandler = start, said
    parser.EndElementHandler = lambda _: open_elements.pop() and None
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(unfenced(text), True)
    except (expat.ExpatError, UnicodeError) as error:
        raise Unparsable("the answer is not XML") from error
    return top


_PARSERS: Final[dict[Language, Callable[[str], Any]]] = {
    "json": json_in,
    "xml": _xml,
    "python": _python,
    "text": lines,
}
