"""How much of the market an order may be: C06 of an average day, C07 of today's volume.

Open orders of the symbol count in full, in doubt or not. Orders that only reduce pass.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from fillwright.book import BookView
from fillwright.history import Deed
from fillwright.hooks import hookimpl
from fillwright.inputs import Input, Need
from fillwright.orders import Order
from fillwright.types import Price, Side
from fillwright.verdicts import ALLOW, Verdict
from fillwright_risk.common import HUNDRED, Control, Table, known

Percent = Annotated[Price, Field(le=HUNDRED)]


class AverageVolumeTable(Table):
    """`[risk.average_volume]`; the control is on when the table is there."""

    #: The most that an order may be of an average day's volume, in percent.
    max_pct: Percent
    #: From so many percent on there is a warning.
    warn_pct: Percent | None = None

    @model_validator(mode="after")
    def _warns_first(self) -> Self:
        if self.warn_pct is not None and self.warn_pct >= self.max_pct:
            raise ValueError("warn_pct must be below max_pct")
        return self


class ParticipationTable(Table):
    """`[risk.participation]`; the control is on when the table is there."""

    #: The most that we may be of today's volume, in percent.
    max_pct: Percent


class AverageVolume(Control[AverageVolumeTable]):
    """C06: warn of, and refuse, an order that is large beside an average day's volume.

    Open orders of its side count with it.
    """

    name = "average_volume"
    code = "C06"
    title = "an order beside an average day's volume"
    table = AverageVolumeTable
    example: ClassVar[Mapping[str, object]] = {"max_pct": "5"}
    needs: ClassVar[tuple[Need, ...]] = (Input.ADV,)

    @hookimpl
    def check_order(self, order: Order, book: BookView) -> Verdict:
        """Compare open orders and this one with the volume's part."""
        table, volume = self.limits.of(order, book), book.adv(order.symbol)
        limit = volume * table.max_pct / HUNDRED
        quantity = book.worst_quantity(order)
        if not known(quantity):
            if book.reduces(order):
                return ALLOW
            return self.unknown("the quantity of an order by notional needs a fresh quote", limit)
        held = book.exposure(order.symbol)
        total = quantity + (held.open_buys if order.side is Side.BUY else held.open_sells)
        if total > limit:
            return ALLOW if book.reduces(order) else self.refuse(total, limit, "of a day's volume")
        loud = table.warn_pct is not None and total > volume * table.warn_pct / HUNDRED
        return self.warn(total, f"{table.warn_pct} % of {volume}") if loud else ALLOW


class Participation(Control[ParticipationTable]):
    """C07: refuse or shrink an order with which we would be too much of today's volume.

    Counted is what this desk filled today, all open orders of the symbol, and this one.
    """

    name = "participation"
    code = "C07"
    title = "our part of today's volume"
    table = ParticipationTable
    example: ClassVar[Mapping[str, object]] = {"max_pct": "10"}
    needs: ClassVar[tuple[Need, ...]] = (Input.VOLUME,)

    @hookimpl
    def check_order(self, order: Order, book: BookView) -> Verdict:
        """Compare our part with what everybody traded."""
        limit = book.volume(order.symbol) * self.limits.of(order, book).max_pct / HUNDRED
        quantity, held = book.worst_quantity(order), book.exposure(order.symbol)
        filled = book.history.quantity(Deed.FILLED, since=book.today, symbol=order.symbol)
        ours = filled + held.open_buys + held.open_sells
        if known(quantity) and ours + quantity <= limit:
            return ALLOW
        if book.reduces(order):
            return ALLOW
        if not known(quantity):
            return self.unknown("the quantity of an order by notional needs a fresh quote", limit)
        if ours >= limit:
            return self.refuse(ours + quantity, limit, "of today's volume")
        return self.shrink(order, book, limit - ours + book.already_filled, limit)
