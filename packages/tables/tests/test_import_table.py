"""A collection is imported from a table: its vectors stay bit for bit, and the encoder makes the others only."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from swatchbook.domain.records import IngestOptions, Role, Scan
from swatchbook.index.contract import Where
from swatchbook.ingest.begin_run import begin_work
from swatchbook.ingest.delete import delete
from swatchbook.ingest.embed import process_batch
from swatchbook.ingest.publish import publish_all
from swatchbook.ingest.register_path import register_folder
from swatchbook.ingest.run import Work
from swatchbook.ingest.scan import scan
from swatchbook.ingest.sources.staged import list_staged, staged_file
from swatchbook.models import registry
from swatchbook.models.image_network import TAGS
from swatchbook.resources import Resources
from swatchbook.search.request import SearchRequest
from swatchbook.search.search import find_relevant
from swatchbook.store.ledger import claims
from swatchbook.store.ledger.queries import filters
from swatchbook.store.ledger.queries.coverage import count_statistics
from swatchbook.store.ledger.queries.document import show_document
from swatchbook.store.ledger.source_items import complete_items
from swatchbook.store.ledger.space_registry import registered
from swatchbook.store.ledger.stored_documents import TABLE
from swatchbook.store.ledger.tables import vectors
from swatchbook.upkeep.reports.collection_state import collect_statistics
from swatchbook.upkeep.verify import verify
from swatchbook_tables.import_table import TableCounts, content_of, stage_table
from swatchbook_tables.rows import read_mapping
from tests.doubles.models import FaultyEncoder
from tests.ingest.sources.pictures import draw
from tests.ingest.sources.shop import COLUMNS, Row, rows, shop, unit
from tests.new_collection import NewCollection
from tests.store.ledger import scene

__all__ = ["shop"]

VISUAL = IngestOptions(roles=frozenset({Role.VISUAL}))


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each picture that the encoder is asked for, once for each time."""
    asked, make = list[str](), registry.efficientnet

    def count(key: str, alone: bool) -> None:
        asked.append(key)

    monkeypatch.setattr(
        registry,
        "efficientnet",
        lambda settings: make(settings)._replace(load=lambda models: FaultyEncoder(make(settings).load(models), count)),
    )
    return asked


def stage(
    resources: Resources, folder: Path, table: Sequence[Row], *, source: str | None = None, owner: str | None = None,
    dry_run: bool = False, **mapping: Any,
) -> TableCounts:  # fmt: skip
    """Stage a table that is written as JSON lines, or that is in `source` already."""
    if source is None:
        source = str(folder / "t.jsonl")
        Path(source).write_text("\n".join(map(json.dumps, table)))
    config = {"root": "root", "columns": COLUMNS, "model": TAGS[Role.VISUAL]} | mapping
    (folder / "m.yaml").write_text(json.dumps(config))  # which is YAML, too
    (folder / "root").mkdir(exist_ok=True)
    return stage_table(
        resources, source, folder / "m.yaml", read_mapping(folder / "m.yaml"),
        owner=owner, options=VISUAL, dry_run=dry_run, progress=lambda rows: None,
    )  # fmt: skip


def run(
    resources: Resources, folder: Path, owner: str = "anna", options: IngestOptions = VISUAL, source: str | None = None
) -> tuple[Work, Scan]:
    """Run an owner's rows as the flow does, to the end."""
    content = str(content_of(source or str(folder / "t.jsonl"), folder / "m.yaml"))
    work = begin_work(resources, register_folder(resources, content, owner=owner, options=options, kind=TABLE))
    assert isinstance(work, Work)
    scanned = scan(resources, work, complete_items(resources.ledger, work.document), progress=lambda done, total: None)
    for batch in claims.cut_batches(resources.ledger, work.run, 20):
        process_batch(resources, work.run, batch, size=20, last_try=True)
    publish_all(resources, at_most=0)
    scene.end(resources.ledger, work.run)
    return work, scanned


