"""The desk's own past, kept so that a restart never resets a limit."""

from fillwright.history.events import Deed, Event, Only
from fillwright.history.log import EVER, Log
from fillwright.history.view import NO_HISTORY, History

__all__ = ["EVER", "NO_HISTORY", "Deed", "Event", "History", "Log", "Only"]
