"""Reading price files people write: YAML in, checked records out, every mistake named by path, value and expectation.

The only module that loads PyYAML: the build step, `prices add` and customer overlays come here; start-up never does.
Scalars are read as text, so that 0.1 stays 0.1: no float ever holds a price.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import msgspec
import yaml

from baseload.errors import PriceBookError
from baseload.prices.checks import check_discounts, check_overlaps, check_rows
from baseload.prices.overlay import SCHEMA as OVERLAY_SCHEMA
from baseload.prices.overlay import Discount, Overlay
from baseload.prices.records import BookRecord

ADDITION_SCHEMA = "baseload.prices.addition/1"
SECTIONS = ("models", "prices", "offers", "modifiers", "fees", "aliases")

_T = TypeVar("_T")
_PATH = re.compile(r" - at `\$\.?(.*)`$")
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+|\.\.\.)\]")
_MOST_NAMED = 20


class _Loader(yaml.SafeLoader):
    """Scalars as text; a key given twice is an error, because the second would silently win."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = str(loader.construct_scalar(key_node))
        if key in found:
            raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} is given twice", key_node.start_mark)
        found[key] = loader.construct_object(value_node, deep=True)
    return found


_Loader.yaml_implicit_resolvers = {}
_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


class _OverlayFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    schema: str
    contract: str = ""
    discounts: tuple[Discount, ...]


def parse_yaml(data: bytes, name: str) -> dict[str, Any]:
    """The mapping a YAML file holds, every scalar as text. Raises PriceBookError naming the line."""
    try:
        found = yaml.load(data, Loader=_Loader)  # noqa: S506 - a SafeLoader without implicit types
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise PriceBookError(f"{name}: not readable as YAML: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise PriceBookError(f"{name}: nested too deeply; expected sections holding lists of rows") from error
    if not isinstance(found, dict):
        raise PriceBookError(f"{name}: {type(found).__name__}; expected a mapping of sections ({', '.join(SECTIONS)})")
    return found


def read_book(texts: Mapping[str, bytes]) -> BookRecord:
    """The book a folder of YAML files (name -> content) describes. Raises PriceBookError with every mistake found."""
    joined: dict[str, Any] = {}
    for name in sorted(texts):
        content = parse_yaml(texts[name], name)
        if name == "capabilities.yaml":
            content = {"features": _features(content, name)}
        for section, value in content.items():
            if section in joined:
                raise PriceBookError(f"{name}: section {section!r} stands in two files; expected each section once")
            joined[section] = value
    book = _convert(joined, BookRecord, "price book")
    _raise_all("price book", [*check_rows(book, book), *check_overlaps(book.prices)])
    return book


def read_addition(data: bytes, known: BookRecord, name: str, *, as_of: str) -> BookRecord:
    """The rows of a `prices add` file, checked against the book they are laid on.

    A row without `source` takes the file's, a row without `checked` the file's or the day `as_of` (YYYY-MM-DD); a
    source is any text that says where the figure comes from. Raises PriceBookError with every mistake found.
    """
    content = parse_yaml(data, name)
    _check_schema(content, ADDITION_SCHEMA, name)
    unknown = sorted(set(content) - {"schema", "source", "checked", *SECTIONS})
    if unknown:
        raise PriceBookError(f"{name}: {unknown[0][:60]!r}; expected source, checked, {', '.join(SECTIONS)}")
    sections = {section: content[section] for section in SECTIONS if content.get(section)}
    if not sections:
        raise PriceBookError(f"{name}: no rows; expected at least one of {', '.join(SECTIONS)}")
    stamp = {"source": content.get("source"), "checked": content.get("checked", as_of)}
    stamped = {section: _stamped(rows, section, stamp, name) for section, rows in sections.items()}
    named = {row["source"] for rows in stamped.values() for row in rows if "source" in row}
    sources = {text: text for text in named if text not in known.sources}
    addition = _convert({**stamped, "sources": sources}, BookRecord, name)
    _raise_all(name, [*check_rows(addition, known), *check_overlaps(addition.prices)])
    return addition


def read_overlay(data: bytes, models: Iterable[str], name: str = "price overlay") -> Overlay:
    """A customer's negotiated prices. Raises PriceBookError naming path, value and what was expected."""
    content = parse_yaml(data, name)
    _check_schema(content, OVERLAY_SCHEMA, name)
    for row in content["discounts"] if isinstance(content.get("discounts"), list) else []:
        if isinstance(row, dict) and isinstance(row.get("models"), str):
            row["models"] = [row["models"]]
    file = _convert(content, _OverlayFile, name)
    _raise_all(name, check_discounts(file.discounts, models))
    return Overlay(file.discounts)


def _stamped(rows: Any, section: str, stamp: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Rows with where they come from and when that was looked up."""
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise PriceBookError(f"{name}: {section}: expected a list of rows, each a mapping")
    if section == "aliases":
        return list(rows)
    for index, row in enumerate(rows):
        if not str(row.get("source") or stamp["source"] or "").strip():
            raise PriceBookError(f"{name}: {section}[{index}].source: none; expected where the figure comes from")
    return [{**{key: value for key, value in stamp.items() if value}, **row} for row in rows]


def _check_schema(content: Mapping[str, Any], schema: str, name: str) -> None:
    found = content.get("schema")
    if found != schema:
        raise PriceBookError(f"{name}: schema: {str(found)[:60]!r}; expected {schema!r} as the first line says it")


def _features(content: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Capability rows with their columns spread over the models."""
    try:
        columns = content["columns"]
        shared = {"source": content["source"], "checked": content["checked"]}
        return [
            {
                "name": row["name"],
                "meaning": row["meaning"],
                "rewrite": row.get("rewrite", ""),
                "models": {
                    **{model: row["cells"][column] for column, models in columns.items() for model in models},
                    **row.get("except", {}),
                },
                **shared,
            }
            for row in content["features"]
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise PriceBookError(
            f"{name}: {error!r}; expected columns, source, checked and features with a cell per column"
        ) from error


def _plain(value: Any) -> Any:
    """`open` ends and `none` rates as the records hold them."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    changed = {key: _plain(item) for key, item in value.items()}
    if changed.get("valid_to") == "open":
        changed["valid_to"] = ""
    for field in ("write_5m", "write_1h", "read"):
        if changed.get(field) == "none":
            changed[field] = None
    return changed


def _convert(content: Any, kind: type[_T], name: str) -> _T:
    plain = _plain(content)
    try:
        return msgspec.convert(plain, kind, strict=False)
    except msgspec.ValidationError as error:
        raise PriceBookError(f"{name}: {_explained(str(error), plain)}") from error


def _explained(message: str, content: Any) -> str:
    """msgspec's complaint with the path first and the offending value beside it."""
    found = _PATH.search(message)
    if not found:
        return message
    value: Any = content
    for key, index in _STEP.findall(found[1]):
        try:
            value = value[int(index)] if index else value[key]
        except (KeyError, IndexError, TypeError, ValueError):
            break
    shown = f"{str(value)[:60]!r}; " if isinstance(value, str) else ""
    return f"{found[1]}: {shown}{message[: found.start()]}"


def _raise_all(name: str, mistakes: Iterable[str]) -> None:
    found = list(mistakes)
    if found:
        more = [f"and {len(found) - _MOST_NAMED} more"] if len(found) > _MOST_NAMED else []
        raise PriceBookError("\n  ".join([f"{name}: {len(found)} mistakes", *found[:_MOST_NAMED], *more]))
