"""Spaces in the ledger: which is active, what is made beside it, each transaction of a change of model, and what a fill
finds to make.
"""

from collections.abc import Sequence

import pytest
from sqlalchemy import select

from swatchbook.domain.errors import Configuration, RunRevoked, UnreadableImage
from swatchbook.domain.records import DocumentStatus, IngestOptions, Role, RoleTag
from swatchbook.index.contract import Space
from swatchbook.store.ledger import missing_vectors, runs, space_registry, stage_results
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.missing_vectors import Candidate, ToFill
from swatchbook.store.ledger.queries.account import account
from swatchbook.store.ledger.runs import Run
from swatchbook.store.ledger.space_objects import Lack
from swatchbook.store.ledger.space_registry import activate, active_spaces, add_space, registered, rollback
from swatchbook.store.ledger.stored_documents import get_document
from swatchbook.store.ledger.tables import documents, items, requested, vectors
from tests.store.ledger.scene import (
    VISUAL,
    begin,
    begin_fill,
    change,
    delete,
    extracted,
    extraction,
    image,
    ingest,
    key,
    make_all,
    placed,
    publish_all,
    set_document,
)

NEW = RoleTag(role=Role.VISUAL, tag="eye@2/a")


def space(pair: RoleTag, dimension: int = 32) -> Space:
    return Space(role=pair.role, tag=pair.tag, dimension=dimension)


def collection(ledger: Ledger, *names: str, content: str = "catalogue", pairs: Sequence[RoleTag] = (VISUAL,)) -> Run:
    """A completed document with these pictures, each on a page, searchable in the space of VISUAL."""
    run = begin(ledger, content=content, requested=pairs)
    add_space(ledger, space(VISUAL))
    ingest(ledger, run, extraction(*(placed(run, name, page) for page, name in enumerate(names, 1))))
    return run


def filled(ledger: Ledger, run: Run, **given: object) -> Run:
    """The run that fills NEW with the document's pictures, ended."""
    made = begin_fill(ledger, run.document, NEW)
    make_all(ledger, made, **given)  # type: ignore[arg-type]
    runs.end_part(ledger, made)
    add_space(ledger, space(NEW))
    publish_all(ledger)
    return made


def active(ledger: Ledger) -> set[str]:
    return {each.space.tag for each in active_spaces(ledger).values()}


def test_the_first_space_of_a_role_is_active(ledger: Ledger) -> None:
    color, material = (RoleTag(role=role, tag=f"eye@1/{role}") for role in (Role.COLOR, Role.MATERIAL))
    text = RoleTag(role=Role.TEXT, tag="words@1/a")
    assert add_space(ledger, space(VISUAL), {"encoder": "old"}).active
    assert add_space(ledger, space(VISUAL)).active, "known, and active"
    assert not add_space(ledger, space(NEW)).active
    assert add_space(ledger, space(color), {"encoder": "old"}).active
    assert not add_space(ledger, space(material), {"encoder": "new"}).active, "not beside the old model"
    assert add_space(ledger, space(text), {"text_encoder": "any"}).active
    assert active(ledger) == {VISUAL.tag, color.tag, text.tag}
    with pytest.raises(Configuration, match="64 numbers, before 32"):
        add_space(ledger, space(VISUAL, 64))


def test_a_fill_changes_neither_account_nor_status(ledger: Ledger) -> None:
    run = collection(ledger, "oak", "ash")
    before = account(ledger)
    begun = begin_fill(ledger, run.document, NEW)
    with pytest.raises(RunRevoked, match="Another fill"):  # one process fills a document
        runs.begin_fill(ledger, run.document, [NEW], fill="G" * 26)
    assert account(ledger) == before
    make_all(ledger, begun)
    assert account(ledger) == before, "not even until it is published"
    runs.end_part(ledger, begun)
    assert get_document(ledger, run.document).status is DocumentStatus.COMPLETED
    lack = Lack(role=Role.VISUAL, tag=NEW.tag, open=2, failed=0)
    assert space_registry.lacks(ledger, [NEW]) == [lack], "not published"
    publish_all(ledger)
    assert space_registry.lacks(ledger, [NEW]) == []
    assert list(missing_vectors.documents_lacking(ledger, [NEW])) == []


