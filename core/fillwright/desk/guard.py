"""The paper/live guard: every agreement is looked at again before every request that acts."""

from dataclasses import dataclass

from fillwright.errors import GuardError
from fillwright.protocols import Executor
from fillwright.types import Mode


@dataclass(frozen=True, slots=True)
class Guard:
    """Configured mode, the class of endpoint, and the account that the broker named.

    Live needs `expected_account` to be given and to be the account that was read back.
    """

    mode: Mode
    executor: Executor
    account: str
    expected_account: str | None

    def check(self) -> None:
        """Raise `GuardError` unless all agree."""
        if self.executor.endpoint is not self.mode:
            raise GuardError(
                f"mode is {self.mode} but the adapter speaks to a {self.executor.endpoint} "
                "endpoint; nothing was sent"
            )
        if self.expected_account is None:
            if self.mode is Mode.LIVE:
                raise GuardError("live mode needs expected_account_id in the configuration")
            return
        if self.expected_account != self.account:
            raise GuardError(
                f"the broker says that this is account {self.account}, "
                f"expected_account_id is {self.expected_account}; nothing was sent"
            )
