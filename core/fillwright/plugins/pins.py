"""Pins: what a named plugin must be, looked at before anything of it is imported.

Rules:
1. The pin of an entry point is that of its distribution: its name, its version, and the SHA-256 of
   its RECORD, every file of which must still have the hash that stands there.
2. The pin of a file beside desk.toml is the SHA-256 of the file.
3. What cannot be looked at does not match.
"""

import base64
import hashlib
from collections.abc import Mapping
from importlib.metadata import Distribution, entry_points
from pathlib import Path

from fillwright.config import PluginPin
from fillwright.errors import PluginError
from fillwright.plugins.sources import ENTRY_POINTS, PluginInfo, is_file, short_name


def check_pin(name: str, folder: Path, pins: Mapping[str, PluginPin]) -> None:
    """Raise PluginError unless the plugin called `name` is what its pin says."""
    pin = pins.get(short_name(name))
    if pin is None:
        return
    if is_file(name):
        _check_file(name, (folder / name).resolve(), pin)
        return
    points = list(entry_points(group=ENTRY_POINTS, name=name))
    if len(points) != 1:
        return  # it is not there, or twice: the loading says so
    distribution = points[0].dist
    if distribution is None:
        raise PluginError(name, "is pinned, and belongs to no installed distribution")
    _check_distribution(name, distribution, pin)


def record_hash(distribution: Distribution) -> str:
    """The SHA-256 of a distribution's RECORD, in hex; empty when it has none."""
    record = distribution.read_text("RECORD")
    return hashlib.sha256(record.encode()).hexdigest() if record else ""


def hash_of(info: PluginInfo) -> str:
    """What the `sha256` of a plugin's pin would be now; empty where there is none."""
    if is_file(info.source):
        return hashlib.sha256(Path(info.source).read_bytes()).hexdigest()
    points = list(entry_points(group=ENTRY_POINTS, name=info.name))
    found = points[0].dist if len(points) == 1 else None
    return record_hash(found) if found is not None else ""


def _check_file(name: str, path: Path, pin: PluginPin) -> None:
    if pin.version is not None or pin.distribution is not None:
        raise PluginError(name, "is a file, so only its sha256 can be pinned")
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return  # the loading says so
    _compare(name, "sha256", pin.sha256, found)


def _check_distribution(name: str, distribution: Distribution, pin: PluginPin) -> None:
    _compare(name, "distribution", pin.distribution, distribution.name)
    _compare(name, "version", pin.version, distribution.version)
    if pin.sha256 is None:
        return
    _compare(name, "sha256", pin.sha256, record_hash(distribution))
    for file in distribution.files or ():
        if file.hash is None:
            continue
        try:
            content = Path(str(distribution.locate_file(file))).read_bytes()
            digest = hashlib.new(file.hash.mode, content).digest()
        except (OSError, ValueError) as fault:
            raise PluginError(name, f"is pinned, and {file} cannot be read") from fault
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != file.hash.value.rstrip("="):
            raise PluginError(name, f"is pinned, and {file} was changed since it was installed")


def _compare(name: str, what: str, wanted: str | None, found: str) -> None:
    if wanted is not None and wanted != found:
        raise PluginError(
            name, f"is pinned to {what} {wanted}, and {found or 'none'} is installed; nothing loads"
        )
