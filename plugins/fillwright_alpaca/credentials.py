"""Get one half of the keys from the table or from a file that only its owner can read.

Rules:
1. What is read is SecretStr in the same expression, so that no frame ever holds it in the clear.
2. Every fault is told by what is wrong with it, never by what it is.
"""

import os
import re
import stat
from pathlib import Path

from pydantic import SecretStr

from fillwright.errors import ConfigError
from fillwright.logs import printable, register_secret

#: In bytes; Alpaca's keys have 20 to 60.
_LONGEST_FILE = 4096
_SHORTEST = 8
_LONGEST = 256
#: What manuals print in a key's place; a key has letters and digits, and few signs.
_PLACEHOLDER = re.compile(
    r".*(your[-_]|change-?me|placeholder|example|(api|secret|key)[-_])|[x*.-]+\Z",
    re.IGNORECASE,
)
_SIGNS = frozenset("<>${}")


def credential(name: str, setting: str, given: SecretStr | None, file: Path | None) -> SecretStr:
    """One half of the keys, checked, stripped, and registered with the logs.

    Raises ConfigError.
    """
    where, file_setting = f"[{name}] {setting}", f"{setting.partition('_')[0]}_file"
    if given is not None and file is not None:
        raise ConfigError(where, f"is given beside {file_setting}", "Keep one of the two")
    if file is not None:
        where = f"[{name}] {file_setting}"
        given = _read(where, file)
    if given is None:
        variable = f"FILLWRIGHT_{name.upper().replace('-', '_')}__{setting.upper()}"
        raise ConfigError(where, "is missing", f"Set {variable}, or name a {file_setting}")
    stripped = SecretStr(given.get_secret_value().strip())
    register_secret(stripped.get_secret_value())
    problem = _problem(stripped)
    if problem:
        raise ConfigError(where, problem, "Copy it from Alpaca's dashboard once more")
    return stripped


def _problem(secret: SecretStr) -> str:
    text = secret.get_secret_value()
    if not text:
        return "is empty"
    if not text.isascii() or not text.isprintable() or any(map(str.isspace, text)):
        return "has blanks or characters that no key has"
    if _PLACEHOLDER.match(text) or not _SIGNS.isdisjoint(text):
        return "is a placeholder"
    if not _SHORTEST <= len(text) <= _LONGEST:
        return "has a length that no key has"
    return ""


def _read(where: str, path: Path) -> SecretStr:
    """The content of a file with mode 0600 or less."""
    # The path of the secret's file is sealed like the secret itself.
    shown = printable(str(path)) if where.endswith("key_file") else "the file"
    try:
        # Non-blocking: a named pipe in the file's place would wait for a writer for ever.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            status = os.fstat(file.fileno())
            problem = _file_problem(status)
            if not problem:
                return SecretStr(file.read(_LONGEST_FILE).decode("utf-8", "replace"))
    except (OSError, ValueError) as fault:
        problem = f"cannot be read: {fault.strerror if isinstance(fault, OSError) else 'bad path'}"
    raise ConfigError(where, f"{shown} {problem}", "It must be a file of mode 0600")


def _file_problem(status: os.stat_result) -> str:
    if not stat.S_ISREG(status.st_mode):
        return "is not a file"
    if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return "can be read by others than its owner"
    return ""
