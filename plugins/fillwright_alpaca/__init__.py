"""Alpaca, over alpaca-py: `broker = "alpaca"`.

This package is also the longer of the two examples of a broker: read it beside your own API.

    [alpaca]                                 # desk.toml; keys better in the environment:
    key_file = "secrets/alpaca-key"          #   FILLWRIGHT_ALPACA__KEY_ID
    secret_file = "secrets/alpaca-secret"    #   FILLWRIGHT_ALPACA__SECRET_KEY

A broker is one function with a hook's name, at the bottom of this file. It reads its own table and
returns an adapter: an executor for requests and questions, a stream for what happens, quotes for
prices. Each answer is one of few things, and they are the same for every broker:

- a request was taken (`Ack`), rejected (`OrderRejected`), never left (`NotSent`), or nobody can
  tell (`OrderInDoubt`). When in doubt, say so: the desk knows what to do, and asks;
- a question has an answer, or `BrokerUnavailable`. "There is none" is an answer only when the
  broker itself says it.

The files, in the order in which an order passes them:

- `settings.py`, `credentials.py`, `endpoints.py`: where to, as whom, and whether money is real;
- `capabilities.py`: what the broker takes, so that the desk refuses the rest by itself;
- `executor.py`, `questions.py`, `fills.py`, `quotes.py`: the protocols, each a few lines a method;
- `known.py`, `tape.py`: what orders are called and what their fills were, remembered;
- `bodies.py`, `messages.py`, `answers.py`: the broker's JSON to and from our values, pure;
- `outcomes.py`: what a status, a code or a silence proves, as a table, pure;
- `wire.py`, `exchange.py`, `calls.py`: one request at a time per worker, bounded, beside the loop;
- `translate.py`: the only file that names the SDK. Nothing of it leaves that file;
- `heads.py`: headers that were cut off are no headers;
- `stream.py` and its helpers: the account's trade updates.
"""

from fillwright.hooks import AdapterRequest, hookimpl
from fillwright.protocols import Adapter

__all__ = ["provide_adapter"]


@hookimpl
def provide_adapter(request: AdapterRequest) -> Adapter:
    """Build the adapter for one Alpaca account. Raises `ConfigError`."""
    from fillwright_alpaca.adapter import build  # noqa: PLC0415  the SDK takes a second to import

    return build(request)
