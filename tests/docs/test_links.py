"""Links and words: every relative link leads somewhere, and pages speak of the project alone."""

import re
from pathlib import Path

import pytest

from docs.pages import PAGES, ROOT, page_name

_LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")
_FENCED = re.compile(r"^(`{3,}).*?^\1\s*$", re.MULTILINE | re.DOTALL)
ALL = (*PAGES, *(ROOT / f"{name}.md" for name in ("CHANGELOG", "CONTRIBUTING", "SECURITY")))


def prose_of(page: Path) -> str:
    return _FENCED.sub("", page.read_text(encoding="utf-8"))


def anchors_of(page: Path) -> set[str]:
    headings = re.findall(r"^#+\s+(.+?)\s*$", prose_of(page), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("page", ALL, ids=page_name)
def test_relative_links_lead_somewhere(page: Path) -> None:
    """A reader in trouble follows a link and must not meet a missing page."""
    lost = []
    for target in _LINK.findall(prose_of(page)):
        if target.startswith(("https://", "http://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        if not there.exists() or (anchor and anchor not in anchors_of(there)):
            lost.append(target)

    assert lost == []


@pytest.mark.parametrize("page", ALL, ids=page_name)
def test_no_path_of_one_machine_stands_in_a_page(page: Path) -> None:
    """A path that exists on one machine only sends every other reader astray."""
    text = page.read_text(encoding="utf-8")

    found = re.findall(r"(?:/(?:home|root|tmp|work|Users)/|file://)\S*", text)

    assert found == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    """A page that nobody links to is never read."""
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md" or not page.exists():
            continue
        reached.add(page)
        links = (target.partition("#")[0] for target in _LINK.findall(prose_of(page)))
        waiting += [(page.parent / link).resolve() for link in links if link and ":" not in link]

    assert set(PAGES) - reached == set()
