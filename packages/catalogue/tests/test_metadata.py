"""Metadata from a language model: only values on the product's pages are accepted."""

from typing import Any

import pytest

from swatchbook.domain.errors import InvalidModelOutput
from swatchbook.domain.records import Box, Description, Evidence, Occurrence, Page, Table
from swatchbook_catalogue.llm.metadata import ask_metadata
from tests.catalogue.layouts import found_product, page, read_facts, text
from tests.catalogue.llm.chat import FakeChat, Reply
from tests.models.providers import attentive

NOTHING = Description(metadata={})


def reply_with(*facts: tuple[str, str]) -> Reply:
    """Return a reply that is the same for every question."""
    return lambda texts, pictures: {"facts": [{"kind": kind, "value": value, "page": 1} for kind, value in facts]}


SPECIFIED = page(
    1,
    [
        text(60, 60, "Alder", 30), text(60, 100, "Material:"), text(150, 100, "solid oak"),
        text(60, 120, "Size:"), text(150, 120, "60 × 120 cm"), text(60, 140, "It is warm to the foot, at € 25."),
    ],
)  # fmt: skip


def test_values_on_no_page_and_unknown_fields_are_rejected() -> None:
    reply = reply_with(
        ("Material", "solid  OAK"), ("size", "60x120cm"), ("finish", "gold"), ("mood", "warm"), ("price", "5")
    )
    description = ask_metadata(FakeChat(reply), found_product("Alder"), [SPECIFIED], NOTHING)
    assert description.metadata == {"material": "solid OAK", "size": "60x120cm"}
    assert [(each.rule, each.text) for each in description.rejected] == [
        ("value not on its pages", "finish: gold"),
        ("unknown field", "mood: warm"),
        ("value not on its pages", "price: 5"),
    ]


def test_marks_of_headings_and_rows_are_removed_from_values() -> None:
    description = ask_metadata(
        FakeChat(reply_with(("size", "# Size: | 60 × 120 cm"))), found_product("Alder"), [SPECIFIED], NOTHING
    )
    assert description.metadata["size"] == "Size: 60 × 120 cm"


def test_several_values_of_a_kind_are_all_kept_and_each_once() -> None:
    both = page(1, [text(60, 100, "Colour: sand"), text(60, 120, "Colour: slate")])
    reply = reply_with(("color", "sand"), ("colour", "slate"), ("color", "sand"))
    assert ask_metadata(FakeChat(reply), found_product("Alder"), [both], NOTHING).metadata == {"color": "sand; slate"}


def test_layout_rules_complete_the_models_metadata() -> None:
    by_layout = read_facts(found_product("Alder"), [SPECIFIED], [])
    description = ask_metadata(
        FakeChat(reply_with(("material", "oak"))), found_product("Alder"), [SPECIFIED], by_layout
    )
    assert description.metadata["material"] == "oak"
    assert description.metadata["size"] == by_layout.metadata["size"]
    assert {str(e.detail["key"]) for e in description.evidence} == set(description.metadata)


def test_values_in_table_cells_are_accepted() -> None:
    table = Table(page=1, bbox=None, rows=(("Slip rating", "R10 B"), ("Weight", "12 kg")))
    chat = FakeChat(reply_with(("slip_rating", "R10 B"), ("weight", "13 kg")))
    description = ask_metadata(chat, found_product("Alder"), [page(1, [])], Description(metadata={}, tables=(table,)))
    assert description.metadata == {"slip_rating": "R10 B"}
    assert "Slip rating | R10 B" in str(chat.questions[0].parts[2])


def test_values_of_a_neighbouring_product_are_rejected() -> None:
    left, right = (0.0, 0.0, 290.0, 842.0), (300.0, 0.0, 595.0, 842.0)
    shared = page(1, [text(60, 100, "Material: oak"), text(340, 100, "Material: beech")])
    own = found_product("Alder", occurrences=(_occurrence(left),))
    description = ask_metadata(FakeChat(reply_with(("material", "oak"), ("material", "beech"))), own, [shared], NOTHING)
    assert description.metadata == {"material": "oak"}
    other = found_product("Birke", occurrences=(_occurrence(right),))
    assert ask_metadata(FakeChat(attentive.answer), other, [shared], NOTHING).metadata == {}


def _occurrence(region: Box) -> Occurrence:
    return Occurrence(page=1, bbox=region, region=region, text="Alder")


def test_page_of_a_value_is_where_it_occurs() -> None:
    pages: list[Page] = [page(1, [text(60, 100, "Alder")]), page(2, [text(60, 100, "Weight: 4 kg")])]
    reply: Reply = lambda texts, pictures: {"facts": [{"kind": "weight", "value": "4 kg", "page": 1}]}  # noqa: E731
    description = ask_metadata(FakeChat(reply), found_product("Alder", 1, 2), pages, NOTHING)
    assert description.evidence == (
        Evidence(rule="language model", page=2, text="4 kg", detail={"key": "weight", "model": "voice"}),
    )


def test_reply_of_another_shape_is_rejected() -> None:
    answers: list[Any] = [{"facts": [{"kind": "size"}]}, {"facts": [], "note": "hi"}, {}]
    for answer in answers:
        with pytest.raises(InvalidModelOutput):
            ask_metadata(FakeChat(lambda *_, a=answer: a), found_product("Alder"), [SPECIFIED], NOTHING)  # type: ignore[misc]
