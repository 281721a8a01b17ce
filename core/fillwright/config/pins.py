"""`[plugins.NAME]`: what a plugin must be before anything of it is imported."""

from typing import Annotated

from pydantic import StringConstraints

from fillwright.types import Value

_Text = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+!-]{0,127}$")]


class PluginPin(Value):
    """The pin of one plugin; what is absent is not compared."""

    #: The version of its distribution.
    version: _Text | None = None
    #: The name of its distribution.
    distribution: _Text | None = None
    #: Of the distribution's RECORD, or of the file beside desk.toml.
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None
