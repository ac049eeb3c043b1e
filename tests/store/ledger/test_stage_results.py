"""What the stages write: once, whole, and raising `dirty` for exactly what changed."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from swatchbook.domain.errors import RunRevoked
from swatchbook.domain.records import (
    Chunks,
    DocumentStatus,
    Entity,
    FailedPage,
    ItemState,
    LinkKind,
    PlacementState,
    Plan,
    PlannedPage,
    SkippedPicture,
    entity_id,
    text_key,
)
from swatchbook.store.ledger import edited_products, stage_results
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.document_commands import cancel
from swatchbook.store.ledger.queries.account import account
from swatchbook.store.ledger.queries.document_parts import list_entities
from swatchbook.store.ledger.runs import Run
from swatchbook.store.ledger.tables import chunks, documents, images, items, links, metadata, pages, placements
from tests.store.ledger.scene import (
    ANALYSIS,
    UNDERSTANDING,
    VISUAL,
    begin,
    chunked,
    count,
    dirt,
    extracted,
    extraction,
    image,
    ingest,
    item,
    key,
    link,
    make_all,
    one,
    placed,
    product,
    publish_all,
    reading,
    rows_of,
)

PLAN = Plan(
    pages=(
        PlannedPage(number=1, kind="product", reason="Oak"),
        PlannedPage(number=2, kind="entity", reason="table"),
        PlannedPage(
            number=3, kind="skipped", reason="contents", label="1",
            pictures=(SkippedPicture(bbox=(60, 100, 500, 600), width=400, height=300),),
        ),
        PlannedPage(number=4, kind="product", reason="Oak"),
    )
)  # fmt: skip


def everything(ledger: Ledger) -> dict[str, list[tuple[object, ...]]]:
    return {
        table.name: sorted(map(tuple, ledger.execute(select(table))), key=str)
        for table in metadata.sorted_tables
        if table.name not in {"runs", "documents"}
    }


SAVES: dict[str, Callable[[Ledger, Run], None]] = {
    "pages": lambda ledger, run: stage_results.save_pages(ledger, run, reading(), PLAN),
    "chunks": lambda ledger, run: stage_results.save_chunks(ledger, run, chunked(run, "Oak is hard.", "Ash is light.")),
    "extraction": lambda ledger, run: stage_results.save_extraction(
        ledger, run, extraction(placed(run, "oak"), placed(run, "broken"), unreadable=["broken"])
    ),
    "assembly": lambda ledger, run: edited_products.save_assembly(
        ledger, run, [product(run, "Oak")], [link(placed(run, "oak").id, product(run, "Oak"))]
    ),
}


def test_saving_again_changes_nothing(ledger: Ledger) -> None:
    run = begin(ledger)
    for name, save in SAVES.items():
        save(ledger, run)
        once = everything(ledger)
        save(ledger, run)
        assert everything(ledger) == once, name
    make_all(ledger, run)
    publish_all(ledger)
    before = everything(ledger)
    for save in SAVES.values():
        save(ledger, run)
    assert everything(ledger) == before
    assert publish_all(ledger) == []


def test_a_revoked_run_saves_nothing(ledger: Ledger) -> None:
    run = begin(ledger)
    before = everything(ledger)
    cancel(ledger, run.document)
    for save in SAVES.values():
        with pytest.raises(RunRevoked):
            save(ledger, run)
    assert everything(ledger) == before


def test_pages_have_their_kind_and_what_was_lost(ledger: Ledger) -> None:
    run = begin(ledger)
    stage_results.save_pages(ledger, run, reading(count=6), PLAN)
    stage_results.save_pages(ledger, run, reading(FailedPage(page=4, kind="unexpected", message="It looped.")), PLAN)
    saved = {r.number: (r.kind, r.reason, r.failure_kind, r.label) for r in ledger.execute(select(pages))}
    assert saved == {
        1: ("product", "Oak", None, None),
        2: ("entity", "table", None, None),
        3: ("skipped", "contents", None, "1"),
        4: ("lost", "It looped.", "unexpected", None),
    }, "those behind the end of a shorter reading are gone"
    assert one(ledger, documents, id=run.document)["page_count"] == 4
    lost = FailedPage(page=4, kind="out_of_memory", message="Its printed text is lost.", transient=True)
    for found, reason, kind in (((lost,), lost.message, lost.kind), ((), "Oak", None)):
        stage_results.save_pages(ledger, run, reading().model_copy(update={"lost": found}), PLAN)
        row = one(ledger, pages, document=run.document, number=4)
        assert (row["kind"], row["reason"], row["failure_kind"]) == ("product", reason, kind)


def test_changed_headings_and_pages_dirty_their_chunk(ledger: Ledger) -> None:
    run = begin(ledger)
    stage_results.save_chunks(ledger, run, chunked(run, "Oak is hard.", "Ash is light."))
    before = dirt(ledger, chunks)
    found = chunked(run, "Oak is hard.", "Ash is light.")
    changed = found.chunks[2].model_copy(update={"headings": ("Wood",)})
    stage_results.save_chunks(ledger, run, Chunks(chunks=(*found.chunks[:2], changed)))
    assert dirt(ledger, chunks) == before | {changed.id: before[changed.id] + 1}
    again = changed.model_copy(update={"pages": (1, 2)})
    stage_results.save_chunks(ledger, run, Chunks(chunks=(*found.chunks[:2], again)))
    assert dirt(ledger, chunks) == before | {changed.id: before[changed.id] + 2}


def test_entities_are_replaced_in_order(ledger: Ledger) -> None:
    run = begin(ledger)
    table, logo = (
        Entity(id=entity_id(run.document, kind, 1), kind=kind, page=1, name=kind)  # type: ignore[arg-type]
        for kind in ("specification", "logo")
    )
    stage_results.save_pages(ledger, run, reading(), PLAN)
    stage_results.save_chunks(ledger, run, Chunks(chunks=(), entities=(table, logo)))
    assert list_entities(ledger, run.document, limit=1) == [((0, table.id), table)]
    stage_results.save_chunks(ledger, run, Chunks(chunks=(), entities=(logo,)))
    assert list_entities(ledger, run.document, limit=9) == [((0, logo.id), logo)]


def test_changes_of_a_placement_dirty_its_image_alone(ledger: Ledger) -> None:
    run = begin(ledger)
    oak, ash = placed(run, "oak"), placed(run, "ash")
    ingest(ledger, run, extraction(oak, ash))
    run = begin(ledger)
    for changed in (
        [placed(run, "oak", caption="Oak, white")], [placed(run, "oak", nearby_text="60 x 120")],
        [oak, placed(run, "oak", page=2)], [oak],
    ):  # fmt: skip
        before = rows_of(ledger, images)
        stage_results.save_extraction(ledger, run, extraction(*changed, ash))
        after = rows_of(ledger, images)
        assert after[image("oak")]["dirty"] == before[image("oak")]["dirty"] + 1
        assert after[image("oak")]["made"] == before[image("oak")]["made"]
        assert after[image("ash")] == before[image("ash")]
    assert account(ledger, document=run.document).complete == 2


def test_pictures_of_an_older_generation_come_back(ledger: Ledger) -> None:
    run = begin(ledger)
    ingest(ledger, run, extraction(placed(run, "oak"), placed(run, "ash")))

    run = extracted(ledger, "oak", fingerprint="another")
    assert rows_of(ledger, images)[image("ash")]["gone"]
    assert {row["generation"] for row in rows_of(ledger, placements).values()} == {run.generation}
    assert account(ledger, document=run.document).found == 1

    stage_results.save_extraction(ledger, run, extraction(placed(run, "oak"), placed(run, "ash")))
    row = rows_of(ledger, images)[image("ash")]
    assert (row["gone"], row["made"]) == (False, row["dirty"])
    assert [p.row.id for p in publish_all(ledger)] == [image("ash")]

    stage_results.save_extraction(ledger, run, extraction(placed(run, "oak")))
    publish_all(ledger)
    assert image("ash") not in rows_of(ledger, images)
    assert item(ledger, key("ash"))["state"] == ItemState.DONE  # the same picture may come again


def test_picture_that_becomes_hidden_is_unpublished(ledger: Ledger) -> None:
    run = begin(ledger)
    ingest(ledger, run, extraction(placed(run, "oak")))
    run = begin(ledger, fingerprint="another")
    covered = placed(run, "oak", state=PlacementState.HIDDEN)
    stage_results.save_extraction(ledger, run, extraction(covered))
    assert rows_of(ledger, images)[image("oak")]["gone"]
    assert publish_all(ledger) == []
    row = rows_of(ledger, images)[image("oak")]
    assert (row["gone"], row["dirty"], row["made"], row["published"]) == (False, 0, 0, 0)
    under = placed(run, "under", state=PlacementState.HIDDEN)
    tape = placed(run, "tape", state=PlacementState.DECORATIVE)
    stage_results.save_extraction(ledger, run, extraction(covered, under, tape))
    assert publish_all(ledger) == []
    assert count(ledger, items, key=key("under")) == count(ledger, items, key=key("tape")) == 0
    counted = account(ledger, document=run.document)
    assert (counted.found, counted.placements_hidden, counted.placements_decorative) == (0, 2, 1)
    stage_results.save_extraction(ledger, run, extraction(placed(run, "oak")))
    assert [p.row.id for p in publish_all(ledger)] == [image("oak")]
    assert rows_of(ledger, images).keys() == {image("oak")}, "a hidden one that stands nowhere goes"


def test_newer_analysis_reopens_documents_of_the_picture(ledger: Ledger) -> None:
    newer = ANALYSIS.model_copy(update={"tag": "analyst@2/a"})
    other = extracted(ledger, "oak", owner="bert", requested=(newer,))
    make_all(ledger, other, text="Material: fumed oak.")
    first = begin(ledger)
    ingest(ledger, first, extraction(placed(first, "oak")))
    assert one(ledger, documents, id=first.document)["status"] == DocumentStatus.COMPLETED
    assert one(ledger, images, id=image("oak"))["text_key"] == text_key("Material: oak.")

    third = extracted(ledger, "oak", content="supplement", requested=(VISUAL, newer, UNDERSTANDING))
    assert item(ledger, text_key("Material: fumed oak."), UNDERSTANDING)["state"] == ItemState.PENDING
    assert one(ledger, documents, id=first.document)["status"] == DocumentStatus.WAITING
    make_all(ledger, third, text="Material: fumed oak.")
    publish_all(ledger)
    assert account(ledger, document=first.document).complete == 1


def test_products_and_links_dirty_what_they_concern(ledger: Ledger) -> None:
    run = begin(ledger)
    oak, ash = placed(run, "oak"), placed(run, "ash")
    text = chunked(run, "Oak is hard.", "Ash is light.")
    ingest(ledger, run, extraction(oak, ash), text)
    run = begin(ledger)
    oak_chunk, ash_chunk = text.chunks[1].id, text.chunks[2].id

    def assemble(*, metadata: dict[str, str], score: float = 0.8, linked: bool = True) -> set[str]:
        """The ids that it raises."""
        before = dirt(ledger, images) | dirt(ledger, chunks)
        made = [product(run, "Oak", metadata=metadata), product(run, "Ash")]
        found = [
            link(ash.id, made[1], score=score),
            link(ash_chunk, made[1], LinkKind.CHUNK_PRODUCT),
            link(oak.id, oak_chunk, LinkKind.IMAGE_CHUNK),
        ]
        if linked:
            found += [link(oak.id, made[0], score=score), link(oak_chunk, made[0], LinkKind.CHUNK_PRODUCT)]
        edited_products.save_assembly(ledger, run, made, found)
        after = dirt(ledger, images) | dirt(ledger, chunks)
        return {i for i in after if after[i] != before[i]}

    about_oak = {image("oak"), oak_chunk}
    assert assemble(metadata={"size": "60"}) == about_oak | {image("ash"), ash_chunk}
    assert assemble(metadata={"size": "60"}) == set()
    assert assemble(metadata={"size": "60"}, score=0.5) == set()  # nothing published carries it
    assert assemble(metadata={"size": "120"}) == about_oak
    assert assemble(metadata={"size": "120"}, linked=False) == about_oak
    assert assemble(metadata={"size": "120"}, linked=False) == set()
    assert count(ledger, links) == 3
