"""A dry run in an account that has traded before."""

from cli.clikit import fillwright, order, run_here, write_desk, write_plan


def test_what_was_traded_before_is_no_obstacle(tmp_path) -> None:
    """Our own filled orders taken for strangers' open ones would block every later plan."""
    desk = write_desk(tmp_path)
    first = write_plan(tmp_path, orders=[order("AAPL", "3"), order("KO", "2")])
    assert fillwright("run", first, "-c", desk, cwd=tmp_path).code == 0
    again = write_plan(
        tmp_path, "again", "again.json", orders=[order("AAPL", "2"), order("KO", "1")]
    )

    outcome = fillwright("run", again, "-c", desk, "--dry-run", "--json", cwd=tmp_path)

    assert outcome.code == 0, outcome.out
    assert [line["verdict"] for line in outcome.document["lines"]] == ["ALLOW", "ALLOW"]


def test_what_a_person_left_for_the_desk_stays_there(tmp_path, capsys) -> None:
    """Whoever only looked has taken the grant that the real desk was to get, and it never does."""
    desk = write_desk(tmp_path, desk='grant_key_file = "key"')
    plan = write_plan(tmp_path, orders=[order("AAPL", "3")])
    assert run_here(capsys, "run", plan, "-c", desk).code == 0
    by = ("--by", "ada", "--reason", "why not", "-c", desk)
    assert run_here(capsys, "grant", "new-key", "key").code == 0
    what = ("--check", "C01", "--scope", "symbol:KO", "--up-to-usd", "90000", "--for", "1h")
    given = run_here(capsys, "grant", *what, *by)
    assert given.code == 0, given.err
    big = write_plan(tmp_path, "p-2", "big.json", orders=[order("KO", "101")])
    (waiting,) = (tmp_path / "desk.db.inbox").iterdir()

    looked = run_here(capsys, "run", big, "-c", desk, "--dry-run", "--json")

    assert looked.document["lines"][0]["verdict"] == "ALLOW", looked.document
    assert waiting.exists()
