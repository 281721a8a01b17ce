"""Carry a plan out through the desk: sells, then buys as money comes, resumable at any point."""

from fillwright.desk.planning.engine import PlanEngine
from fillwright.desk.planning.ports import PlanDesk
from fillwright.desk.planning.preview import PlanPreview, PreviewLine
from fillwright.desk.planning.settings import PlanSettings

__all__ = ["PlanDesk", "PlanEngine", "PlanPreview", "PlanSettings", "PreviewLine"]
