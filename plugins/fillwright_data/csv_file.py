"""`csv`: data for checks from files, read anew when they change."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import Field, ValidationError

from fillwright.config import explain_table
from fillwright.errors import ConfigError
from fillwright.hooks import DataRequest, hookimpl
from fillwright.inputs import DataProvider, Datum
from fillwright.protocols import Clock
from fillwright.types import Value
from fillwright_data.table import Key, read

#: How often the files are looked at, in seconds.
LOOK_EVERY = 1.0
#: What tells one state of a file from another.
_Stamp = tuple[int, int, int]


class CsvSettings(Value):
    """`[csv]`."""

    #: Paths, from the folder of desk.toml on.
    files: tuple[str, ...] = Field(min_length=1)


class CsvData:
    """Answer from files; a file that changed and cannot be read has no data until it can."""

    def __init__(self, paths: Sequence[Path], clock: Clock) -> None:
        self._paths = tuple(paths)
        self._clock = clock
        self._files: dict[Path, tuple[_Stamp, Mapping[Key, Datum]]] = {}
        self._turn = asyncio.Lock()
        self._looked_at = clock.monotonic()
        self.supplies: frozenset[str] = frozenset()
        self._read_changed()

    async def fetch(self, name: str, symbol: str) -> Datum | None:
        """What the files say now. Raises ConfigError for a line that cannot be read."""
        async with self._turn:
            if self._clock.monotonic() - self._looked_at > LOOK_EVERY:
                # A large file on a slow disk must not hold up the desk.
                await asyncio.to_thread(self._read_changed)
                self._looked_at = self._clock.monotonic()
        for _, data in self._files.values():
            datum = data.get((name, symbol))
            if datum is not None:
                return datum
        return None

    async def close(self) -> None:
        """There is nothing to let go of."""

    def _read_changed(self) -> None:
        for path in self._paths:
            stamp, known = _stamp(path), self._files.get(path)
            if known is None or known[0] != stamp:
                inputs, data = read(path)
                self._refuse_double(path, data)
                self._files[path] = stamp, data
                self.supplies |= frozenset(inputs)

    def _refuse_double(self, path: Path, data: Mapping[Key, Datum]) -> None:
        for other, (_, known) in self._files.items():
            both = next((key for key in data if other != path and key in known), None)
            if both is not None:
                raise ConfigError(str(path), f"{both[0]} of {both[1]} stands in {other} too")


def _stamp(path: Path) -> _Stamp:
    try:
        status = path.stat()
    except OSError as fault:
        raise ConfigError(str(path), f"cannot be read: {fault.strerror}") from fault
    return status.st_mtime_ns, status.st_size, status.st_ino


@hookimpl
def provide_data(request: DataRequest) -> DataProvider:
    """Read the files once, so that a bad line is told before anything starts."""
    try:
        settings = CsvSettings.model_validate(dict(request.settings))
    except ValidationError as fault:
        raise explain_table(fault, request.name, CsvSettings) from None
    paths = [request.folder / name for name in settings.files]
    for path in paths:
        if not path.is_file():
            raise ConfigError(str(path), "there is no such file", f"See [{request.name}] files")
    return CsvData(paths, request.clock)
