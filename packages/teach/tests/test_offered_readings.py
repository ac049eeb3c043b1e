"""Readings of other documents that look alike are offered."""

from pathlib import Path

from taught_catalogues import ingest, ingested, make, resources

from swatchbook.domain.records import Example, TaughtReading, TextRule
from swatchbook.resources import Resources
from swatchbook.store.ledger.stored_documents import Document, list_documents
from swatchbook_teach.kept_readings import accept_reading, undo_reading
from swatchbook_teach.lessons import find_examples, open_lesson, propose_reading
from swatchbook_teach.offered_readings import find_fitting, offer_readings

__all__ = ["ingested", "resources"]  # fixtures


def teach(resources: Resources, document: Document, *names: str) -> None:
    lesson = open_lesson(resources, document)
    examples = [example for name in names for example in find_examples(lesson, 1, name)]
    accept_reading(resources.ledger, document.id, propose_reading(resources, lesson, examples).reading, by="anna")


def test_a_reading_of_the_same_maker_is_offered(resources: Resources, tmp_path: Path) -> None:
    first, second = (list_documents(resources.ledger, name=f"{name}.pdf")[0] for name in ("first", "second"))
    other = ingest(resources, make(tmp_path / "other.pdf", font="tiro", size=15))
    assert offer_readings(resources, open_lesson(resources, second)) == []
    teach(resources, first, "Alder", "Birke")
    teach(resources, other, "Alder", "Birke")

    (offer,) = offer_readings(resources, open_lesson(resources, second))
    assert (offer.document, offer.name) == (first.id, "first.pdf")
    assert offer.fit > 0.8
    assert [each.name for each in offer.proposal.names] == ["Garn", "Holm", "Ilex", "Juno"]
    assert offer.proposal.reading.examples == (), "examples are places of another document"
    undo_reading(resources.ledger, first.id, by="anna")
    assert offer_readings(resources, open_lesson(resources, second)) == []


def test_reading_useless_for_other_documents_is_not_offered(resources: Resources) -> None:
    first, second = (list_documents(resources.ledger, name=f"{name}.pdf")[0] for name in ("first", "second"))
    for reading in (
        TaughtReading(names=(TextRule(traits={"found": True}),)),
        TaughtReading(examples=(Example(page=1, box=(40, 230, 63, 243), text="Alder"),)),
    ):
        accept_reading(resources.ledger, first.id, reading, by="anna")
        assert find_fitting(resources, second, second.pages_file) == []
    accept_reading(resources.ledger, first.id, TaughtReading(names=(TextRule(traits={"size": 9.0}),)), by="anna")
    assert [kept.document for kept, _ in find_fitting(resources, second, second.pages_file)] == [first.id]
