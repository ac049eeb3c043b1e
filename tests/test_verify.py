"""Ledger and index held against each other, and mended, while others go on publishing."""

from collections.abc import Callable

import pytest

from swatchbook.index.base import Space
from swatchbook.index.publish import publish_round
from swatchbook.lab import Lab
from swatchbook.ledger import due, publishing, stages
from swatchbook.verify import rebuild, verify
from tests.doubles.index import TroubledIndex
from tests.ledger.told import begin, chunked, end, extraction, image, make_all, placed


def make(lab: Lab, *names: str, content: str = "catalogue") -> str:
    """A completed document with these pictures and a text, published; its id."""
    run = begin(lab.ledger, content=content)
    stages.save_chunks(lab.ledger, run, chunked(run, f"About {content}."))
    stages.save_extraction(lab.ledger, run, extraction(*(placed(run, name) for name in names)))
    make_all(lab.ledger, run)
    publish_round(lab)
    end(lab.ledger, run)
    return run.document


def spaces(lab: Lab) -> list[Space]:
    return [space for space, _ in publishing.spaces(lab.ledger)]


def assert_whole(lab: Lab) -> None:
    """Every space holds what the ledger says, and nothing else."""
    for space in spaces(lab):
        assert set(lab.index.ids(space)) == set(publishing.searchable_ids(lab.ledger, space)) != set(), space.name
    assert publishing.unpublished(lab.ledger) == 0


def test_a_whole_index_needs_no_repair(lab: Lab) -> None:
    make(lab, "oak", "ash")
    found = verify(lab, repair=True)
    assert {(s.expected, s.missing, s.foreign) for s in found.spaces} == {(2, 0, 0), (1, 0, 0)}
    assert found.unpublished == 0
    assert_whole(lab)


def test_repair_publishes_what_is_missing_and_drops_what_is_foreign(lab: Lab) -> None:
    make(lab, "oak", "ash")
    (space, *_) = (space for space in spaces(lab) if space.role == "visual")
    (oak,) = lab.index.fetch(space, [image("oak")]).values()
    oak.id = image("nobody's")
    lab.index.upsert(space, [oak])
    lab.index.delete(space, [image("ash")])

    found = verify(lab)
    assert not found.sound
    assert {(s.space, s.missing, s.foreign) for s in found.spaces if s.missing or s.foreign} == {(space.name, 1, 1)}
    assert verify(lab, repair=True).repaired
    assert {(s.missing, s.foreign) for s in verify(lab).spaces} == {(0, 0)}
    assert_whole(lab)


def test_files_that_the_ledger_stands_on_are_named_when_lost(lab: Lab) -> None:
    make(lab, "oak")
    assert len(verify(lab).lost_files) == 2  # the picture and the source, of which this scene stores neither


@pytest.mark.parametrize("moment", ["before", "after"])
def test_repair_drops_nothing_that_is_published_while_it_reads(lab: Lab, moment: str) -> None:
    make(lab, "oak")
    index = lab.index
    ingest = once(lambda: make(lab, "ash", content="supplement"))
    lab.index = TroubledIndex(index, read=lambda now: ingest() if now == moment else None)
    assert [space.foreign for space in verify(lab, repair=True).spaces if space.foreign] == []
    lab.index = index
    assert_whole(lab)


def test_repair_drops_nothing_that_is_shown_again_while_it_mends(lab: Lab) -> None:
    document = make(lab, "oak")
    run = begin(lab.ledger, fingerprint="another")
    stages.save_extraction(lab.ledger, run, extraction())  # oak is gone, and not yet removed
    index = lab.index

    def show_again(_: object) -> None:
        stages.save_extraction(lab.ledger, run, extraction(placed(run, "oak")))
        publish_round(lab)

    lab.index = TroubledIndex(index, delete=once(show_again))
    verify(lab, repair=True)
    lab.index = index
    assert run.document == document
    assert_whole(lab)


def test_a_rebuilt_index_is_whole_and_tells_its_progress(lab: Lab) -> None:
    make(lab, "oak", "ash")
    told = list[tuple[int, int]]()
    assert rebuild(lab, progress=lambda done, total: told.append((done, total))) == 3
    assert (told[0], told[-1]) == ((0, 3), (3, 3))
    assert_whole(lab)


def test_a_rebuild_that_is_killed_leaves_its_document_due(lab: Lab) -> None:
    document = make(lab, "oak", "ash")
    index, (_, second, *_) = lab.index, spaces(lab)

    def die(space: Space) -> None:
        if space == second:
            raise KeyboardInterrupt

    lab.index = TroubledIndex(index, drop=die)
    with pytest.raises(KeyboardInterrupt):
        rebuild(lab)
    lab.index = index
    assert publishing.unpublished(lab.ledger) == 3
    assert [found.id for found in due.due(lab.ledger)] == [document]
    rebuild(lab)
    assert_whole(lab)


def test_what_is_published_into_a_space_before_it_is_dropped_is_published_again(lab: Lab) -> None:
    make(lab, "oak", "ash")
    index = lab.index
    lab.index = TroubledIndex(index, drop=once(lambda _: publish_round(lab)))
    rebuild(lab)
    lab.index = index
    assert_whole(lab)


def once(move: Callable[..., object]) -> Callable[..., None]:
    """The move, at the first call only."""
    done = False

    def call(*given: object) -> None:
        nonlocal done
        if not done:
            done = True
            move(*given)

    return call
