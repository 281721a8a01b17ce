"""The paper/live guard (C36): every agreement is looked at again before every request that acts."""

from dataclasses import dataclass

from fillwright.desk.arming import Arming
from fillwright.errors import GuardError
from fillwright.protocols import Executor
from fillwright.types import Mode


@dataclass(frozen=True, slots=True)
class Guard:
    """Configured mode, the class of endpoint, and the account that the broker named.

    Live needs `expected_account` to be given and to be the account that was read back, and to be
    armed.
    """

    mode: Mode
    executor: Executor
    account: str
    expected_account: str | None
    arming: Arming | None = None

    def check(self, *, cancel: bool = False) -> None:
        """Raise `GuardError` unless all agree; for a `cancel` the token may have run out."""
        self._agree()
        if self.arming is not None:
            self.arming.check(cancel=cancel)

    def _agree(self) -> None:
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
