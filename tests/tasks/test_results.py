"""Kept results come back as they were, whatever a catalogue has written into them."""

import sys

import pytest

from swatchbook.domain.errors import UNEXPECTED_MESSAGE, Configuration
from swatchbook.domain.records import Chunks, Description, Entity, Reading, Record, Table
from swatchbook.tasks.results import RecordSerializer

KEPT = RecordSerializer()
NAMED = Chunks(
    chunks=(),
    entities=(
        Entity(
            id="e",
            kind="specification",
            page=1,
            name="Oak",
            data={"__class__": "this.s", "data": "oak", "__exc_type__": "os.system", "message": "ls"},
        ),
    ),
)


@pytest.mark.parametrize(
    "result",
    [
        NAMED,
        Description(metadata={"record": "Chunks", "data": "oak"}),
        Reading(content="0" * 64, page_count=1, title=None, outline=(), page_boxes={1: (0, 0, 1, 1)}, pages_file="f"),
        [Table(page=1, bbox=None, rows=(("__class__", "this.s"),))],
        [],
    ],
    ids=lambda result: type(result).__name__,
)
def test_results_come_back_as_they_were(result: Record | list[Record]) -> None:
    assert KEPT.loads(KEPT.dumps(result)) == result


def test_error_comes_back_as_the_failure_it_is() -> None:
    kept = KEPT.loads(KEPT.dumps(Configuration("No key.", advice="Set it.")))
    assert (type(kept), str(kept)) == (Configuration, "No key. Set it.")
    assert str(KEPT.loads(KEPT.dumps(KeyError("a page's text")))) == UNEXPECTED_MESSAGE


def test_no_class_that_a_page_names_is_imported() -> None:
    sys.modules.pop("this", None)
    KEPT.loads(KEPT.dumps(NAMED))
    assert "this" not in sys.modules


@pytest.mark.parametrize(
    "kept", [b'{"record": "re", "data": {}}', b'{"__class__": "this.s", "data": 1}', b"1", b"", b"{"]
)
def test_what_was_not_kept_by_us_is_refused(kept: bytes) -> None:
    with pytest.raises((ValueError, TypeError, KeyError)):
        KEPT.loads(kept)
