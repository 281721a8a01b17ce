"""Print how many of mutmut's mutants the tests found, by module, and which they did not."""

import json
import sys
from pathlib import Path

#: mutmut's own codes: what a test found, and what no test runs.
_FOUND, _UNTESTED = frozenset({1, 3}), 33
_MISSED = 0


def main(folder: Path) -> None:
    """Read what the run left in `folder`."""
    total = found = 0
    left: list[str] = []
    for path in sorted(folder.rglob("*.meta")):
        codes: dict[str, int | None] = json.loads(path.read_text("utf-8"))["exit_code_by_key"]
        if not codes:
            continue
        missed = [name for name, code in codes.items() if code in (_MISSED, _UNTESTED, None)]
        good = len(codes) - len(missed)
        print(f"{100 * good / len(codes):6.1f} %  {good:5} of {len(codes):5}  {path.stem}")
        total, found, left = total + len(codes), found + good, left + missed
    print(f"{100 * found / max(total, 1):6.1f} %  {found:5} of {total:5}  all")
    for name in left:
        print(f"left: {name}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
