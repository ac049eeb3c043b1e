"""What a document tells is measured as it is scored, and holds numbers only."""

import json
import re

import pytest

from swatchbook.catalogue.choose_names import shipped_weights
from swatchbook.catalogue.discover import lay_out
from swatchbook.catalogue.name_groups import find_name_groups
from swatchbook.fitting.fit_names import f1_with
from swatchbook.fitting.lessons import f1_of_likely, known_names, measure_lesson, says_something
from swatchbook.records import LessonFacts, sha256
from tests.catalogue import layouts

CONTENT = sha256(b"oak")


def measured(document: layouts.Document, *, without: int = 0) -> LessonFacts:
    known = known_names(
        (p.name, range(p.first, p.last + 1)) for p in document.products[: len(document.products) - without]
    )
    groups = find_name_groups(*lay_out(layouts.reading(document), document.pages))
    return measure_lesson(CONTENT, groups, known, shipped_weights())


@pytest.mark.parametrize("name", ["card_grid", "german", "code_table", "long_sections", "spreads", "cards_beside"])
def test_layouts_that_are_read_well_tell_so(name: str) -> None:
    lesson = measured(layouts.LAYOUTS[name]())
    assert says_something(lesson)
    assert f1_with(lesson, shipped_weights()) >= 0.9


def test_no_word_of_the_document_is_in_a_lesson() -> None:
    document = layouts.LAYOUTS["card_grid"]()
    lesson = measured(document)
    told = re.sub(r'"(features|oddities|[a-z_]+)":?', "", lesson.model_dump_json())
    assert not any(product.name in told for product in document.products)
    facts = json.loads(lesson.model_dump_json())
    assert facts.keys() == {"content", "oddities", "groups"}
    for group in facts["groups"]:
        assert group.keys() == {"features", "like", "f1", "names"}
        assert all(isinstance(value, float | int) for row in group["names"] for value in row)


def test_names_that_a_person_rejected_are_wrong() -> None:
    document = layouts.LAYOUTS["card_grid"]()
    whole, fewer = measured(document), measured(document, without=2)
    best = max(range(len(whole.groups)), key=lambda n: whole.groups[n].f1)
    assert whole.groups[best].f1 > fewer.groups[best].f1
    right = [sum(row[0] for row in lesson.groups[best].names) for lesson in (whole, fewer)]
    assert right[0] - right[1] == 2


def test_f1_counts_products_that_no_text_names() -> None:
    assert f1_of_likely(1.0, [(0.9, True)] * 4) == 1.0
    assert f1_of_likely(2 / 3, [(0.9, True)] * 4) == pytest.approx(2 / 3), "four of eight products"
    assert f1_of_likely(0.75, [(0.9, True)] * 6 + [(0.1, False)] * 2) == pytest.approx(12 / 14)
    assert f1_of_likely(1.0, [(0.9, True)] + [(0.1, True)] * 7) == 0.0, "too few are likely"


def test_a_document_without_groups_says_nothing() -> None:
    assert not says_something(LessonFacts(content=CONTENT, oddities=(), groups=()))
