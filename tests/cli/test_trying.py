"""`fillwright check try`: what the checks in a file say to a plan; nothing is sent or written."""

import json
from pathlib import Path

import pytest

from cli.clikit import is_one_sentence, order, run_here, venue_orders, write_desk, write_plan

HEAD = "from decimal import Decimal\nfrom fillwright import *\n"
AT_MOST = """
class AtMost:
    def __init__(self, limit):
        self.name = f"at_most_{limit}"
        self.limit = limit

    @hookimpl
    def check_order(self, order):
        if order.quantity <= self.limit:
            return ALLOW
        return Reject("MINE", measured=order.quantity, limit=self.limit)


@hookimpl
def provide_checks(settings):
    return [AtMost(5), AtMost(50)]
"""


def write_check(folder: Path, body: str, name: str = "mine.py") -> Path:
    path = folder / name
    path.write_text(HEAD + body)
    return path


def function(line: str, *, head: str = "") -> str:
    """A check that answers what one line says, or does what it does."""
    return f"{head}@hookimpl\ndef check_order(order, book):\n    {line}\n"


def two_orders(folder: Path) -> Path:
    return write_plan(folder, orders=[order("AAPL", "4"), order("KO", "7")])


def test_each_verdict_with_what_was_measured(tmp_path, capsys) -> None:
    """A limit is set by guess, and nobody sees whom it would have stopped."""
    file, plan = write_check(tmp_path, AT_MOST), two_orders(tmp_path)
    desk = write_desk(tmp_path)

    outcome = run_here(capsys, "check", "try", file, "--plan", plan, "-c", desk, "--json")

    apple, coke = outcome.document["orders"]
    assert outcome.code == 3
    assert outcome.document["checks"] == ["mine.at_most_5", "mine.at_most_50"]
    assert (apple["outcome"], coke["outcome"]) == ("ALLOW", "REJECT")
    assert [one["verdict"] for one in apple["verdicts"]] == ["ALLOW", "ALLOW"]
    assert coke["verdicts"] == [
        {
            "check": "mine.at_most_5",
            "verdict": "REJECT",
            "code": "MINE",
            "measured": "7",
            "limit": "5",
            "text": "",
        },
        {**dict.fromkeys(("code", "measured", "limit", "text"), ""), "check": "mine.at_most_50"}
        | {"verdict": "ALLOW"},
    ]
    assert venue_orders(tmp_path) == []


def test_a_person_reads_the_same_in_a_table(tmp_path, capsys) -> None:
    """The author looks at the wrong row, because the table says less than the document."""
    file, plan = write_check(tmp_path, AT_MOST), two_orders(tmp_path)

    outcome = run_here(capsys, "check", "try", file, "--plan", plan, "-c", write_desk(tmp_path))

    refused = next(line for line in outcome.out.splitlines() if "MINE" in line)
    assert refused.split() == ["KO", "BUY", "7", "mine.at_most_5", "REJECT", "7", "5", "MINE"]
    assert "p-1: 1 of 2 orders would leave." in outcome.out
    assert "Would be refused: BUY 7 KO." in outcome.out
    assert outcome.out.endswith("Nothing was sent, and nothing was written.\n")


@pytest.mark.parametrize(
    ("answer", "code"), [("ALLOW", 0), ("Reject('N', measured=1, limit=0)", 1)]
)
def test_it_exits_by_what_would_leave(tmp_path, capsys, answer, code) -> None:
    """A script that tries the checks before the run goes on although all is refused."""
    file, plan = write_check(tmp_path, function(f"return {answer}")), two_orders(tmp_path)

    outcome = run_here(capsys, "check", "try", file, "--plan", plan, "-c", write_desk(tmp_path))

    assert outcome.code == code


