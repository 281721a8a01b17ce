"""A dry run in an account that has traded before."""

from cli.clikit import fillwright, order, write_desk, write_plan


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
