"""Plugins are loaded by the name that the configuration gives, and no other is imported."""

import sys
import textwrap
from collections.abc import Callable, Mapping
from importlib.metadata import Distribution, DistributionFinder
from pathlib import Path
from typing import Any

import pytest

from fillwright.clock import SystemClock, SystemRng
from fillwright.errors import ConfigError, PluginError, PluginNotFound
from fillwright.hooks import AdapterRequest
from fillwright.plugins import Registry
from fillwright.types import Mode

CHECK = """
    from fillwright.hooks import hookimpl
    from fillwright.verdicts import ALLOW

    @hookimpl
    def check_order(order):
        return ALLOW
"""
FACTORY = """
    from fillwright.hooks import hookimpl

    @hookimpl
    def provide_adapter(request):
        {body}
"""

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a distribution with one module per entry point, for one test."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def _install(distribution: str, extras: tuple[str, ...] = (), **sources: str) -> None:
        folder = tmp_path / f"{distribution}-1.2.dist-info"
        folder.mkdir()
        provides = "".join(f"Provides-Extra: {extra}\n" for extra in extras)
        (folder / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n{provides}"
        )
        points = "\n".join(f"{name} = {distribution}_{name}" for name in sources)
        (folder / "entry_points.txt").write_text(f"[fillwright]\n{points}\n")
        for name, source in sources.items():
            monkeypatch.delitem(sys.modules, f"{distribution}_{name}", raising=False)
            (tmp_path / f"{distribution}_{name}.py").write_text(textwrap.dedent(source))

    return _install


def write(folder: Path, source: str, name: str = "my_checks.py") -> str:
    (folder / name).write_text(textwrap.dedent(source))
    return f"./{name}"


def request(name: str, settings: Mapping[str, Any] | None = None) -> AdapterRequest:
    return AdapterRequest(name, Mode.PAPER, settings or {}, Path(), SystemClock(), SystemRng())


def test_only_what_is_named_is_imported(install: Install, tmp_path: Path) -> None:
    """A broken plugin that nobody asked for must not stop the desk, nor run its code."""
    install("stranger", good=CHECK, bad="raise RuntimeError('imported')")

    registry = Registry.load(["good"], folder=tmp_path)

    assert [check.name for check in registry.checks] == ["good"]
    assert "stranger_bad" not in sys.modules
    assert "bad" in [info.name for info in registry.installed()]
    assert "good" not in [info.name for info in registry.installed()]


def test_an_unknown_name_tells_what_is_installed(tmp_path: Path) -> None:
    """A misspelt check that loads nothing would leave every order unchecked."""
    with pytest.raises(PluginNotFound, match=r"plugin rsik: not installed.* risk"):
        Registry.load(["rsik"], folder=tmp_path)


@pytest.mark.parametrize("stage", ["import", "factory"])
def test_a_missing_sdk_tells_which_extra_to_install(
    install: Install, tmp_path: Path, stage: str
) -> None:
    """A traceback from deep inside an adapter does not tell what to do."""
    missing = "import no_such_sdk"
    source = missing if stage == "import" else FACTORY.format(body=missing)
    install("shop", extras=("abroker",), abroker=source)

    with pytest.raises(PluginError, match=r"plugin abroker: .*no_such_sdk.*shop\[abroker\]"):
        Registry.load([], folder=tmp_path, broker="abroker").adapter(request("abroker"))


def test_what_no_extra_brings_is_told_without_one(install: Install, tmp_path: Path) -> None:
    """A command that installs nothing of use sends somebody round in a circle."""
    install("shop", extras=("other",), abroker="import no_such_sdk")
    write(tmp_path, "import no_such_sdk")

    for name in ("abroker", "./my_checks.py"):
        with pytest.raises(PluginError, match="no_such_sdk") as caught:
            Registry.load([name], folder=tmp_path)
        assert "install it with" not in str(caught.value)


def test_a_plugin_that_is_broker_and_feed_is_loaded_once(install: Install, tmp_path: Path) -> None:
    """Two instances of one broker's module are two connections, where one is allowed."""
    install("shop", abroker=FACTORY.format(body="return None"), afeed=CHECK)

    registry = Registry.load(
        [], folder=tmp_path, broker="abroker", data=["abroker", "afeed", "afeed"]
    )

    assert [one.name for one in registry.listing()] == ["abroker", "afeed"]


def test_an_adapter_s_own_hint_is_not_repeated(install: Install, tmp_path: Path) -> None:
    """Told twice, the user wonders which of the two commands is right."""
    body = "raise ImportError('needs shop[abroker]')"
    install("shop", extras=("abroker",), abroker=FACTORY.format(body=body))

    with pytest.raises(PluginError) as caught:
        Registry.load([], folder=tmp_path, broker="abroker").adapter(request("abroker"))

    assert str(caught.value).count("shop[abroker]") == 1


