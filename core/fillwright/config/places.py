"""On which line of a TOML text each setting stands, as far as that can be told.

The parser does not say, so headers and keys are looked for line by line. What is found counts only
where the parsed document has it; a key inside an inline table has the line of its table.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

Path = tuple[str, ...]

_HEADER = re.compile(r"^\s*\[{1,2}(?P<name>.+?)\]{1,2}\s*(#.*)?$")
_KEY = re.compile(r"^\s*(?P<name>(?:[A-Za-z0-9_\-. \t]|\"[^\"]*\"|'[^']*')+?)\s*=")


def lines_of(text: str) -> Mapping[Path, int]:
    """The line of every header and key, from 1; the text must be TOML."""
    document = tomllib.loads(text)
    found: dict[Path, int] = {}
    table: Path = ()
    for number, line in enumerate(text.splitlines(), 1):
        header, key = _HEADER.match(line), _KEY.match(line)
        if header and (path := _keys(header["name"])) and _holds(document, path):
            table = path
            found.setdefault(path, number)
        elif key and (path := (*table, *_keys(key["name"]))) and _holds(document, path):
            found.setdefault(path, number)
    return found


def line_of(found: Mapping[Path, int], path: Path) -> int | None:
    """The line of a setting, or of the nearest table around it; None when neither is known."""
    while path and path not in found:
        path = path[:-1]
    return found.get(path)


def _keys(written: str) -> Path:
    """The parts of a dotted key, unquoted."""
    try:
        parsed: Any = tomllib.loads(f"{written} = 0")
    except tomllib.TOMLDecodeError:
        return ()
    return tuple(_steps(parsed))


def _steps(parsed: object) -> Iterator[str]:
    while isinstance(parsed, dict):
        name, parsed = next(iter(parsed.items()))
        yield name


def _holds(document: object, path: Path) -> bool:
    for step in path:
        if isinstance(document, list) and document:
            document = document[-1]
        if not isinstance(document, dict) or step not in document:
            return False
        document = document[step]
    return True
