"""A person shows names, sees what all pages would give, accepts it or takes it back; until then nothing changes."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from taught_catalogues import NAMES, ingest, ingested, names_of, resources

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import DocumentStatus, Shown
from swatchbook.domain.settings import load_settings
from swatchbook.resources import Resources, open_resources
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.queries.document import read_products
from swatchbook.store.ledger.stored_documents import Document, get_document, list_documents
from swatchbook.store.ledger.tables import metadata
from swatchbook.store.ledger.trashed_documents import move_to_trash
from swatchbook_catalogue import stages
from swatchbook_teach import lessons
from swatchbook_teach.kept_readings import accept_reading, list_readings, undo_reading
from swatchbook_teach.lessons import (
    find_examples,
    open_lesson,
    propose_reading,
    propose_readings,
    summarize_other,
)

__all__ = ["ingested", "resources"]  # fixtures

ALL_NAMES = [name for pair in NAMES for name in pair]


def all_rows(ledger: Ledger) -> dict[str, list[Any]]:
    return {table.name: list(ledger.execute(select(table)).all()) for table in metadata.sorted_tables}


@pytest.fixture
def catalogue(ingested: Path) -> Path:
    return ingested.with_name("first.pdf")


@pytest.fixture
def document(resources: Resources) -> Document:
    (document,) = list_documents(resources.ledger, name="first.pdf")
    return document


def test_two_names_are_shown_and_all_follow(resources: Resources, document: Document, catalogue: Path) -> None:
    assert names_of(resources, document) == []
    at_first, before = read_products(resources.ledger, document.id), all_rows(resources.ledger)
    lesson = open_lesson(resources, document)
    examples = [example for text in ("alder", "Birke") for example in find_examples(lesson, 1, text)]
    assert [example.text for example in examples] == ["Alder", "Birke"], "as they are printed"
    proposal = propose_reading(resources, lesson, examples)
    assert [each.name for each in proposal.names] == ALL_NAMES
    assert (proposal.products, proposal.pages) == (6, (1, 2, 3))
    assert all_rows(resources.ledger) == before, "nothing changes before it is accepted"

    assert accept_reading(resources.ledger, document.id, proposal.reading, by="anna").in_use
    assert get_document(resources.ledger, document.id).status is DocumentStatus.QUEUED
    taught = ingest(resources, catalogue)
    assert names_of(resources, taught) == ALL_NAMES
    assert taught.options == document.options.with_taught(proposal.reading)

    undo_reading(resources.ledger, document.id, by="bert")
    untaught = ingest(resources, catalogue)
    assert untaught.options == document.options
    assert read_products(resources.ledger, document.id) == at_first
    assert [each.undone_by for each in list_readings(resources.ledger)] == ["bert"]


def test_other_readings_differ_but_agree_with_the_examples(resources: Resources, document: Document) -> None:
    lesson = open_lesson(resources, document)
    examples = find_examples(lesson, 1, "Alder")
    likeliest, *others = propose_readings(resources, lesson, examples)
    assert likeliest == propose_reading(resources, lesson, examples)
    assert 1 <= len(others) <= 4
    assert all(each.reading.examples == tuple(examples) for each in others)
    assert all("Alder" in {name.name for name in each.names} for each in others)
    assert (
        len({tuple((name.page, name.box) for name in each.names) for each in (likeliest, *others)}) == len(others) + 1
    )
    known = {each.name for each in likeliest.names}
    other = next(each for each in others if {name.name for name in each.names} - known)
    summary = summarize_other(likeliest, other)
    assert (summary.products, summary.reading) == (other.products, other.reading)
    assert summary.names[0] not in known, "what tells it apart comes first"
    own = {each.name for each in other.names}
    assert (summary.more, summary.fewer) == (len(own - known), len(known - own))
    assert set(summary.lacks) <= known - own
    taken, *rest = propose_readings(resources, lesson, examples, start=other.reading)
    assert (taken.reading, taken.products) == (other.reading, other.products), "it is not learnt anew"
    assert [(each.name, each.box) for each in taken.names] == [(each.name, each.box) for each in other.names]
    assert other.reading not in [each.reading for each in rest]


def test_repeated_example_changes_nothing_and_its_opposite_counts(resources: Resources, document: Document) -> None:
    lesson = open_lesson(resources, document)
    right = [example for text in ("Alder", "Birke") for example in find_examples(lesson, 1, text)]
    first = propose_reading(resources, lesson, [*right, right[0]])
    accept_reading(resources.ledger, document.id, first.reading, by="anna")
    lesson = open_lesson(resources, get_document(resources.ledger, document.id))
    assert propose_reading(resources, lesson, right).reading == first.reading
    opposite = propose_reading(resources, lesson, find_examples(lesson, 1, "Birke", right=False))
    assert [(each.text, each.right) for each in opposite.reading.examples] == [("Alder", True), ("Birke", False)]
    assert "Birke" not in {each.name for each in opposite.names}


def test_examples_are_found_by_text_or_refused(resources: Resources, document: Document) -> None:
    lesson = open_lesson(resources, document)
    (season,) = find_examples(lesson, 2, "Season 2")
    assert (season.page, season.text, season.right) == (2, "Season 2", True)
    assert season.box[3] > 50 > season.box[1]
    (part,) = find_examples(lesson, 3, "ESCHE, for walls", what=Shown.CODE)
    assert (part.what, part.text) == (Shown.CODE, "esche, for walls")
    with pytest.raises(InvalidReference, match=r"Page 1 of first\.pdf has no text 'Aldr'") as refused:
        find_examples(lesson, 1, "Aldr")
    assert "'Alder'" in str(refused.value.advice)
    with pytest.raises(InvalidReference, match="has no page 9: it has 3"):
        find_examples(lesson, 9, "Alder")
    with pytest.raises(InvalidReference, match="no text"):
        find_examples(lesson, 1, " - ")


def test_what_cannot_be_taught_is_refused(resources: Resources, document: Document) -> None:
    for changed, said in (
        ({"kind": "folder"}, "has no pages: it is a folder"),
        ({"status": DocumentStatus.DELETING}, "is being deleted"),
        ({"file": None}, "is not stored"),
    ):
        with pytest.raises(InvalidReference, match=said):
            open_lesson(resources, document.model_copy(update=changed))
    move_to_trash(resources.ledger, document.id)
    with pytest.raises(InvalidReference, match="is in the trash"):
        open_lesson(resources, get_document(resources.ledger, document.id))


@pytest.mark.usefixtures("filled")
def test_pages_are_read_once_without_a_stored_reading(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads, read = list[object](), stages.read
    monkeypatch.setattr(stages, "read", lambda *given: (reads.append(given), read(*given))[1])
    with open_resources(load_settings()) as resources:
        (document,) = list_documents(resources.ledger)
        stored = open_lesson(resources, document)
        assert reads == []
        shutil.rmtree(home / "prefect" / "results")
        for _ in range(2):
            lessons._lessons.clear()
            assert open_lesson(resources, document).reading == stored.reading
    assert len(reads) == 1
