from hypothesis import given
from hypothesis import strategies as st

from swatchbook_base.truncate import truncate


@given(st.lists(st.text(), max_size=20), st.integers(1, 20))
def test_nothing_is_cut_in_silence(sayings: list[str], most: int) -> None:
    said = truncate(sayings, most)
    assert list(said[:most]) == sayings[:most]
    if len(sayings) > most:
        assert f"{len(sayings) - most} more" in said[-1]
    else:
        assert list(said) == sayings