@pytest.mark.parametrize(
    "source", ["raise ValueError('boom')", "import sys; sys.exit(1)", "def broken(:"]
)
def test_a_plugin_that_breaks_on_import_is_named(
    install: Install, tmp_path: Path, source: str
) -> None:
    """One of six plugins broke: without its name, somebody has to find out which."""
    install("shop", broken=source)

    with pytest.raises(PluginError, match="plugin broken: cannot be imported"):
        Registry.load(["broken"], folder=tmp_path)
    with pytest.raises(PluginError, match="plugin my_checks: cannot be imported"):
        Registry.load([write(tmp_path, source)], folder=tmp_path)
    assert "fillwright_local_my_checks" not in sys.modules


def test_a_name_that_two_distributions_offer_is_refused(install: Install, tmp_path: Path) -> None:
    """Which of two checks is asked must not depend on the order of a directory."""
    install("one", mine=CHECK)
    install("two", mine=CHECK)

    with pytest.raises(PluginError, match="mine: is offered twice, by one_mine and two_mine"):
        Registry.load(["mine"], folder=tmp_path)


def test_a_local_file_is_read_anew(tmp_path: Path) -> None:
    """A cached older version of a check would judge by limits that were changed."""
    for limit in ("100", "200"):
        name = write(tmp_path, CHECK + f"\n    LIMIT = {limit}\n")
        Registry.load([name], folder=tmp_path)

        assert int(limit) == sys.modules["fillwright_local_my_checks"].LIMIT
    assert not (tmp_path / "__pycache__").exists()


def test_a_local_file_may_hold_dataclasses(tmp_path: Path) -> None:
    """Ordinary Python must work in the file that a quant writes first."""
    source = "from __future__ import annotations\nfrom dataclasses import dataclass\n"
    (tmp_path / "my_checks.py").write_text(
        source + textwrap.dedent(CHECK) + "\n@dataclass\nclass Limit:\n    value: int = 1\n"
    )

    assert Registry.load(["./my_checks.py"], folder=tmp_path).checks


def test_a_missing_file_is_told_with_its_whole_path(tmp_path: Path) -> None:
    """A relative path looked up in another folder is hard to see."""
    with pytest.raises(ConfigError, match=f"no file {tmp_path}/checks/mine.py"):
        Registry.load(["checks/mine.py"], folder=tmp_path)


def test_the_listing_tells_name_version_source_and_hooks(install: Install, tmp_path: Path) -> None:
    """Who is asked about money must be plain to see."""
    install("shop", good=CHECK)

    registry = Registry.load(["good", write(tmp_path, CHECK)], folder=tmp_path)

    first, second = registry.listing()
    assert (first.name, first.version, first.source) == ("good", "1.2", "shop_good")
    assert (second.name, second.version) == ("my_checks", "")
    assert second.source == str(tmp_path / "my_checks.py")
    assert first.hooks == second.hooks == ("check_order",)


def test_a_broker_is_no_check_and_a_check_no_broker(install: Install, tmp_path: Path) -> None:
    """A broker named as a check would satisfy the letter and check nothing."""
    install("shop", broker=FACTORY.format(body="return object()"), good=CHECK)

    with pytest.raises(PluginError, match=r"named as a check and yields none.*provide_adapter"):
        Registry.load(["broker"], folder=tmp_path)
    registry = Registry.load(["good"], folder=tmp_path, broker="broker")
    with pytest.raises(PluginError, match="good: has no provide_adapter"):
        registry.adapter(request("good"))
    with pytest.raises(PluginError, match="returned object; an adapter has executor"):
        registry.adapter(request("broker"))


def test_faults_of_a_factory_keep_the_plugin_s_name(install: Install, tmp_path: Path) -> None:
    """A ConfigError is the user's to mend and stays; anything else is the plugin's."""
    config = "from fillwright.errors import ConfigError; raise ConfigError('a.b', 'is wrong')"
    install(
        "shop",
        bad=FACTORY.format(body="raise KeyError('x')"),
        strict=FACTORY.format(body=config),
    )

    for broker, fault in (("bad", PluginError), ("strict", ConfigError)):
        registry = Registry.load([], folder=tmp_path, broker=broker)
        with pytest.raises(fault):
            registry.adapter(request(broker))


def test_the_fake_distribution_is_found_like_a_real_one(install: Install) -> None:
    """The other tests here prove something only if the finder sees their files."""
    install("shop", good=CHECK)

    context = DistributionFinder.Context(name="shop")
    assert [d.version for d in Distribution.discover(context=context)] == ["1.2"]
