"""Two editions of a catalogue are compared: products are matched by code, name or picture, and their differences are
those that a person would name.
"""

import random
from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from swatchbook.domain.records import Edition, EditionProduct, ListedProduct, PrintedPrice, ShownPicture, fold
from swatchbook.upkeep.reports.compare_editions import compare, match
from swatchbook_base.printed_prices import amounts_of, currencies_of
from tests.tables import check_rows


def product(name: str, *pictures: str, code: str | None = None, id: str = "", **printed: Any) -> EditionProduct:
    """A product; a `price` and `size` are its own, those of variants are given as `prices` and `sizes`."""
    prices = printed.get("prices", {}) | ({"": printed["price"]} if "price" in printed else {})
    return EditionProduct(
        listed=ListedProduct(id=id or name, name=name, code=code, page=1),
        prices={
            of: PrintedPrice(text=text, amounts=amounts_of(text), currencies=currencies_of(text))
            for of, text in prices.items()
        },
        sizes=printed.get("sizes", {}) | ({"": printed["size"]} if "size" in printed else {}),
        pictures=tuple(ShownPicture(key=key, page=1, box=(0, 0, 9, 9)) for key in pictures),
    )


def edition(products: Sequence[EditionProduct], pictures: Sequence[str] = ()) -> Edition:
    shown = {picture.key for each in products for picture in each.pictures}
    return Edition(id="", name="", products=tuple(products), pictures=frozenset({*shown, *pictures}))


def matched(older: Sequence[EditionProduct], newer: Sequence[EditionProduct]) -> set[tuple[str, str, str]]:
    return {(pair.before.listed.id, pair.after.listed.id, pair.by) for pair in match(older, newer)}


def test_code_goes_before_name_and_name_before_picture() -> None:
    older = [product("Alder", "a", code="A-1"), product("Birke", "b"), product("Cedro", "c")]
    newer = [product("Alder Plus", "b", code="a1"), product("Birke", "c"), product("Cedrella", "x", "a")]
    # Cedrella has the picture that Alder had, but Alder is matched already
    assert matched(older, newer) == {("Alder", "Alder Plus", "code"), ("Birke", "Birke", "name")}


def test_a_picture_of_several_products_matches_none() -> None:
    older = [product("Alder", "room", "a"), product("Birke", "room")]
    assert matched(older, [product("Alba", "room"), product("Bosco", "room")]) == set()
    assert matched(older, [product("Alba", "room", "a"), product("Bosco", "room")]) == {("Alder", "Alba", "picture")}


def test_two_codes_are_two_products_whatever_their_picture() -> None:
    assert matched([product("Alder", "a", code="1")], [product("Alba", "a", code="2")]) == set()
    assert matched([product("Alder", "a")], [product("Alba", "a", code="2")]) == {("Alder", "Alba", "picture")}


def test_prices_are_compared_by_amount_and_currency() -> None:
    def same(before: str, after: str) -> bool:
        diff = compare(edition([product("Oak", price=before)]), edition([product("Oak", price=after)]))
        differences = [(one.field, one.before, one.after) for each in diff.changed for one in each.differences]
        assert differences == ([] if diff.unchanged else [("price", before, after)])
        return diff.unchanged == 1

    check_rows(__file__, "prices", same)


def test_prices_of_variants_and_gone_ones_are_compared() -> None:
    older = product("Oak", size="60 × 120 cm", prices={"navy": "€ 9", "gone": "€ 1"}, sizes={"navy": "15 m"})
    newer = product("Oak", size="60x120 CM", prices={"navy": "€ 8", "new": "€ 2"}, sizes={"navy": "1,5 m"})
    (change,) = compare(edition([older]), edition([newer])).changed
    assert [(one.field, one.variant) for one in change.differences] == [("price", "navy"), ("size", "navy")]
    (change,) = compare(edition([product("Oak", price="€ 9")]), edition([product("Oak")])).changed
    assert [(one.before, one.after) for one in change.differences] == [("€ 9", None)]


NAMES = [f"{first} {second}" for first in ("Alder", "Birke", "Cedro", "Dune") for second in ("Uno", "Due", "Tre")]
CHANGES = ("same", "dearer", "renamed", "removed", "larger", "renamed and dearer", "repainted")


@settings(derandomize=True, database=None)
@given(
    changes=st.lists(
        st.sampled_from(CHANGES), min_size=2, max_size=len(NAMES)
    ),  # one alone would own the room's picture
    added=st.integers(0, 3),
    seed=st.integers(0, 99),
    coded=st.booleans(),
)
def test_exactly_the_changes_of_an_edition_are_found(changes: list[str], added: int, seed: int, coded: bool) -> None:
    dice = random.Random(seed)
    older, newer = list[EditionProduct](), list[EditionProduct]()
    for number, (name, change) in enumerate(zip(NAMES, changes, strict=False)):
        code = f"N{number}" if coded else None
        older.append(product(name, f"p{number}", "room", code=code, id=f"old {number}", price="€ 9", size="9 cm"))
        if change != "removed":
            shown = f"Neu {number}" if "renamed" in change else name, "new" if change == "repainted" else f"p{number}"
            printed = {"price": "€ 10" if "dearer" in change else "9,00 €"}
            printed["size"] = "9.5 cm" if change == "larger" else "9 CM"
            newer.append(product(*shown, "room", code=code, id=f"new {number}", **printed))
    newer += [product(f"Frisch {n}", "room", code=f"F{n}" if coded else None, price="€ 9") for n in range(added)]
    dice.shuffle(newer)
    diff = compare(edition(older), edition(newer))

    def numbers(*wanted: str) -> set[str]:
        return {f"old {number}" for number, change in enumerate(changes) if change in wanted}

    assert {each.id for each in diff.removed} == numbers("removed")
    assert {each.before.id for each in diff.renamed} == numbers("renamed", "renamed and dearer")
    assert {each.before.id for each in diff.changed} == numbers("dearer", "larger")
    assert diff.unchanged == len(numbers("same", "repainted"))
    assert {fold(each.name) for each in diff.added} == {f"frisch{n}" for n in range(added)}
    for change in (*diff.renamed, *diff.changed):
        assert change.before.id.split()[1] == change.after.id.split()[1]
