"""Carry plans out, one at a time: the same plan id is the same plan, for ever."""

import asyncio

from fillwright.desk.planning.diary import Diary, Progress
from fillwright.desk.planning.ports import PlanDesk
from fillwright.desk.planning.preview import PlanPreview, preview_of
from fillwright.desk.planning.run import PlanRun
from fillwright.desk.planning.settings import PlanSettings
from fillwright.errors import PlanError
from fillwright.logs import Logger, get_logger
from fillwright.plans import ExecutionResult, Plan, RebalancePlan, item_count, require_plan

_log = get_logger(__name__)


class PlanEngine:
    """The plans of one desk.

    Plans take turns: a second plan would size itself from positions that the first is about to
    change, and cancel its orders as stale.
    """

    def __init__(self, desk: PlanDesk, settings: PlanSettings | None = None) -> None:
        self._desk = desk
        self._settings = settings or PlanSettings()
        self._turn = asyncio.Lock()

    async def execute(self, plan: Plan) -> ExecutionResult:
        """Carry the plan out, resume it, or give its recorded result again.

        A result with something in doubt is not recorded: the same plan later settles it.
        Raises PlanError for what is no plan, `IntentConflict` when its id is known with other
        content, and whatever stops the desk; the plan can then be resumed.
        """
        plan = require_plan(plan)
        self._check_tactics(plan)
        async with self._turn:
            return await self._execute(plan)

    async def preview(self, plan: Plan) -> PlanPreview:
        """What the plan would send now and what the gate would say; sends and records nothing."""
        plan = require_plan(plan)
        self._check_tactics(plan)
        known = _known(Diary(self._desk, plan).read())
        return await preview_of(plan, self._desk, self._settings, known=known)

    async def _execute(self, plan: Plan) -> ExecutionResult:
        log = _bound(plan)
        diary = Diary(self._desk, plan)
        progress = diary.read()
        if progress.result is not None:
            log.info("plan_repeated", status=progress.result.status.value)
            return progress.result
        log.info("plan_started", resumed=progress.lines is not None)
        run = PlanRun(plan, self._desk, self._settings, diary=diary, log=log)
        try:
            result = await run.carry_out(progress)
        except Exception:
            log.exception("plan_failed")
            raise
        _report(log, result)
        return result

    def _check_tactics(self, plan: Plan) -> None:
        named = [("tactic", plan.tactic)]
        if isinstance(plan, RebalancePlan):
            named += [(f"items.{n}.tactic", item.tactic) for n, item in enumerate(plan.items)]
        for field, tactic in named:
            if tactic is not None and tactic not in self._settings.tactics:
                known = ", ".join(sorted(self._settings.tactics))
                raise PlanError(
                    f"plan {plan.plan_id}: {field}",
                    f"this desk has no tactic {tactic!r}; it has {known}",
                )


def _bound(plan: Plan) -> Logger:
    return _log.bind(
        plan_id=plan.plan_id,
        correlation_id=plan.correlation_id,
        causation_id=plan.causation_id,
        item_count=item_count(plan),
    )


def _report(log: Logger, result: ExecutionResult) -> None:
    tell = log.warning if result.in_doubt or not result.success else log.info
    tell(
        "plan_completed",
        status=result.status.value,
        orders_placed=result.orders_placed,
        orders_succeeded=result.orders_succeeded,
        in_doubt=result.in_doubt,
        total_trade_value=str(result.total_trade_value),
    )


def _known(progress: Progress) -> str:
    if progress.result is not None:
        return "finished"
    return "started" if progress.lines is not None else "new"
