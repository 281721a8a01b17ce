"""One plan from its first check to its result, or from where an earlier process left it."""

from collections.abc import Mapping
from datetime import timedelta

from fillwright.accounts import Instrument
from fillwright.desk.planning.book_cleaning import cancel_all, clean_book
from fillwright.desk.planning.buying import Buyer, Purse
from fillwright.desk.planning.diary import Diary, Progress
from fillwright.desk.planning.facts import rules_of, snapshot_of
from fillwright.desk.planning.outcome import Worked, is_in_doubt, item_result, order_lines
from fillwright.desk.planning.ports import PlanDesk
from fillwright.desk.planning.sending import Sender
from fillwright.desk.planning.settings import PlanSettings
from fillwright.desk.planning.waiting import is_open, wait_done
from fillwright.logs import Logger
from fillwright.plans import ExecutionResult, Plan, kind_of
from fillwright.plans.funds import available
from fillwright.plans.sizing import SizedLine, size
from fillwright.protocols import OrderHandle
from fillwright.types import Side


class PlanRun:
    """The way of one plan: size, sell, buy, bring home, report."""

    def __init__(
        self, plan: Plan, desk: PlanDesk, settings: PlanSettings, *, diary: Diary, log: Logger
    ) -> None:
        self._plan = plan
        self._desk = desk
        self._settings = settings
        self._diary = diary
        self._log = log

    async def carry_out(self, progress: Progress) -> ExecutionResult:
        """Take the plan to its end from where `progress` says that it is."""
        resumed = progress.lines is not None
        if progress.lines is None:
            progress = await self._decide()
        lines = progress.lines or ()
        sender = self._sender(progress)
        await self._trade(lines, progress, sender)
        await self._bring_home(sender)
        progress = self._diary.read()
        result = self._result(progress, sender, resumed=resumed)
        if not any(is_in_doubt(handle.state) for handle in sender.handles.values()):
            await self._diary.finished(result)
        return result

    async def _decide(self) -> Progress:
        rules: Mapping[str, Instrument] = await rules_of(self._plan, self._desk, self._settings)
        await self._diary.started()
        policy = self._settings.stale_orders_of(self._plan)
        cleaned = await clean_book(policy, self._desk, self._settings, self._log)
        snapshot = await snapshot_of(
            self._plan, self._desk, self._settings, rules=rules, unsettled=cleaned.unsettled
        )
        lines = size(self._plan, snapshot)
        funds = available(snapshot.account, margin=self._settings.margin)
        await self._diary.sized(lines, snapshot, funds, cleaned.canceled)
        self._log.info(
            "plan_sized",
            orders=sum(line.order is not None for line in lines),
            available=str(funds),
        )
        # What follows goes by what is written, in a first run as in a resumed one.
        return self._diary.read()

    def _sender(self, progress: Progress) -> Sender:
        now = self._desk.clock.now()
        sized_at = progress.sized_at or now
        in_time = now - sized_at <= timedelta(seconds=self._settings.resume_within)
        deadline = self._settings.deadlines[self._plan.execution_urgency] if in_time else 0.0
        return Sender(
            self._desk,
            self._settings,
            deadline=self._desk.clock.monotonic() + deadline,
            may_send=in_time,
        )

    async def _trade(
        self, lines: tuple[SizedLine, ...], progress: Progress, sender: Sender
    ) -> None:
        purse = Purse(self._desk, self._settings, progress.funds)
        buyer = Buyer(sender, self._diary, purse, settings=self._settings, log=self._log)
        await buyer.pick_up(progress.released)
        orders = {line.index: line.order for line in lines if line.order is not None}
        closed = progress.closed or {}
        sells = [line.index for line in lines if line.side is Side.SELL and line.index in orders]
        # What was released before the plan was closed may still be staged, and goes on.
        await sender.send({index: orders[index] for index in sells if index not in closed})
        if sender.may_send and progress.closed is None:
            handles = [sender.handles[index] for index in sells if index in sender.handles]
            await self._await_sells(handles, sender)
            purse.expect(handles)
            todo = orders.keys() - sells - progress.released.keys()
            await buyer.run(line for line in lines if line.index in todo)
        sender.notes = {**closed, **sender.notes}
        if progress.closed is None:
            await self._diary.closed(sender.notes)

    async def _await_sells(self, sells: list[OrderHandle], sender: Sender) -> None:
        if not sells:
            return
        left = sender.deadline - self._desk.clock.monotonic()
        until = self._desk.clock.monotonic() + left * self._settings.sells_share
        await wait_done(sells, until=until, clock=self._desk.clock)
        still_open = sum(map(is_open, sells))
        self._log.info("sells_completed", sells=len(sells), still_open=still_open)

    async def _bring_home(self, sender: Sender) -> None:
        handles = list(sender.handles.values())
        await wait_done(handles, until=sender.deadline, clock=self._desk.clock)
        late = [handle for handle in handles if is_open(handle)]
        if not late:
            return
        self._log.warning("deadline_passed", still_open=len(late))
        await cancel_all([handle.client_order_id for handle in late], self._desk, self._log)
        until = self._desk.clock.monotonic() + self._settings.cancel_within
        await wait_done(late, until=until, clock=self._desk.clock)

    def _result(self, progress: Progress, sender: Sender, *, resumed: bool) -> ExecutionResult:
        worked = [_worked(line, progress, sender) for line in progress.lines or ()]
        return ExecutionResult.of(
            self._plan,
            order_lines(worked),
            tuple(map(item_result, worked)),
            at=self._desk.clock.now(),
            metadata={
                "kind": kind_of(self._plan),
                "execution_urgency": self._plan.execution_urgency.value,
                "resumed": resumed,
                "canceled_before": list(progress.canceled),
                "plan": dict(self._plan.metadata),
            },
        )


def _worked(line: SizedLine, progress: Progress, sender: Sender) -> Worked:
    handle, release = sender.handles.get(line.index), progress.released.get(line.index)
    return Worked(
        line,
        release.order if release else line.order,
        handle.state if handle else None,
        sender.notes.get(line.index),
    )
