"""The fake broker: a plugin like any other, over a deterministic venue. `broker = "fake"`."""

from fillwright.errors import ConfigError
from fillwright.hooks import AdapterRequest, hookimpl
from fillwright.protocols import Adapter
from fillwright.testing.chance import SeededRng
from fillwright.testing.fake_broker.adapter import FakeBroker
from fillwright.testing.fake_broker.executor import CAPABILITIES, FakeExecutor, FakeQuotes
from fillwright.testing.fake_broker.faults import FaultyExecutor, FaultyQuotes
from fillwright.testing.fake_broker.faulty_stream import FaultyStream
from fillwright.testing.fake_broker.script import PLACES, Fault, FaultScript, Kind, On
from fillwright.testing.fake_broker.settings import FakeBrokerSettings, Latency, read_settings
from fillwright.testing.fake_broker.stream import FakeStream
from fillwright.types import Mode

__all__ = [
    "CAPABILITIES",
    "PLACES",
    "FakeBroker",
    "FakeBrokerSettings",
    "FakeExecutor",
    "FakeQuotes",
    "FakeStream",
    "Fault",
    "FaultScript",
    "FaultyExecutor",
    "FaultyQuotes",
    "FaultyStream",
    "Kind",
    "Latency",
    "On",
    "provide_adapter",
    "read_settings",
]


@hookimpl
def provide_adapter(request: AdapterRequest) -> Adapter:
    """Build the fake broker from its table; its chance comes from its own seed."""
    if request.mode is not Mode.PAPER:
        raise ConfigError(
            "mode", "the fake broker has no real money to trade", 'Write mode = "paper"'
        )
    settings = read_settings(request.name, request.settings, request.folder)
    return FakeBroker(settings, request.clock, rng=SeededRng(settings.seed))
