"""JSON Schema, by the kept library (jsonschema, Draft 2020-12); a reference to another document is never fetched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from baseload.errors import UsageError

try:
    from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # ships no types
    from jsonschema.exceptions import SchemaError  # type: ignore[import-untyped]  # as above
    from referencing import Registry
    from referencing.exceptions import Unresolvable
except ImportError as missing:
    raise UsageError("grading by JSON Schema needs the extra trials: pip install 'baseload[trials]'") from missing


class Schema:
    """A checked schema. Raises UsageError where it is none."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        try:
            Draft202012Validator.check_schema(schema)
        except SchemaError as error:
            raise UsageError(f"a schema is not valid JSON Schema: {error.message[:120]}") from error
        registry: Registry[Any] = Registry()  # the library's own would fetch what a $ref names over the network
        self._validator = Draft202012Validator(schema, registry=registry)

    def fault(self, value: Any) -> str:
        """What of the value breaks the schema, by keyword and place, without the value; "" where it holds.

        Raises UsageError where the schema refers to what it does not contain.
        """
        try:
            error = next(iter(self._validator.iter_errors(value)), None)
        except Unresolvable as unresolved:
            raise UsageError("a schema refers to another document; put it under $defs") from unresolved
        except RecursionError:
            return "nested too deep"
        if error is None:
            return ""
        place = ".".join(str(part) for part in error.absolute_path)[:60]
        return f"{error.validator} at {place or 'the top'}"
