"""The page of incidents is made of the tests."""

from incidents.page import PAGE, kinds, page


def test_the_page_tells_what_is_tested():
    """A page that promises more than the tests show is worse than no page."""
    assert page() == PAGE.read_text()


def test_no_incident_is_told_twice():
    """Two rows of one name hide that one of them is missing."""
    names = [one.name for _, found in kinds() for one in found]

    assert sorted(set(names)) == sorted(names)
    assert len(names) >= 24
