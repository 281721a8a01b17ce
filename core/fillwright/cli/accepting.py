"""`fillwright reconcile --accept`: a person takes the broker's figure as the truth."""

from fillwright.cli.aftermath import left_told
from fillwright.cli.answers import Answer
from fillwright.cli.calls import Call
from fillwright.cli.faults import one_line
from fillwright.cli.recording import KEPT
from fillwright.cli.stopping import Hold, run_stoppable
from fillwright.config import DeskConfig
from fillwright.desk.accepting import Accepted
from fillwright.desk.opening import Overrides, open_desk
from fillwright.types import text_of


def accepted(call: Call, subject: str, *, reason: str, by: str) -> Answer:
    """Have the desk accept it, and tell what it was and is."""
    config, hold = call.loaded(), Hold()
    with left_told(config, hold):
        found = run_stoppable(lambda: _accept(config, hold, subject, reason, by), hold)
    ours, theirs = text_of(found.ours), text_of(found.theirs)
    told = one_line(f"Accepted for {subject}: {theirs}, where the journal had {ours}: {reason}.")
    lines = [told, "Halts that came of the difference stand; `fillwright resume` lifts them."]
    document = {"accepted": subject, "was": found.ours, "now": found.theirs, "by": by}
    return Answer(document | {"reason": reason}, lines, done=f"{told} {KEPT}")


async def _accept(config: DeskConfig, hold: Hold, subject: str, reason: str, by: str) -> Accepted:
    overrides = Overrides(journal=hold.opener(config))
    async with open_desk(config, overrides=overrides) as desk:
        return await desk.accept(subject, reason=reason, by=by)
