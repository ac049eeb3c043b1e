"""Names that strangers give: whatever they are, what is shown is one short, harmless line."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swatchbook.domain.display_name import display_name
from tests.tables import rows_of


@pytest.mark.parametrize(
    ("given_name", "shown"),
    [
        *rows_of(__file__, "tricks"),
        *(("a\ud800.pdf", "a.pdf"), ("x" * 10_000 + ".pdf", "x" * 195 + "….pdf"), ("x" * 10_000, "x" * 199 + "…")),
    ],
)
def test_tricks_are_taken_out(given_name: str, shown: str) -> None:
    assert display_name(given_name) == shown


@given(st.text(st.characters(), max_size=400) | st.text("./\\ \x00\n\u202ea…", max_size=400))
def test_any_name_is_one_short_printable_line(given_name: str) -> None:
    name = display_name(given_name)
    assert 0 < len(name) <= 200
    assert "/" not in name
    assert "\\" not in name
    assert name == name.strip()
    assert not any(unicodedata.category(c).startswith("C") or (c.isspace() and c != " ") for c in name)
    assert name.encode()  # no surrogates: a ledger takes it
    assert display_name(name) == name
