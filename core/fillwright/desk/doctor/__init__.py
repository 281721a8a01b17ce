"""The doctor: whether a desk could trade, found out by questions alone."""

from fillwright.desk.doctor.examining import PROBES, examine
from fillwright.desk.doctor.findings import Diagnosis, Finding, State

__all__ = ["PROBES", "Diagnosis", "Finding", "State", "examine"]
