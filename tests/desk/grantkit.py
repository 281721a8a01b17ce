"""Grants for tests: a check that refuses, and signed grants left for the desk."""

from datetime import timedelta
from decimal import Decimal

from desk.kit import BINDING
from fillwright.desk.inbox import leave
from fillwright.grants import Grant, signed
from fillwright.ledger import Granted
from fillwright.verdicts import ALLOW, Reject, Scope

D = Decimal
KEY = bytes(range(32))


class Check:
    """A check as the desk asks it: refuses what is more than one share."""

    name = "max_order"
    code = "C02"

    def __init__(self, answer=None):
        self.answer = answer or (lambda o: Reject("C02", measured=o.quantity, limit=1))

    def call(self, asked, _book):
        return ALLOW if asked.quantity == 1 else self.answer(asked)


def grant(world, key=KEY, **fields):
    now = world.clock.now()
    given = {
        "id": "g-0123456789abcdef",
        "check": "C02",
        "scope": Scope.DESK,
        "name": "",
        "at": now,
        "until": now + timedelta(minutes=30),
        "by": "jane",
        "reason": "index day",
        "binding": str(BINDING),
    }
    return signed(Grant(**given | fields), key)


def give(world, **fields):
    one = grant(world, **fields)
    return leave(world.beside.inbox, Granted(one.at, one), one.id)


async def status(world, **fields):
    handle = await world.submit(**{"quantity": "2", **fields})
    await world.run(1)
    return handle.state
