"""Metadata from a language model: only values on the product's pages are accepted."""

from collections.abc import Sequence

import pytest

from swatchbook.domain.errors import InvalidModelOutput
from swatchbook.domain.records import Description, Evidence, Occurrence, Page, Table
from swatchbook_catalogue.llm.metadata import ask_metadata
from tests.catalogue.layouts import found_product, page, read_facts, text
from tests.catalogue.llm.chat import FakeChat
from tests.models.providers import attentive

NOTHING = Description(metadata={})


def described(
    *facts: tuple[str, str], pages: Sequence[Page] = (), by_layout: Description = NOTHING, chat: FakeChat | None = None
) -> Description:
    """Return what is accepted where the reply to every question is the same."""
    reply = {"facts": [{"kind": kind, "value": value, "page": 1} for kind, value in facts]}
    asked = chat or FakeChat(lambda texts, pictures: reply)
    return ask_metadata(asked, found_product("Alder", *range(1, len(pages) + 1)), pages or [SPECIFIED], by_layout)


SPECIFIED = page(
    1,
    [
        text(60, 60, "Alder", 30), text(60, 100, "Material:"), text(150, 100, "solid oak"),
        text(60, 120, "Size:"), text(150, 120, "60 × 120 cm"), text(60, 140, "It is warm to the foot, at € 25."),
    ],
)  # fmt: skip


def test_invented_values_and_unknown_fields_are_rejected() -> None:
    description = described(
        ("Material", "solid  OAK"), ("size", "60x120cm"), ("finish", "gold"), ("mood", "warm"), ("price", "5")
    )
    assert description.metadata == {"material": "solid OAK", "size": "60x120cm"}
    assert [(each.rule, each.text) for each in description.rejected] == [
        ("value not on its pages", "finish: gold"),
        ("unknown field", "mood: warm"),
        ("value not on its pages", "price: 5"),
    ]


def test_each_value_is_kept_once_without_row_marks() -> None:
    assert described(("size", "# Size: | 60 × 120 cm")).metadata["size"] == "Size: 60 × 120 cm"
    both = page(1, [text(60, 100, "Colour: sand"), text(60, 120, "Colour: slate")])
    found = described(("color", "sand"), ("colour", "slate"), ("color", "sand"), pages=[both])
    assert found.metadata == {"color": "sand; slate"}


def test_layout_rules_complete_the_models_metadata() -> None:
    by_layout = read_facts(found_product("Alder"), [SPECIFIED], [])
    description = described(("material", "oak"), by_layout=by_layout)
    assert description.metadata["material"] == "oak"
    assert description.metadata["size"] == by_layout.metadata["size"]
    assert {str(e.detail["key"]) for e in description.evidence} == set(description.metadata)


def test_values_in_table_cells_are_accepted() -> None:
    table = Table(page=1, bbox=None, rows=(("Slip rating", "R10 B"), ("Weight", "12 kg")))
    facts = [
        {"kind": kind, "value": value, "page": 1} for kind, value in (("slip_rating", "R10 B"), ("weight", "13 kg"))
    ]
    chat = FakeChat(lambda texts, pictures: {"facts": facts})
    description = described(pages=[page(1, [])], by_layout=Description(metadata={}, tables=(table,)), chat=chat)
    assert description.metadata == {"slip_rating": "R10 B"}
    assert "Slip rating | R10 B" in str(chat.questions[0].parts[2])


def test_values_of_a_neighbouring_product_are_rejected() -> None:
    shared = page(1, [text(60, 100, "Material: oak"), text(340, 100, "Material: beech")])
    facts = [{"kind": "material", "value": value, "page": 1} for value in ("oak", "beech")]
    for left, right, reply, kept in (
        (0.0, 290.0, lambda texts, pictures: {"facts": facts}, {"material": "oak"}),
        (300.0, 595.0, attentive.answer, {}),
    ):
        region = (left, 0.0, right, 842.0)
        own = found_product("Alder", occurrences=(Occurrence(page=1, bbox=region, region=region, text="Alder"),))
        assert ask_metadata(FakeChat(reply), own, [shared], NOTHING).metadata == kept


def test_page_of_a_value_is_where_it_occurs() -> None:
    pages = [page(1, [text(60, 100, "Alder")]), page(2, [text(60, 100, "Weight: 4 kg")])]
    assert described(("weight", "4 kg"), pages=pages).evidence == (
        Evidence(rule="language model", page=2, text="4 kg", detail={"key": "weight", "model": "voice"}),
    )


def test_reply_of_another_shape_is_rejected() -> None:
    for answer in ({"facts": [{"kind": "size"}]}, {"facts": [], "note": "hi"}, {}):
        with pytest.raises(InvalidModelOutput):
            described(chat=FakeChat(lambda *_, a=answer: a))  # type: ignore[misc]
