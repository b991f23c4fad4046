"""Personal data and secrets out of a request, each value by the same placeholder wherever it stands.

Detectors: e-mail addresses, phone numbers, payment cards (Luhn), IBANs (ISO 7064), US social security numbers, keys,
passwords and tokens. They are patterns:
names, addresses and what is inside images stay. A redacted request is another task than the raw one, so both arms of a
trial get the same, and the trial says which.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

PLACEHOLDER: Final = re.compile(r"<(EMAIL|PHONE|CARD|IBAN|SECRET|SSN)_(\d{1,9})>")


_WORD: Final = re.compile(r"[A-Za-z0-9]+")


class Detector(NamedTuple):
    """One kind of value: where it may stand, and whether it is one. `group` is the part of the match that goes.

    With `within` a part of the match that ends with a word may be the one: numbers stand beside other numbers.
    """

    kind: str
    pattern: re.Pattern[str]
    is_one: Callable[[str], bool] = lambda _: True
    group: int = 0
    within: bool = False


def luhn(text: str) -> bool:
    """Whether the digits of a text carry the check digit of payment cards.

    >>> luhn("4111 1111 1111 1111"), luhn("4111 1111 1111 1112")
    (True, False)
    """
    digits = [int(sign) for sign in text if sign in "0123456789"]
    if not 13 <= len(digits) <= 19 or len(set(digits)) == 1:
        return False
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def iban(text: str) -> bool:
    """Whether a text is an IBAN: its two check digits fit.

    >>> iban("DE89 3704 0044 0532 0130 00"), iban("DE88370400440532013000")
    (True, False)
    """
    bare = re.sub(r"[ -]", "", text).upper()
    return 15 <= len(bare) <= 34 and int("".join(str(int(sign, 36)) for sign in bare[4:] + bare[:4])) % 97 == 1


def _phone(text: str) -> bool:
    """8 to 15 digits, and written as a phone number: with a plus, or in two or more parts that are no date."""
    digits = sum(sign.isdigit() for sign in text)
    return 8 <= digits <= 15 and not re.fullmatch(r"\d{4}[-. /]\d{2}[-. /]\d{2}|\d{2}[-. /]\d{2}[-. /]\d{4}", text)


DETECTORS: Final = (
    Detector("SECRET", re.compile(
        r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----.{1,8000}?-----END [A-Z ]{0,30}PRIVATE KEY-----", re.DOTALL
    )),
    Detector("SECRET", re.compile(
        r"(?<![\w-])(?:sk-[A-Za-z0-9_-]{16,200}|(?:AKIA|ASIA)[A-Z0-9]{16}|gh[pousr]_[A-Za-z0-9]{30,200}"
        r"|hf_[A-Za-z0-9]{20,200}|glpat-[\w-]{20,200}|npm_[A-Za-z0-9]{36}|github_pat_\w{30,200}|xox[abeprs]-[A-Za-z0-9-]{10,200}|AIza[\w-]{35}|(?:sk|rk|pk)_(?:live|test)_\w{16,200}"
        r"|eyJ[\w-]{8,2000}\.eyJ[\w-]{8,4000}\.[\w-]{8,2000})(?![\w-])"
    )),
    # no boundary before the word: DB_PASSWORD, my_api_key, dbPassword
    Detector("SECRET", re.compile(
        r"(?:password|passwort|passphrase|passwd|pwd|secret|(?:api|access|secret|private|account|master|signing)[_-]?key"
        r"|(?:access|auth|refresh|session|secret|bearer|bot|api)[_-]?token)\\?[\"']?\s{0,3}[:=]\s{0,3}\\?[\"']?"
        r"(?!<|(?:string|required|optional|boolean|undefined|integer|number)\b)"
        r"((?:[^\s\"'<>,;\\]|\\(?![\"'])){6,4000})", re.IGNORECASE), group=1),
    Detector("SECRET", re.compile(r"://[^\s:/@<>]{0,64}:([^\s/@<>]{1,400})@"), group=1),
    Detector("SECRET", re.compile(r"\bbearer\s{1,3}([A-Za-z0-9._~+/-]{16,4000}=*)", re.IGNORECASE), group=1),
    Detector("EMAIL", re.compile(
        r"(?<![\w.+%-])[\w.+%-]{1,64}[@\uff20](?:[^\W_](?:[\w-]{0,62})\.){1,8}"
        r"(?:xn--[a-z0-9-]{2,59}|[^\W\d_]{2,24})(?![\w-])"
    )),
    Detector("IBAN", re.compile(
        r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]){11,60}(?![A-Za-z0-9])", re.ASCII
    ), iban, within=True),
    Detector("CARD", re.compile(r"(?<![\d.,])\d{3,19}(?:[ -]\d{2,19}){0,10}(?!\d)", re.ASCII), luhn, within=True),
    Detector("SSN", re.compile(r"(?<![\w-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])", re.ASCII)),
    # digits alone are a phone number by what stands before them, digits and spaces as North America groups them
    Detector("PHONE", re.compile(
        r"(?<![\w-])(?:(?:tele)?phone|tel|telefon|mobile?|handy|cell|fax|whatsapp|sms)"
        r"(?:[_ -]?(?:number|nummer|no|nr))?(?![A-Za-z])[^\d\n<>]{0,20}"
        r"(\d{7,15})(?![\w-])",
        re.IGNORECASE), group=1),
    Detector("PHONE", re.compile(
        r"(?<![\w-])(?<!tool )(?<!function )(?:call|dial|ring)(?: (?:me|us|him|her|them))?(?: (?:at|on))?:? {1,2}"
        r"([2-9]\d{2}[2-9]\d{6})(?![\w-])",
        re.IGNORECASE), group=1),
    Detector("PHONE", re.compile(
        r"(?<![\w.,+-])(?<!\d )(?:1[ .-])?[2-9]\d{2}[ .-][2-9]\d{2}[ .-]\d{4}(?![\w-]| \d|[.,]\d)"
    )),
    Detector("PHONE", re.compile(
        r"(?<![\w.,+-])(?:\+\d{1,3}[ .()/-]{0,2}(?:\(0\))?(?:\d[ .()/-]{0,2}){5,13}\d"
        r"|00[1-9]\d{0,2}[ ./-](?:\(0\))?(?:\d[ .()/-]{0,2}){5,9}\d"
        r"|\(\d{2,5}\)[ -]?\d{3,4}[ -]?\d{3,5}|\d{3}-\d{3}-\d{4}|\d{3}\.\d{3}\.\d{4}"
        r"|0[1-9]\d{1,3}[ /-]\d{3,4}[ -]?\d{2,5})(?![\w-])"
    ), _phone),
)  # fmt: skip
"""In this order: what an earlier one takes, a later one does not see."""


class Redactor:
    """Placeholders of one call: use one for its request and every answer to it, then forget it."""

    def __init__(self) -> None:
        self._placeholders: dict[tuple[str, str], str] = {}
        self._next: Counter[str] = Counter()
        self._taken: set[str] = set()

    @property
    def counts(self) -> dict[str, int]:
        """Different values replaced, by kind."""
        return dict(sorted(Counter(kind for kind, _ in self._placeholders).items()))

    def redact(self, value: Any) -> Any:
        """The value with all its text redacted, keys of objects too; what is redacted already stays as it is."""
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, Mapping):
            return {self.redact(key): self.redact(inner) for key, inner in value.items()}
        return [self.redact(inner) for inner in value] if isinstance(value, (list, tuple)) else value

    def _text(self, text: str) -> str:
        """Until nothing is found any more: what a placeholder now stands beside may be seen only then."""
        self._taken.update(found[0] for found in PLACEHOLDER.finditer(text))
        before = ""
        while text != before:
            before = text
            for detector in DETECTORS:
                text = "".join(
                    part if PLACEHOLDER.fullmatch(part) else self._by(detector, part) for part in _parts(text)
                )
        return text

    def _by(self, detector: Detector, text: str) -> str:
        done: list[str] = []
        copied = at = 0
        while found := detector.pattern.search(text, at):
            span = _span(detector, found)
            if span is None:
                at = found.start() + 1
                continue
            done += [text[copied : span[0]], self._placeholder(detector.kind, text[span[0] : span[1]])]
            copied = at = span[1]
        return "".join([*done, text[copied:]])

    def _placeholder(self, kind: str, value: str) -> str:
        """The value's own, or the next that stands nowhere in what was seen."""
        key = (kind, _canonical(kind, value))
        while key not in self._placeholders:
            self._next[kind] += 1
            name = f"<{kind}_{self._next[kind]}>"
            if name not in self._taken:
                self._placeholders[key] = name
        return self._placeholders[key]


def _parts(text: str) -> list[str]:
    """The text cut into placeholders and what stands between them."""
    parts: list[str] = []
    at = 0
    for found in PLACEHOLDER.finditer(text):
        parts += [text[at : found.start()], found[0]]
        at = found.end()
    return [*parts, text[at:]]


def _span(detector: Detector, found: re.Match[str]) -> tuple[int, int] | None:
    """Which part of a match, from its beginning, is the value: the longest; None where none is."""
    start, end = found.span(detector.group)
    ends = [end]
    if detector.within:
        ends = [start + word.end() for word in reversed(list(_WORD.finditer(found[0])))]
    return next(((start, last) for last in ends if detector.is_one(found.string[start:last])), None)


def _canonical(kind: str, value: str) -> str:
    """Spellings of one value: numbers without spaces and marks, e-mail addresses without case."""
    if kind == "SECRET":
        return value
    return value.casefold() if kind == "EMAIL" else re.sub(r"[^\w+]", "", value).upper()
