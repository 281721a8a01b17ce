"""Reading plans: what is accepted as it is, and what is refused with one sentence."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillwright.errors import PlanError
from fillwright.plans import (
    Action,
    Basket,
    RebalancePlan,
    StaleOrders,
    TargetQuantities,
    TargetValues,
    TargetWeights,
    Urgency,
    parse_csv,
    parse_json,
    read_plan,
    require_plan,
)
from fillwright.plans.files import MAX_BYTES
from fillwright.types import OrdType, Side

SELL_ALL = {"symbol": "A", "target_weight": "0", "trade_amount": "-1", "action": "SELL"}
BUY = {"symbol": "A", "side": "BUY", "quantity": "1"}


def _plan(**fields: object) -> str:
    return json.dumps({"plan_id": "p1", **fields})


def _items(**changes: object) -> str:
    return _plan(items=[SELL_ALL | {"symbol": "B"}, SELL_ALL | changes])


BAD = {
    "empty": ("", "empty"),
    "cut off": ('{"plan_id": "p1"', "not JSON"),
    "a list": ("[]", "a JSON object, not a list"),
    "null": ("null", "a JSON object, not null"),
    "no kind": (_plan(), "exactly one of items"),
    "two kinds": (_plan(items=[], orders=[]), "items and orders"),
    "no items": (_plan(items=[]), "the plan is empty"),
    "no targets": (_plan(target_weights={}, close_others=True), "the plan is empty"),
    "null items": (_plan(items=None), "items: it should be a list"),
    "no plan id": (json.dumps({"items": [SELL_ALL]}), "plan_id: this field is missing"),
    "float amount": (_items(trade_amount=-1.5), "items.1.trade_amount: write it as a string"),
    "number amount": (_items(trade_amount=-1), "items.1.trade_amount: write it as a string"),
    "NaN text": (_items(trade_amount="NaN"), "items.1.trade_amount: NaN"),
    "NaN": (_plan(items=[], x=float("nan")), "NaN is not a number"),
    "Infinity": (_plan(items=[], x=float("inf")), "Infinity is not a number"),
    "huge float": ('{"items": [], "x": 1e999}', "too large a number"),
    "huge integer": ('{"items": [], "x": 1' + "0" * 5000 + "}", "more digits than any amount"),
    "huge amount": (_items(trade_amount="-1" + "0" * 13), "items.1.trade_amount: the number is"),
    "many digits": (_items(trade_amount="-1" + "0" * 30), "more than 28 digits"),
    "many digits in short": (_items(trade_amount="-1E28"), "more than 28 digits"),
    "unknown field": (_items(trade_amout="1"), "items.1.trade_amout: unknown field"),
    "unknown top field": (_plan(items=[SELL_ALL], urgency="LOW"), "urgency: unknown field"),
    "wrong sign": (_items(trade_amount="1"), "items.1: trade_amount does not agree"),
    "amount on hold": (_items(action="HOLD"), "items.1: trade_amount does not agree"),
    "unknown action": (_items(action="SHORT"), "items.1.action: it should be 'BUY'"),
    "priority 6": (_items(priority=6), "items.1.priority"),
    "priority true": (_items(priority=True), "items.1.priority"),
    "twice the same": (_items(symbol="B"), "items: B appears more than once"),
    "lower case": (_items(symbol="b"), "items.1.symbol: not a valid name"),
    "negative target": (_items(target_weight="-0.1"), "items.1.target_weight: -0.1 is below zero"),
    "target above 1": (_items(target_weight="1.1"), "items.1: target_weight is above 1"),
    "weight below 0": (_plan(target_weights={"A": "-0.1"}), "target_weights.A: -0.1 is below zero"),
    "weights above 1": (_plan(target_weights={"A": "0.6", "B": "0.5"}), "sum to 1.1"),
    "value below 0": (_plan(target_values={"A": "-1"}), "target_values.A: -1 is below zero"),
    "weight a float": (_plan(target_weights={"A": 0.5}), "target_weights.A: write it as a string"),
    "order twice": (_plan(orders=[BUY, BUY]), "orders.1 repeats orders.0"),
    "order without size": (_plan(orders=[{"symbol": "A", "side": "BUY"}]), "orders.0: give either"),
    "repeated key": ('{"plan_id": "a", "plan_id": "b", "items": []}', "'plan_id' appears twice"),
    "deep": ('{"items": [], "metadata": ' + '{"a":' * 50 + "1" + "}" * 51, "deeper than 24"),
    "very deep": ("[" * 100_000, "deeper than 24"),
    "naive time": (_plan(orders=[BUY], timestamp="2026-11-23T10:00:00"), "timestamp: the time has"),
    "long plan id": (json.dumps({"plan_id": "p" * 89, "orders": [BUY]}), "plan_id: not a valid"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_json_gives_one_sentence_that_names_the_place(name: str) -> None:
    """A plan that somebody mistyped must never be half understood, or answered by a traceback."""
    text, said = BAD[name]
    with pytest.raises(PlanError) as caught:
        parse_json(text, "plan.json")
    assert caught.value.where.startswith("plan.json")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


BAD_CSV = {
    "empty": ("", "the basket is empty"),
    "no orders": ("symbol,side,quantity\n", "the plan is empty"),
    "unknown column": ("symbol,sidde\nA,BUY\n", "line 1: unknown column 'sidde'"),
    "column twice": ("symbol,symbol\n", "line 1: the column symbol appears twice"),
    "short row": ("# a remark\nsymbol,side,quantity\nA,BUY\n", "line 3: 2 cells under 3 columns"),
    "NaN": ("symbol,side,quantity\nA,BUY,1\n\nB,BUY,NaN\n", "line 4: quantity: NaN"),
    "both sizes": ("symbol,side,quantity,notional\nA,BUY,1,1\n", "line 2: give either"),
    "open quote": ('symbol,side,quantity\nA,BUY,"1\n', "not CSV"),
    "bad remark": ("# stale_orders: maybe\nsymbol,side,quantity\nA,BUY,1\n", "stale_orders: it"),
}


@pytest.mark.parametrize("name", BAD_CSV)
def test_bad_csv_gives_one_sentence_with_its_line(name: str) -> None:
    """A basket with one bad line must not send the good ones."""
    text, said = BAD_CSV[name]
    with pytest.raises(PlanError) as caught:
        parse_csv(text, "basket.csv")
    assert said in str(caught.value)
    assert str(caught.value).startswith("basket.csv: ")


@given(st.text(max_size=300))
def test_any_text_is_a_plan_or_a_plan_error(text: str) -> None:
    """Whatever stands in the file, the answer is never a traceback."""
    for parse in (parse_json, parse_csv):
        said = "x: "
        try:
            parse(text, "x")
        except PlanError as fault:
            said = str(fault)
        assert said.startswith("x: ")


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists, max_leaves=8))
def test_any_json_where_items_stand_is_refused(junk: object) -> None:
    """Only what was meant as items may become orders."""
    with pytest.raises(PlanError):
        parse_json(json.dumps({"plan_id": "p", "items": junk}), "x")


def test_rebalance_is_taken_with_all_the_fields_of_a_portfolio_system() -> None:
    """A plan that existing systems write must not need a rewrite."""
    item = {
        "symbol": "BRK.B",
        "current_weight": "0.1",
        "target_weight": "0.2",
        "weight_diff": "0.1",
        "target_value": "2000",
        "current_value": "1000.00",
        "trade_amount": "1000.00",
        "action": "BUY",
        "priority": 1,
        "tactic": "walk",
    }
    fields = {
        "correlation_id": "c1",
        "causation_id": "e1",
        "timestamp": "2026-11-23T09:30:00-05:00",
        "total_portfolio_value": "10000",
        "total_trade_value": "1000",
        "max_drift_tolerance": "0.05",
        "execution_urgency": "HIGH",
        "stale_orders": "keep",
        "estimated_duration_minutes": 5,
        "metadata": {"strategy_attribution": {"BRK.B": ["value"]}, "score": 0.25, "deep": [{}]},
    }
    plan = parse_json(_plan(items=[item], **fields), "x")
    assert isinstance(plan, RebalancePlan)
    assert plan.items[0].trade_amount == Decimal(1000)
    assert plan.items[0].action is Action.BUY
    assert plan.execution_urgency is Urgency.HIGH
    assert plan.stale_orders is StaleOrders.KEEP
    assert plan.strategies("BRK.B") == ("value",)
    assert parse_json(plan.content().decode(), "again") == plan


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [
        ("target_weights", {"A": "0.5"}, TargetWeights),
        ("target_values", {"A": "500"}, TargetValues),
        ("target_quantities", {"A": "5"}, TargetQuantities),
        ("orders", [BUY], Basket),
        ("items", [SELL_ALL], RebalancePlan),
    ],
)
def test_the_one_field_present_says_which_kind_it_is(field: str, value: object, kind: type) -> None:
    """A weight taken for a quantity would be an order of the wrong size."""
    assert type(parse_json(_plan(**{field: value}), "x")) is kind


@pytest.mark.parametrize("attribution", [None, 5, ["A"], {"A": 5}, {"B": ["x"]}])
def test_odd_attribution_attributes_nothing(attribution: object) -> None:
    """Free metadata must never keep a plan from trading."""
    text = _plan(items=[SELL_ALL], metadata={"strategy_attribution": attribution})
    plan = parse_json(text, "x")
    assert plan.strategies("A") == ()


def test_csv_takes_the_fields_of_an_order() -> None:
    """A basket that loses a limit price would buy at any price."""
    text = (
        "# plan_id: friday\n# stale_orders: keep\n"
        "symbol, side, quantity, type, limit_price, time_in_force, tags, reduce_only\n"
        "A, BUY, 1.5, LIMIT, 10.25, GTC, x; y,\n\nB,SELL,2,,,,,true\n"
    )
    basket = parse_csv(text, "x")
    first, second = basket.orders
    assert (basket.plan_id, basket.stale_orders) == ("friday", StaleOrders.KEEP)
    assert (first.side, first.type, first.limit_price) == (
        Side.BUY,
        OrdType.LIMIT,
        Decimal("10.25"),
    )
    assert first.tags == ("x", "y")
    assert second.reduce_only


def test_the_same_csv_is_the_same_plan() -> None:
    """Running a file twice by mistake must not buy twice; an edited file is a new decision."""
    text = "symbol,side,quantity\nA,BUY,1\n"
    assert parse_csv(text, "a").plan_id == parse_csv(text, "b").plan_id
    assert parse_csv(text, "a").plan_id != parse_csv(text + "B,BUY,1\n", "a").plan_id


def test_files_that_cannot_be_plans_are_refused(tmp_path: Path) -> None:
    """A wrong path, a huge file or a binary ends in a sentence, not in a traceback."""
    binary, large = tmp_path / "binary.json", tmp_path / "large.json"
    binary.write_bytes(b"{\n\xff\xfe")
    with large.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    (tmp_path / "none.json").touch()
    said = {
        tmp_path / "gone.json": "there is no such file",
        tmp_path: "this is a folder",
        binary: "line 2: this is not UTF-8 text",
        large: "larger than 16 MiB",
        tmp_path / "none.json": "the file is empty",
        tmp_path / ("x" * 300): "it cannot be read",
        Path("nul\0byte"): "it cannot be read",
    }
    for path, problem in said.items():
        with pytest.raises(PlanError, match=problem):
            read_plan(path)


def test_files_are_read_by_their_ending(tmp_path: Path) -> None:
    """A byte order mark that a spreadsheet puts in must not hide the first column."""
    basket = tmp_path / "b.CSV"
    basket.write_bytes("\ufeffsymbol,side,quantity\r\nA,BUY,1\r\n".encode())
    assert isinstance(read_plan(basket), Basket)
    plan = tmp_path / "p.json"
    plan.write_text(_plan(items=[SELL_ALL]))
    assert isinstance(read_plan(str(plan)), RebalancePlan)


@pytest.mark.parametrize("given", [None, 5, "plan.json", [], {}])
def test_what_is_no_plan_is_refused_at_the_door(given: object) -> None:
    """None where a plan was meant must be told apart from an empty day."""
    with pytest.raises(PlanError):
        require_plan(given)
