"""A notebook proposes, accepts and takes back readings."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import UNTAUGHT, TaughtReading
from swatchbook_notebook import Swatchbook, collection
from tests.command import run_json


@pytest.fixture
def book(filled: Path) -> Iterator[Swatchbook]:
    """Anna's collection."""
    with Swatchbook.open(owner="anna") as book:
        yield book


def test_catalogue_is_taught_and_taken_back(book: Swatchbook, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ingest that follows is that of any command."""
    again = list[TaughtReading]()
    monkeypatch.setattr(collection, "process_again", lambda *given: again.append(given[2].options.taught))
    (likeliest, *_) = book.propose("small.pdf", {"name": ["3:Nordvik Oak", "5:Palladio Terrazzo"]})
    book.teach("small.pdf", likeliest)
    book.unteach("small.pdf")
    assert again == [likeliest.reading, UNTAUGHT]


def test_proposals_are_those_of_the_command(book: Swatchbook) -> None:
    proposals = book.propose("small.pdf", {"name": ["3:Nordvik Oak"]}, wrong={"name": ["5:Palladio Terrazzo"]})
    printed = run_json(
        "teach", "small.pdf", "--owner", "anna", "--name", "3:Nordvik Oak", "--not", "5:Palladio Terrazzo"
    )
    assert proposals[0].model_dump(mode="json") == printed["proposal"]
    assert proposals[0].lost == (("Palladio Terrazzo", 5),)
    assert len(book.propose("small.pdf")) > 1


def test_what_cannot_be_shown_is_named(book: Swatchbook) -> None:
    for what, given, said in (
        ("name", "Nordvik Oak", "On which page"), ("title", "3:Oak", "Show one of name, code"),
        ("name", "3:Nowhere", "Nowhere"), ("cell", "5:1,2", "in words"),
    ):  # fmt: skip
        with pytest.raises(InvalidReference, match=said):
            book.propose("small.pdf", {what: [given]})
