"""Alpaca's Trading API over venues, as a function from request to answer: no sockets, no waiting.

1. The same settings, clock and calls give the same bytes.
2. No request raises, whatever it holds; it is answered the way the API answers.
3. With `state`, what the API shows is the same after a restart. The first account lives in that
   file, account 2 of `paper.db` in `paper-2.db`, and so on.
"""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from hmac import compare_digest
from pathlib import Path
from types import MappingProxyType

from fillwright.errors import ConfigError
from fillwright.protocols import Clock
from fillwright.testing.paper_server.calls import Call, Fields
from fillwright.testing.paper_server.paper_account import PaperAccount
from fillwright.testing.paper_server.rates import RateWindow
from fillwright.testing.paper_server.refusals import ApiError
from fillwright.testing.paper_server.request import Answer, Request
from fillwright.testing.paper_server.router import Found, find
from fillwright.testing.paper_server.settings import PaperServerSettings
from fillwright.testing.venue import StateFailed

__all__ = ["Exchange", "PaperAccount"]


class Exchange:
    """All accounts of one paper server."""

    def __init__(
        self, settings: PaperServerSettings, clock: Clock, *, state: Path | None = None
    ) -> None:
        self.settings = settings
        self._clock = clock
        self._state = state
        self._accounts: dict[str, PaperAccount] = {}
        try:
            self._open_accounts()
        except ConfigError:
            self.close()
            raise

    @property
    def accounts(self) -> Mapping[str, PaperAccount]:
        """The accounts by key id, oldest first."""
        return MappingProxyType(self._accounts)

    def add_account(
        self, *, cash: Decimal | None = None, positions: Mapping[str, Decimal] | None = None
    ) -> PaperAccount:
        """Open one more account; what is not given is as in the settings."""
        given = {"cash": cash, "positions": positions}
        changes = {name: value for name, value in given.items() if value is not None}
        # A copy with changes would not be validated.
        settings = type(self.settings).model_validate(dict(self.settings) | changes)
        number = len(self._accounts) + 1
        account = PaperAccount(settings, self._clock, number, state=self._file(number))
        self._accounts[account.key] = account
        return account

    def account_for(self, key: str, secret: str) -> PaperAccount | None:
        """The account to which both belong."""
        account = self._accounts.get(key)
        given = secret.encode(errors="surrogatepass")
        if account is None or not compare_digest(account.secret.encode(), given):
            return None
        return account

    def handle(self, request: Request) -> Answer:
        """Answer a request: authentication, rate limit, routing."""
        place = find(request.path)
        account = self._account_of(request, place)
        if account is None:
            window = RateWindow(self.settings.requests_per_minute)
            headers = window.take(self._clock.now(), requests=0).headers
            return _with(headers, ApiError((401, None), "unauthorized.").answer())
        rates = account.data_rates if place.is_data else account.rates
        allowance = rates.take(self._clock.now())
        if not allowance.allowed:
            text = "too many requests." if place.is_data else "rate limit exceeded"
            return _with(allowance.headers, ApiError((429, 42910000), text).answer())
        return _with(allowance.headers, _answered(account, request, place))

    def advance(self) -> None:
        """Let everything happen in every account that was to happen until now."""
        for account in self._accounts.values():
            account.advance()

    def close(self) -> None:
        """Let go of the state files."""
        for account in self._accounts.values():
            account.venue.close()

    def _open_accounts(self) -> None:
        while len(self._accounts) < self.settings.accounts or self._is_kept():
            self.add_account()

    def _account_of(self, request: Request, place: Found) -> PaperAccount | None:
        key = request.headers.get("apca-api-key-id")
        secret = request.headers.get("apca-api-secret-key")
        if key is None and secret is None and place.is_keyless:
            return next(iter(self._accounts.values()))
        return self.account_for(key or "", secret or "")

    def _is_kept(self) -> bool:
        """Whether the next account was opened by an earlier run."""
        file = self._file(len(self._accounts) + 1)
        return file is not None and file.exists()

    def _file(self, number: int) -> Path | None:
        if self._state is None or number == 1:
            return self._state
        return self._state.with_stem(f"{self._state.stem}-{number}")


def _answered(account: PaperAccount, request: Request, place: Found) -> Answer:
    try:
        now = account.advance()
        call = Call(account, Fields(request.query), request.body, place.name, now)
        return place.handler(request.method)(call)
    except ApiError as refused:
        return refused.answer()
    except StateFailed as fault:
        # The shape of a 500 is not confirmed.
        return ApiError((500, 50010000), f"internal server error: {fault}").answer()


def _with(headers: Mapping[str, str], answer: Answer) -> Answer:
    return replace(answer, headers={**answer.headers, **headers})
