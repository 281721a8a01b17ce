"""The docs' diagram is the table."""

from pathlib import Path

from fillwright.lifecycle.diagram import page

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "lifecycle.md"


def test_the_page_shows_the_table() -> None:
    """A diagram that was drawn by hand drifts from what the code does."""
    assert page() == PAGE.read_text("utf-8")