def stored(resources: Resources) -> set[bytes]:
    """Every visual vector in the ledger."""
    return set(resources.ledger.execute(select(vectors.c.data).where(vectors.c.role == Role.VISUAL)).scalars())


@pytest.mark.parametrize(
    ("kind", "ledger", "index"),
    [
        ("file", "sqlite", "lance"),
        *(
            pytest.param("database", ledger, index, marks=pytest.mark.stack)  # reads from PostgreSQL
            for ledger in ("sqlite", "postgresql")
            for index in ("lance", "weaviate")
        ),
    ],
)
def test_fifteen_images_of_which_two_have_vectors(
    request: pytest.FixtureRequest, new_collection: NewCollection, tmp_path: Path, encoded: list[str],
    kind: str, ledger: str, index: str,
) -> None:  # fmt: skip
    resources, given = new_collection(ledger, index), {2: unit(2), 11: unit(11)}
    table = rows(tmp_path, given={number: vector.tolist() for number, vector in given.items()})
    source = request.getfixturevalue("shop")(table) if kind == "database" else None
    before = collect_statistics(resources, "anna")
    counts = stage(resources, tmp_path, table, source=source, query="SELECT * FROM pictures")
    assert (counts.rows, counts.taken, counts.given, counts.taken_over) == (15, 15, 2, 2)
    assert collect_statistics(resources, "anna") == before
    run(resources, tmp_path, source=source)
    after = collect_statistics(resources, "anna")
    assert (before.images.found, after.images.found, after.images.complete) == (0, 15, 15)
    assert (after.coverage.with_embeddings, after.coverage.coverage_percentage, after.failures) == (15, 100.0, {})
    assert (len(encoded), len(set(encoded))) == (13, 13)
    assert {vector.tobytes() for vector in given.values()} < stored(resources)
    assert len(stored(resources)) == 15
    (similar,), (space,) = after.similarity, registered(resources.ledger)
    assert (similar.sample, len(set(resources.index.ids(space.space)))) == (15, 15)
    for vector in given.values():
        (found,) = resources.index.search(space.space, vector, 1)
        assert found.distance == pytest.approx(0, abs=1e-5)
    assert verify(resources).sound