def test_a_fill_makes_only_what_is_its_own(ledger: Ledger) -> None:
    run = begin(ledger, requested=[VISUAL])
    add_space(ledger, space(VISUAL))
    stage_results.save_extraction(ledger, run, extraction(placed(run, "oak")))
    begun = begin_fill(ledger, run.document, NEW)
    make_all(ledger, begun)
    states = dict(ledger.execute(select(items.c.tag, items.c.state)).tuples().all())
    assert states == {VISUAL.tag: "pending", NEW.tag: "done"}


def test_only_what_is_searched_is_accounted(ledger: Ledger) -> None:
    first, material = collection(ledger, "oak"), RoleTag(role=Role.MATERIAL, tag=NEW.tag)
    begun = begin_fill(ledger, first.document, material)
    make_all(ledger, begun)
    missing_vectors.count_made(ledger, begun)
    runs.end_part(ledger, begun)
    run = extracted(ledger, "ash", content="supplement", requested=[VISUAL, NEW])
    lost = UnreadableImage("Not with this one.")
    make_all(ledger, run, failing=lambda item: lost if item.tag == NEW.tag else None)
    publish_all(ledger)
    assert account(ledger, document=run.document).complete == 1
    found = ledger.execute(select(requested.c.document, requested.c.role, requested.c.tag, requested.c.beside))
    beside = {(document, role, tag): is_beside for document, role, tag, is_beside in found}
    assert beside == {
        (first.document, "visual", VISUAL.tag): False, (first.document, "material", NEW.tag): True,
        (run.document, "visual", VISUAL.tag): False, (run.document, "visual", NEW.tag): True,
    }  # fmt: skip


def test_failed_items_are_named_and_may_be_accepted(ledger: Ledger) -> None:
    run = collection(ledger, "oak", "ash")
    filled(ledger, run, failing=lambda item: UnreadableImage("No.") if item.key == key("ash") else None)
    assert activate(ledger, [NEW]) == [Lack(role=Role.VISUAL, tag=NEW.tag, open=0, failed=1)]
    assert list(missing_vectors.documents_lacking(ledger, [NEW])) == []
    assert activate(ledger, [NEW], accept_failed=True) == []
    assert active(ledger) == {NEW.tag}


def test_switch_of_space_can_be_undone(ledger: Ledger) -> None:
    run = collection(ledger, "oak")
    filled(ledger, run)
    for _ in range(2):
        assert activate(ledger, [NEW]) == []
        assert active(ledger) == {NEW.tag}
        assert account(ledger).complete == 1
        assert rollback(ledger, list(Role)) == [VISUAL]
        assert active(ledger) == {VISUAL.tag}
        assert account(ledger).complete == 1
    material = RoleTag(role=Role.MATERIAL, tag="eye@1/a")
    add_space(ledger, space(material))
    assert activate(ledger, [NEW], retired={Role.MATERIAL}) == []
    assert active_spaces(ledger).keys() == {Role.VISUAL}
    assert set(rollback(ledger, list(Role))) == {VISUAL, material}, "retired roles come back"
    assert active_spaces(ledger).keys() == {Role.VISUAL, Role.MATERIAL}


def test_a_dropped_space_leaves_no_row(ledger: Ledger) -> None:
    run = collection(ledger, "oak")
    filled(ledger, run)
    activate(ledger, [NEW])
    space_registry.drop(ledger, [VISUAL, NEW])
    for table in (items, vectors, requested):
        assert set(ledger.execute(select(table.c.tag)).scalars()) == {NEW.tag}

    def fail() -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        space_registry.finish_drop(ledger, space(VISUAL), fail)
    assert {(each.space.tag, each.dropping) for each in registered(ledger)} == {(VISUAL.tag, True), (NEW.tag, False)}
    dropped = list[str]()
    for _ in range(2):
        space_registry.finish_drop(ledger, space(VISUAL), lambda: dropped.append(VISUAL.tag))
    assert dropped == [VISUAL.tag], "once"
    assert [each.space.tag for each in registered(ledger)] == [NEW.tag], "the active one stays"


