"""Whose account it is: the keys, the account's id and state, and whose journal it is."""

from fillwright.accounts import Account, Position
from fillwright.desk.doctor.asking import is_refusal, need, need_amount, need_time
from fillwright.desk.doctor.case import Case
from fillwright.desk.doctor.findings import Seen, failed, ok, skipped, warning
from fillwright.errors import BrokerUnavailable, JournalBound, fault_text
from fillwright.types import Mode, text_of


async def keys(case: Case) -> Seen:
    """Whether the account question is answered; whoever may not ask it may ask nothing."""
    try:
        answer = await case.ask(case.adapter.executor.account)
    except Exception as fault:
        if not is_refusal(fault):
            raise
        case.barred = "the broker refused the keys"
        said = str(fault) if isinstance(fault, BrokerUnavailable) else fault_text(fault)
        return failed(f"the {case.config.mode} endpoint refused the keys: {said}", _advice(case))
    case.account = _sound(answer)
    return ok(f"the {case.config.mode} endpoint takes them")


def _advice(case: Case) -> str:
    """Keys and endpoints come in two classes, and are easily mixed up."""
    config = case.config
    variable = f"FILLWRIGHT_{config.broker.upper().replace('-', '_')}__<KEY>"
    where = f"in [{config.broker}] or as {variable}"
    if config.mode is Mode.PAPER:
        return (
            f"The paper endpoint takes the keys of a paper account only: give those {where}. "
            'Keys of a live account work with mode = "live" alone'
        )
    return (
        f"The live endpoint takes the keys of the live account only: give those {where}. "
        'Keys of a paper account work with mode = "paper" alone'
    )


def _sound(answer: object) -> Account:
    """The account, every field of the kind that it promises. Raises Unsound."""
    account = need(answer, Account, "the account")
    need(account.account_id, str, "account_id")
    need(account.currency, str, "currency")
    need(account.blocked, bool, "blocked")
    need_time(account.as_of, "as_of")
    for name in ("cash", "buying_power", "equity"):
        need_amount(getattr(account, name), name)
    return account


async def account_id(case: Case) -> Seen:
    """Whether it is the account that the configuration expects."""
    config, account = case.config, _known(case)
    named, expected = account.account_id, config.expected_account_id
    line = f'expected_account_id = "{named}"'
    if expected == named:
        return ok(f"{named}, as expected_account_id says")
    if expected is not None:
        return failed(
            f"the broker names {named}, and expected_account_id is {expected}",
            f"Find out whose keys these are. If {named} is meant, write {line}",
        )
    if config.mode is Mode.LIVE:
        return failed(
            f"the broker names {named}, and expected_account_id is missing",
            f"Make sure at the broker that this is the account you mean, then write {line}",
        )
    return ok(f"{named}", f"To have it compared before every request, write {line}")


async def account(case: Case) -> Seen:
    """Whether the account may trade, and with how much."""
    told = _known(case)
    money = (
        f"buying power {text_of(told.buying_power)} {told.currency}, "
        f"cash {text_of(told.cash)}, equity {text_of(told.equity)}"
    )
    if told.blocked:
        return failed(
            f"the broker blocks it; {money}", "Ask the broker why; every order would be rejected"
        )
    if told.buying_power <= 0:
        return warning(money, "Nothing can be bought; selling what is held is possible")
    return ok(money)


async def binding(case: Case) -> Seen:
    """Whether the journal belongs to this mode, broker and account."""
    sight, config = case.journal, case.config
    if sight is None:
        return skipped("the journal cannot be read")
    known = case.account.account_id if case.account else None
    broker = case.adapter.executor.broker
    try:
        sight.check_binding(config.mode, broker, known)
    except JournalBound as fault:
        return failed(
            str(fault), f'Each account has a journal of its own, like journal = "{config.mode}.db"'
        )
    if known is None:
        return skipped("the account is not known")
    whose = f"{config.mode}/{broker}/{known}"
    return ok(f"{'will belong' if sight.binding is None else 'belongs'} to {whose}")


async def positions(case: Case) -> Seen:
    """Whether the account's positions can be read."""
    held = [p for p in map(_position, _known(case).positions.values()) if p.quantity]
    return ok(f"{len(held)} held")


def _position(value: object) -> Position:
    position = need(value, Position, "a position")
    need_amount(position.quantity, f"the quantity of {position.symbol}")
    return position


def _known(case: Case) -> Account:
    if case.account is None:
        raise RuntimeError("a probe ran without the account that it needs")
    return case.account