def test_imported_pictures_are_found_by_name(
    resources: Resources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = rows(tmp_path, 8, {number: unit(number).tolist() for number in range(8)})
    for number, row in enumerate(table):
        row["name"] = f"{'Oak' if number < 3 else 'Slate'} floor {number}"
    stage(resources, tmp_path, table)
    run(resources, tmp_path)
    assert {each.space.role for each in registered(resources.ledger)} == {Role.VISUAL}
    for by in ("image", "product"):
        found = find_relevant(resources, SearchRequest("oak", where=Where(owner="anna"), by=by)).hits
        assert sorted(hit.product or "" for hit in found if hit.close) == [f"Oak floor {number}" for number in range(3)]
    monkeypatch.delattr(filters, "_all_payloads")  # reads every row, which takes a second for ten thousand
    assert find_relevant(resources, SearchRequest("xylophone", where=Where(owner="anna"))).hits == ()


def test_unusable_vectors_are_named_and_made_here(resources: Resources, tmp_path: Path, encoded: list[str]) -> None:
    nan = [float("nan"), *unit(1).tolist()[1:]]
    table = rows(tmp_path, 4, {0: [1.0, 0.0], 1: nan, 2: unit(2).tolist(), 3: unit(3).tolist()})
    table[2]["model"], table[3]["model"] = "clip-of-2019", "ours"
    counts = stage(resources, tmp_path, table, columns=COLUMNS | {"model": "model"}, models={"ours": TAGS[Role.VISUAL]})
    assert (counts.taken, counts.given, counts.taken_over, counts.refused) == (4, 4, 1, 3)
    reasons = {named.id: named.reason for named in counts.refused_vectors}
    assert "2 numbers, not 1280" in reasons["0"]
    assert "NaN" in reasons["1"]
    assert "unknown model, clip-of-2019" in reasons["2"]
    run(resources, tmp_path)
    assert len(encoded) == 3
    assert count_statistics(resources.ledger, owner="anna").coverage.with_embeddings == 4


def test_second_import_updates_changed_rows(resources: Resources, tmp_path: Path, encoded: list[str]) -> None:
    table = rows(tmp_path, 4, {1: unit(1).tolist()})
    stage(resources, tmp_path, table)
    before, _ = run(resources, tmp_path)
    made = len(encoded)
    stage(resources, tmp_path, table)
    source = str(tmp_path / "t.jsonl")
    assert register_folder(resources, source, owner="anna", options=VISUAL, kind=TABLE).unchanged
    table[0]["name"] = "Renamed"
    draw(tmp_path / "root" / "3.png", 33)
    stage(resources, tmp_path, [*table[:2], table[3]])
    after, scanned = run(resources, tmp_path, options=VISUAL.model_copy(update={"mirror": True}))
    assert (scanned.skipped, scanned.read, scanned.left, scanned.removed) == (1, 1, 1, 1)
    assert after.document == before.document
    products = show_document(resources.ledger, after.document)["products"]
    assert sorted(product["name"] for product in products) == ["Item 1", "Item 3", "Renamed"]
    assert len(encoded) == made + 1


def test_vector_that_is_there_already_stays(resources: Resources, tmp_path: Path) -> None:
    """What was made for one owner is never replaced by what a table says for another."""
    table = rows(tmp_path, 1)
    stage(resources, tmp_path, table)
    run(resources, tmp_path)
    made = stored(resources)
    stage(resources, tmp_path, rows(tmp_path, 1, {0: unit(5).tolist()}, who="bob"))
    run(resources, tmp_path, "bob")
    assert stored(resources) == made
    assert count_statistics(resources.ledger, owner="bob").coverage.with_embeddings == 1


def test_import_for_one_owner_keeps_rows_of_others(resources: Resources, tmp_path: Path) -> None:
    table = rows(tmp_path, 3)
    table[1]["who"] = "bob"
    stage(resources, tmp_path, table)
    of_bob, _ = run(resources, tmp_path, "bob")
    counts = stage(resources, tmp_path, table[:2], owner="anna")
    assert (counts.taken, counts.of_others) == (1, 1)
    assert [item.item for item in listed(resources, tmp_path, of_bob)] == ["1"]


def listed(resources: Resources, folder: Path, work: Work) -> list[Any]:
    return list(list_staged(staged_file(resources.settings.home, str(folder / "t.jsonl")), work.document))


def test_repeated_id_is_left_out_and_named(resources: Resources, tmp_path: Path) -> None:
    table = rows(tmp_path, 2, {1: [1.0]})
    table[1]["nr"] = 0
    counts = stage(resources, tmp_path, table)
    assert (counts.rows, counts.taken, counts.left_out, counts.given) == (2, 1, 1, 0)
    assert "occurs once more" in counts.left_out_rows[0].reason


def test_failed_import_leaves_the_rows_before(resources: Resources, tmp_path: Path) -> None:
    stage(resources, tmp_path, rows(tmp_path, 2))
    work, _ = run(resources, tmp_path)
    with pytest.raises(Exception, match="is no folder"):
        stage(resources, tmp_path, rows(tmp_path, 1), root="nowhere")
    assert len(listed(resources, tmp_path, work)) == 2
    assert len(list((resources.settings.home / "imports").iterdir())) == 1


def test_deleted_document_leaves_no_rows(resources: Resources, tmp_path: Path) -> None:
    table = rows(tmp_path, 2)
    table[1]["who"] = "bob"
    stage(resources, tmp_path, table)
    of_anna, _ = run(resources, tmp_path)
    of_bob, _ = run(resources, tmp_path, "bob")
    assert delete(resources, of_anna.document)
    assert (len(listed(resources, tmp_path, of_anna)), len(listed(resources, tmp_path, of_bob))) == (0, 1)
    assert delete(resources, of_bob.document)
    assert list((resources.settings.home / "imports").iterdir()) == []