def test_later_run_does_not_bring_back_dropped_space(ledger: Ledger) -> None:
    filled(ledger, collection(ledger, "oak"))
    activate(ledger, [NEW])
    space_registry.drop(ledger, [VISUAL])
    asked = begin(ledger, content="another", requested=[NEW])
    runs.end(ledger, asked, DocumentStatus.WAITING, due_at=None)
    run = runs.begin(  # what it asks for was decided before the drop
        ledger, asked.document, options=IngestOptions(), fingerprint="f", requested=[NEW], beside=[VISUAL]
    )
    assert isinstance(run, Run)
    assert set(ledger.execute(select(requested.c.tag)).scalars()) == {NEW.tag}


def test_a_role_whose_last_object_goes_is_free(ledger: Ledger) -> None:
    assert delete(ledger, collection(ledger, "oak").document)
    assert [(each.active, each.dropping) for each in registered(ledger)] == [(False, True)]
    space_registry.finish_drop(ledger, space(VISUAL), lambda: None)
    assert add_space(ledger, space(NEW)).active


def test_new_role_is_for_documents_asking_for_it(ledger: Ledger) -> None:
    asking, material = collection(ledger, "oak").document, RoleTag(role=Role.MATERIAL, tag=NEW.tag)
    collection(ledger, "oak", content="supplement")
    for roles in ((), ("visual", "material")):
        change(ledger, documents, options={"roles": ["visual"]})
        set_document(ledger, asking, options={"roles": list(roles)})
        assert sum(lack.open for lack in space_registry.lacks(ledger, [material])) == 1
        found = missing_vectors.documents_lacking(ledger, [material])
        assert [(each.document, each.pairs) for each in found] == [(asking, (material,))]


def waiting(ledger: Ledger, owner: str | None = "anna") -> list[ToFill]:
    return list(missing_vectors.completed_documents(ledger, (VISUAL, NEW), owner))


def found(ledger: Ledger, limit: int | None = None) -> list[Candidate]:
    portions = (missing_vectors.candidates(ledger, document, limit=limit) for document in waiting(ledger))
    return [each for of_document in portions for some in of_document for each in some]


def test_candidates_are_completed_images_lacking_a_vector(ledger: Ledger) -> None:
    run = collection(ledger, "oak", "ash", "oak", "fir")
    begin(ledger, content="supplement", requested=[VISUAL])
    assert waiting(ledger) == [ToFill(document=run.document, pairs=(NEW,))]
    assert [(each.id, each.lacks) for each in found(ledger)] == [
        (image(name), (NEW,)) for name in ("oak", "ash", "fir")
    ]
    assert [each.id for each in found(ledger, limit=2)] == [image("oak"), image("ash")]
    assert waiting(ledger, "bert") == []
    assert waiting(ledger, None) == waiting(ledger)


def test_waiting_and_failed_images_are_no_candidates(ledger: Ledger) -> None:
    run = collection(ledger, "oak", "ash", "fir")
    begun = begin_fill(ledger, run.document, NEW)
    moment = ledger.now() + 900
    for name, now in (("oak", {"next_retry_at": moment}), ("ash", {"state": "failed"})):
        change(ledger, items, items.c.tag == NEW.tag, items.c.key == key(name), **now)
    runs.end_part(ledger, begun)
    assert [each.id for each in found(ledger)] == [image("fir")]
    assert missing_vectors.left_to_make(ledger, waiting(ledger)) == [
        Lack(role=NEW.role, tag=NEW.tag, open=2, failed=1, waiting=1, next_try=moment)
    ]


def test_what_is_left_is_counted_by_document(ledger: Ledger) -> None:
    collection(ledger, "oak", "ash", "oak")
    collection(ledger, "oak", content="supplement")
    made = missing_vectors.left_to_make(
        ledger, [each.model_copy(update={"pairs": (VISUAL, NEW)}) for each in waiting(ledger)]
    )
    assert made == [Lack(role=NEW.role, tag=NEW.tag, open=3, failed=0)]
