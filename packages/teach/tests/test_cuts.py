"""Names within texts: labels before them, signs and numbers behind them, several in one line."""

from hypothesis import given
from hypothesis import strategies as st

from swatchbook.domain.records import WHOLE_TEXT, Cut
from swatchbook_teach.learning.cuts import NUMBER, find_cuts, names_in


def test_cut_follows_from_one_example() -> None:
    for shown, other, names in (
        (("REF: POLO B", "POLO B"), "REF: Polo Classic", ["Polo Classic"]),
        (("Oak board (natural)", "Oak board"), "Ash board (white)", ["Ash board"]),
        (("A-100, A-200, A-300", "A-200"), "B-100, B-200", ["B-100", "B-200"]),
        (("Trout 12.50 €", "Trout"), "Sea bass 9.00 €", ["Sea bass"]),
        (("01 | Lamp Aurora", "Lamp Aurora"), "02 | Lamp Boreal", ["Lamp Boreal"]),
    ):
        assert names in [list(names_in(other, cut)) for cut in find_cuts([shown])]


def test_simplest_cut_that_holds_for_all_is_first() -> None:
    assert find_cuts([("Lamp", "Lamp")])[0] == WHOLE_TEXT
    assert find_cuts([("REF: A", "A"), ("ART: B", "B")])[0] == Cut(after=":")
    assert find_cuts([("Trout 12.50 €", "Trout"), ("Bass 3 €", "Bass")])[0] == Cut(before=NUMBER)
    assert names_in("Our history", Cut(after="REF:")) == ()
    assert find_cuts([("Lamp", "Chair")]) == [], "the text lacks it"


@given(st.text(max_size=60), st.integers(0, 60), st.integers(0, 60))
def test_every_cut_finds_what_it_was_made_for(text: str, begin: int, end: int) -> None:
    wanted = text[begin:end]
    for cut in find_cuts([(text, wanted)]) if wanted.strip() else ():
        assert names_in(text, cut)


def test_cuts_of_long_leaders_and_words_are_short() -> None:
    for text, name in (
        ("Oak chair" + 60 * "." + " 12.50", "Oak chair"), ("No. 5 bolt " + 60 * ". " + "3.10", "No. 5 bolt"),
        ("12 " + 60 * "." + " Oak chair", "Oak chair"), ("Oak chair " + 60 * "x", "Oak chair"),
        (60 * "x" + " Oak chair", "Oak chair"),
    ):  # fmt: skip
        cuts = find_cuts([(text, name)])
        assert all(name in names_in(text, cut) for cut in cuts)
        assert cuts or "x" in text