FAULTS = {
    "raises": ("raise KeyError(order.symbol)", "CHECK_RAISED", "KeyError: 'AAPL'"),
    "leaves": ("raise SystemExit(3)", "CHECK_RAISED", "SystemExit: 3"),
    "says nothing": ("return None", "CHECK_NO_VERDICT", "None"),
    "says true": ("return True", "CHECK_NO_VERDICT", "bool"),
    "has no code": ("return Reject('', measured=1, limit=0)", "CHECK_BAD_VERDICT", ""),
    "resizes upwards": (
        "return Resize('R', quantity=Decimal(9000), measured=1, limit=0)",
        "BAD_RESIZE",
        "9000",
    ),
    "changes the order": ("vars(order)['strategy'] = 'x'; return ALLOW", "ORDER_CHANGED", "other"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_check_is_a_refusal_and_no_traceback(tmp_path, capsys, fault) -> None:
    """The author takes a page of traceback for the end of it; in a desk it would refuse orders."""
    line, code, measured = FAULTS[fault]
    file, plan = write_check(tmp_path, function(line)), two_orders(tmp_path)
    desk = write_desk(tmp_path)

    outcome = run_here(capsys, "check", "try", file, "--plan", plan, "-c", desk, "--json")

    said = outcome.document["orders"][0]["verdicts"][0]
    assert outcome.code == 1
    assert outcome.err == ""
    assert (said["check"], said["verdict"], said["code"]) == ("mine", "REJECT", code)
    assert measured in said["measured"]


def test_a_check_that_hangs_is_named(tmp_path, capsys) -> None:
    """The terminal stands still, and nobody knows why."""
    wait = "threading.Event().wait() if order.symbol == 'KO' else None; return ALLOW"
    file = write_check(tmp_path, function(wait, head="import threading\n"))
    desk = write_desk(tmp_path, desk="check_deadline_seconds = 0.3")
    plan = write_plan(tmp_path, orders=[order(s, "4") for s in ("AAPL", "KO", "MSFT")])

    outcome = run_here(capsys, "check", "try", file, "--plan", plan, "-c", desk, "--json")

    apple, coke, last = outcome.document["orders"]
    assert outcome.code == 3
    assert apple["outcome"] == "ALLOW"
    assert [one["code"] for one in coke["verdicts"]] == ["CHECK_HUNG", ""]
    assert coke["verdicts"][1]["verdict"] == "NONE"
    assert last["outcome"] == "REJECT"


@pytest.mark.parametrize(
    ("allowed", "outcome", "resized"), [("true", "RESIZE", "2"), ("false", "REJECT", None)]
)
def test_a_smaller_order_where_that_is_allowed(tmp_path, capsys, allowed, outcome, resized) -> None:
    """Whoever forgot `allow_resize` believes that his check makes orders smaller."""
    shrink = (
        "return ALLOW if order.quantity <= 2 else "
        "Resize('CUT', quantity=Decimal(2), measured=order.quantity, limit=2)"
    )
    file, desk = (
        write_check(tmp_path, function(shrink)),
        write_desk(tmp_path, desk=f"allow_resize = {allowed}"),
    )
    arguments = ("check", "try", file, "--plan", two_orders(tmp_path), "-c", desk)

    first = run_here(capsys, *arguments, "--json").document["orders"][0]

    assert (first["outcome"], first["resized_to"]) == (outcome, resized)
    assert [one["verdict"] for one in first["verdicts"]] == ["RESIZE"]
    told = run_here(capsys, *arguments).out
    assert ("allow_resize" in told) == (allowed == "false")
    assert ("Would be made smaller: BUY 4 AAPL to 2" in told) == (allowed == "true")


def test_a_halt_holds_the_orders_behind_it(tmp_path, capsys) -> None:
    """An author who never saw his halt at work does not know what it stops."""
    halt = "return Halt('STOP', scope=Scope.DESK, measured=1, limit=0)"
    file = write_check(tmp_path, function(f"if order.symbol == 'AAPL': {halt}\n    return ALLOW"))
    plan, desk = two_orders(tmp_path), write_desk(tmp_path)

    outcome = run_here(capsys, "check", "try", file, "--plan", plan, "-c", desk, "--json")

    apple, coke = outcome.document["orders"]
    assert (apple["outcome"], coke["outcome"]) == ("HALT", "REJECT")
    assert [one["code"] for one in coke["verdicts"]] == ["HALTED", ""]


def test_an_input_that_is_missing_says_so(tmp_path, capsys) -> None:
    """A check without its data refuses, and its author looks for the mistake in his limit."""
    file = write_check(tmp_path, function("return ALLOW", head="@needs(Input.ADV)\n"))
    (tmp_path / "market.csv").write_text("symbol,time,adv\nAAPL,2000-01-01T00:00:00Z,5\n")
    desk = write_desk(tmp_path)
    desk.write_text(
        f'{desk.read_text()}\n[data]\nproviders = ["csv"]\n[csv]\nfiles = ["market.csv"]\n'
    )

    outcome = run_here(
        capsys, "check", "try", file, "--plan", two_orders(tmp_path), "-c", desk, "--json"
    )

    (said,) = outcome.document["orders"][1]["verdicts"]
    assert outcome.code == 1
    assert said["measured"] == "no adv of KO"
    assert said["text"] == "not asked without it; see [data]"


def test_what_the_desk_did_before_counts(tmp_path, capsys) -> None:
    """A check that looks at the past is tried on a desk that has none."""
    file = write_check(
        tmp_path,
        function("return Reject('BEFORE', measured=book.history.count(Deed.SENT), limit=0)"),
    )
    desk = write_desk(tmp_path)
    assert run_here(capsys, "run", write_plan(tmp_path), "-c", desk).code == 0
    plan = write_plan(tmp_path, "again", "again.json", orders=[order("KO", "1")])

    outcome = run_here(capsys, "check", "try", file, "--plan", plan, "-c", desk, "--json")

    assert outcome.document["orders"][0]["verdicts"][0]["measured"] == "2"


def test_nothing_is_written(tmp_path, capsys) -> None:
    """Trying a check changes the account, or the record, that it is tried on."""
    file, desk = write_check(tmp_path, function("return ALLOW")), write_desk(tmp_path)
    assert run_here(capsys, "run", write_plan(tmp_path), "-c", desk).code == 0
    plan = write_plan(tmp_path, "again", "again.json", orders=[order("KO", "1")])
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    with_desk = run_here(capsys, "check", "try", file, "--plan", plan, "-c", desk)
    without = run_here(capsys, "check", "try", file, "--plan", plan)

    assert (with_desk.code, without.code) == (0, 0)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_what_a_check_prints_is_not_in_the_document(tmp_path, capsys) -> None:
    """An author's own print makes the answer unreadable to the script that asked for it."""
    file = write_check(
        tmp_path, function("print('looking'); return ALLOW", head="print('hello')\n")
    )
    desk, plan = write_desk(tmp_path), two_orders(tmp_path)

    outcome = run_here(capsys, "check", "try", file, "--plan", plan, "-c", desk, "--json")

    assert outcome.document["plan_id"] == "p-1"
    assert outcome.err == "hello\nlooking\nlooking\n"


def test_settings_come_from_the_table_with_the_files_name(tmp_path, capsys) -> None:
    """The check is tried with other limits than the desk would give it."""
    body = AT_MOST.replace("[AtMost(5), AtMost(50)]", "[AtMost(int(settings['shares']))]")
    file, plan = write_check(tmp_path, body), two_orders(tmp_path)
    desk = write_desk(tmp_path, checks='"risk", "./mine.py"')
    desk.write_text(f'{desk.read_text()}\n[mine]\nshares = "6"\n')

    outcome = run_here(capsys, "check", "try", file, "--plan", plan, "-c", desk, "--json")

    assert outcome.document["checks"] == ["mine.at_most_6"]
    assert outcome.code == 3


BAD_FILES = {
    "empty": ("", "has no hook; mark a function with @hookimpl"),
    "no check": ("LIMIT = 5\n", "has no hook; mark a function with @hookimpl"),
    "not marked": ("def check_order(order):\n    return ALLOW\n", "write @hookimpl above it"),
    "misspelt": ("@hookimpl\ndef chek_order(order):\n    pass\n", "did you mean check_order?"),
    "syntax": ("def (\n", "cannot be imported: SyntaxError"),
    "import": ("import nosuch\n", "No module named 'nosuch'"),
    "leaves at import": ("raise SystemExit(1)\n", "cannot be imported: SystemExit"),
    "asynchronous": ("@hookimpl\nasync def check_order(order):\n    pass\n", "is async"),
    "nobody builds it": (
        "class Mine:\n    @hookimpl\n    def check_order(self, order):\n        return ALLOW\n",
        "nobody builds its class Mine; add provide_checks(settings)",
    ),
    "settings missing": (
        AT_MOST.replace("[AtMost(5), AtMost(50)]", "[AtMost(settings['shares'])]"),
        "write its settings under [mine], and give that file with -c",
    ),
    "an argument missing": (
        AT_MOST.replace("[AtMost(5), AtMost(50)]", "[AtMost()]"),
        "missing 1 required positional argument: 'limit'",
    ),
    "two of one name": (AT_MOST.replace("AtMost(50)", "AtMost(5)"), "give each plugin one name"),
    "fills only": (
        "@hookimpl\ndef check_execution(order):\n    return ALLOW\n",
        "has no check_order to try; it has only check_execution",
    ),
    "an input that nobody has": (
        "@hookimpl\n@needs(Input.ADV)\ndef check_order(order):\n    return ALLOW\n",
        "needs adv, and nothing supplies it",
    ),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_file_that_cannot_be_tried(tmp_path, capsys, case) -> None:
    """A page of traceback, or a silence, where one sentence would have told what to do."""
    body, said = BAD_FILES[case]
    file, plan = write_check(tmp_path, body), two_orders(tmp_path)

    outcome = run_here(capsys, "check", "try", file, "--plan", plan)

    assert outcome.code == 2
    assert outcome.out == ""
    assert is_one_sentence(outcome.err), outcome.err
    assert said in outcome.err


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("bytes.py", b"\xff\xfe\x00", "cannot be imported"),
        ("latin.py", b'x = "\xe9"\n', "can't decode byte 0xe9"),
        ("mine.txt", b"", "is no Python file. A file with checks ends in .py"),
        ("desk.py", b"", "is named like one of our own settings"),
        ("fake.py", b"", "is named like one of our own settings"),
    ],
)
def test_a_file_that_is_no_check_at_all(tmp_path, capsys, name, content, said) -> None:
    """The wrong file is given, and something of it runs."""
    file = tmp_path / name
    file.write_bytes(content)

    outcome = run_here(capsys, "check", "try", file, "--plan", two_orders(tmp_path))

    assert outcome.code == 2
    assert is_one_sentence(outcome.err), outcome.err
    assert said in outcome.err


def test_a_file_or_a_plan_that_is_not_there(tmp_path, capsys) -> None:
    """A misspelt path shows a traceback."""
    file, plan = write_check(tmp_path, function("return ALLOW")), two_orders(tmp_path)
    for arguments in (
        ("none.py", "--plan", plan),
        (tmp_path, "--plan", plan),
        (file, "--plan", "none.json"),
        (file,),
        ("--plan", plan),
    ):
        outcome = run_here(capsys, "check", "try", *arguments)

        assert outcome.code == 2
        assert is_one_sentence(outcome.err), outcome.err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b'{"plan_id": "p", "items": []}', "the plan is empty"),
        (b"{", "this is not JSON"),
        (b'{"plan_id": "\xff"}', "this is not UTF-8"),
        (b" " * (17 * 1024 * 1024), "larger than 16 MiB"),
    ],
)
def test_a_plan_that_cannot_be_used(tmp_path, capsys, content, said) -> None:
    """A check is called sound on a plan that nobody could run."""
    file, plan = write_check(tmp_path, function("return ALLOW")), tmp_path / "plan.json"
    plan.write_bytes(content)

    outcome = run_here(capsys, "check", "try", file, "--plan", plan, "--json")

    assert outcome.code == outcome.error["exit_code"] == 2
    assert said in outcome.error["message"]


def test_a_plan_without_an_order_says_so(tmp_path, capsys) -> None:
    """Nothing was asked, and the author believes that nothing was refused."""
    file, desk = write_check(tmp_path, function("return ALLOW")), write_desk(tmp_path)
    plan = write_plan(tmp_path, target_quantities={"AAPL": "0"})

    outcome = run_here(capsys, "check", "try", file, "--plan", plan, "-c", desk)

    assert outcome.code == 0
    assert "The plan has no order now that a check could be asked about." in outcome.out
    assert "AAPL" in outcome.out


def test_the_same_order_twice_is_told_twice(tmp_path, capsys) -> None:
    """Of two equal orders the verdict of the wrong one is shown."""
    second = "return ALLOW if not book.recent else Reject('AGAIN', measured=1, limit=0)"
    file, desk = write_check(tmp_path, function(second)), write_desk(tmp_path)
    plan = write_plan(tmp_path, orders=[order("KO", "2", intent_id=i) for i in ("one", "two")])

    outcome = run_here(capsys, "check", "try", file, "--plan", plan, "-c", desk, "--json")

    assert [one["outcome"] for one in outcome.document["orders"]] == ["ALLOW", "REJECT"]
    assert json.dumps(outcome.document).count("AGAIN") == 1
