"""A person shows what a catalogue's pictures are: nothing but pictures and links follows, and undo brings all back."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from taught_catalogues import FIRST_LOGO, LOGO, SHEET, cell_at, ingest, ingested_sheets, open_copy

from swatchbook.domain.records import (
    UNTAUGHT,
    Example,
    LostPicture,
    LostState,
    PictureSide,
    PlacementState,
    Shown,
    TaughtReading,
)
from swatchbook.resources import Resources
from swatchbook.store.ledger.document_commands import request_again
from swatchbook.store.ledger.page_findings import decide_lost_pictures, list_lost_pictures, save_lost_pictures
from swatchbook.store.ledger.queries.account import account
from swatchbook.store.ledger.stored_documents import Document, get_document, list_documents
from swatchbook.store.ledger.tables import chunks, links, pages, placements, products
from swatchbook_teach.kept_readings import accept_reading, undo_reading
from swatchbook_teach.lessons import open_lesson, propose_reading
from swatchbook_teach.placed_pictures import count_pictured, read_placed
from swatchbook_teach.records import Proposal

__all__ = ["ingested_sheets"]  # a fixture

PUBLISHING = ("dirty", "published", "publish_next", "writer")
CELL = Example(page=1, box=cell_at(1, 1), what=Shown.CELL)
MARK = Example(page=2, box=LOGO, what=Shown.DECORATION)


@pytest.fixture
def resources(home: Path, ingested_sheets: Path) -> Iterator[Resources]:
    with open_copy(ingested_sheets, home) as tools:
        yield tools


@pytest.fixture
def catalogue(ingested_sheets: Path) -> Path:
    return ingested_sheets.with_name("sheets.pdf")


@pytest.fixture
def document(resources: Resources) -> Document:
    (document,) = list_documents(resources.ledger)
    return document


def rows(resources: Resources, document: Document) -> dict[str, list[Any]]:
    """All that the ledger has of a document's pages, without the generation that wrote it, and without the pictures
    that belong to no product: what is linked is none of these.
    """
    found = {}
    others = ("generation", "unassigned")
    for table in (pages, chunks, products, placements, links):
        kept = [c for c in table.c if c.name not in others and c.name not in PUBLISHING]
        query = select(*kept).where(table.c.document == document.id)
        found[table.name] = sorted(map(repr, resources.ledger.execute(query)))
    return found


def teach(resources: Resources, document: Document, *examples: Example, side: PictureSide | None = None) -> Proposal:
    lesson = open_lesson(resources, get_document(resources.ledger, document.id))
    start = lesson.document.options.taught.model_copy(update={"side": side})
    return propose_reading(resources, lesson, examples, start=start)


def pictures(resources: Resources, document: Document) -> dict[int, Counter[str]]:
    """Page -> how many of its pictures are in which state."""
    found: dict[int, Counter[str]] = {}
    for each in read_placed(resources.ledger, document.id):
        found.setdefault(each.placement.page, Counter())[each.placement.state] += 1
    return found


def linked(resources: Resources, document: Document) -> dict[str, list[tuple[int, float, float]]]:
    """Name of a product -> page and corner of each of its pictures."""
    placed = {each.placement.id: each.placement for each in read_placed(resources.ledger, document.id)}
    with resources.ledger.read() as connection:
        names = {row.id: row.name for row in connection.execute(select(products.c.id, products.c.name))}
        found: dict[str, list[tuple[int, float, float]]] = {}
        for row in connection.execute(select(links).where(links.c.kind == "image_product")):
            place = placed[row.source]
            found.setdefault(names[row.target], []).append((place.page, round(place.bbox[0]), round(place.bbox[1])))
    return found


def test_one_cell_cuts_sheets_and_links_each_part(resources: Resources, document: Document, catalogue: Path) -> None:
    at_first = rows(resources, document)
    assert count_pictured(resources.ledger, document.id) < len(at_first["products"])
    proposal = teach(resources, document, CELL, MARK, side=PictureSide.ABOVE)
    assert rows(resources, document) == at_first, "nothing changes before it is accepted"
    made = proposal.pictures
    assert made is not None
    assert [(each.page, len(each.cells)) for each in made.cut] == [(1, 12), (2, 12), (3, 12)]
    assert (made.missed, made.taken, made.empty) == ((), (), ())
    assert [each.page for each in made.decoration] == [1, 2, 3], "the first page has another file"
    accept_reading(resources.ledger, document.id, proposal.reading, by="anna")

    document = ingest(resources, catalogue)
    taught = rows(resources, document)
    assert {name for name in taught if taught[name] != at_first[name]} == {"placements", "links"}
    placed = [each.placement for each in read_placed(resources.ledger, document.id)]
    logos = [(each.page, each.state, each.reason) for each in placed if each.bbox in (LOGO, FIRST_LOGO)]
    assert logos == [(page, "decorative", "marked as decoration") for page in (1, 2, 3)]
    found = pictures(resources, document)
    assert [found[page][PlacementState.SHOWN] for page in (1, 2, 3)] == [12, 12, 10], "two cells show nothing"
    assert [each.reason for each in placed if each.bbox == SHEET and each.page in (1, 2)] == [
        "cut as shown into 12 pictures"
    ] * 2
    counted = account(resources.ledger, document=document.id)
    assert (counted.found, counted.complete) == (34, 34)
    corners = linked(resources, document)
    assert corners["Alder 1"] == [(1, 40, 90)]
    assert corners["Ginko 1"] == [(1, 40, 330)], "the picture below is that of a name that was not found"
    assert {len(places) for places in corners.values()} == {1}
    assert made.linked == count_pictured(resources.ledger, document.id) == len(taught["products"])

    undo_reading(resources.ledger, document.id, by="bert")
    ingest(resources, catalogue)
    assert rows(resources, document) == at_first


def test_what_is_drawn_is_taken_in_or_blank(resources: Resources, document: Document, catalogue: Path) -> None:
    part: tuple[float, float, float, float] = (50.0, 100.0, 130.0, 180.0)
    blank: tuple[float, float, float, float] = (345.0, 300.0, 395.0, 360.0)
    examples = [Example(page=1, box=box, what=Shown.PICTURE) for box in (part, blank)]
    proposal = teach(resources, document, *examples)
    assert proposal.pictures is not None
    assert [each.box for each in proposal.pictures.taken] == [part, blank]
    assert [each.box for each in proposal.pictures.empty] == [blank]
    before = pictures(resources, document)
    accept_reading(resources.ledger, document.id, proposal.reading, by="anna")
    ingest(resources, catalogue)
    assert pictures(resources, document)[1] - before[1] == Counter({"shown": 1})

    left = open_lesson(resources, get_document(resources.ledger, document.id))
    without = left.document.options.taught.model_copy(update={"examples": (examples[1],)})
    again = propose_reading(resources, left, [], start=without)
    assert again.pictures is not None
    assert [each.box for each in again.pictures.taken] == [blank], "what is removed from the list is no longer shown"


@pytest.mark.nightly
def test_taken_part_stays_with_what_is_taught(resources: Resources, document: Document, catalogue: Path) -> None:
    box = (45.0, 215.0, 135.0, 300.0)
    with resources.ledger.write() as connection:
        save_lost_pictures(connection, document.id, [LostPicture(page=1, bbox=box, share=0.03)])
    (lost,) = list_lost_pictures(resources.ledger, document.id)
    decide_lost_pictures(resources.ledger, document.id, [lost.id], LostState.TAKEN, by="anna")
    request_again(resources.ledger, document.id, document.options)
    ingest(resources, catalogue)
    accept_reading(resources.ledger, document.id, teach(resources, document, CELL).reading, by="anna")
    ingest(resources, catalogue)
    taken = [e for e in read_placed(resources.ledger, document.id) if e.placement.bbox == box]
    assert [each.placement.state for each in taken] == [PlacementState.SHOWN]


def test_teaching_about_pictures_keeps_the_cached_stages() -> None:
    reading = TaughtReading(side=PictureSide.ABOVE, examples=(CELL,))
    assert reading.texts_only.key == UNTAUGHT.key
    assert reading.key != UNTAUGHT.key
