"""Compile the price book: src/baseload/prices/data/*.yaml -> data/book.json. Run it after every change of a YAML file.

`python tools/compile_prices.py` writes; `--check` only compares and exits 1 when the JSON is not what the YAML says.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from baseload.errors import PriceBookError
from baseload.prices.price_files import read_book

DATA = Path(__file__).resolve().parent.parent / "src" / "baseload" / "prices" / "data"


def compiled(folder: Path) -> bytes:
    """The JSON of a folder of YAML files: one line per row, so that a change reads well in a diff."""
    record = read_book({path.name: path.read_bytes() for path in sorted(folder.glob("*.yaml"))})
    sections = []
    for name in record.__struct_fields__:
        value = getattr(record, name)
        encoded = msgspec.json.encode(value).decode()
        if isinstance(value, tuple):
            rows = ",\n".join(msgspec.json.encode(row).decode() for row in value)
            encoded = f"[\n{rows}\n]"
        sections.append(f'"{name}":{encoded}')
    return ("{" + ",\n".join(sections) + "}\n").encode()


def main(arguments: list[str]) -> int:
    """Write or check book.json; a mistake in the YAML is printed with its path, value and what was expected."""
    target = DATA / "book.json"
    try:
        fresh = compiled(DATA)
    except PriceBookError as error:
        print(error, file=sys.stderr)
        return 2
    if "--check" in arguments:
        same = target.is_file() and target.read_bytes() == fresh
        print("book.json is up to date" if same else "book.json is not what the YAML says: run tools/compile_prices.py")
        return 0 if same else 1
    target.write_bytes(fresh)
    print(f"{target.name}: {len(fresh):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
