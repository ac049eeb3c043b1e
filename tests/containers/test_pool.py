"""Shards in containers, on a real engine: what dies there costs nothing, and the end comes by itself; and the
production profile, whole, is made there.

The rest of what may die, which takes half an hour, is in soak.py.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from swatchbook.domain.records import DocumentStatus, ItemState, Role
from swatchbook.index.contract import Where
from swatchbook.models.registry import tags
from swatchbook.resources import Resources
from swatchbook.search.fusion import TEXT_WEIGHTS
from swatchbook.search.request import SearchRequest
from swatchbook.search.search import search
from swatchbook.store.ledger.claims import source_files
from swatchbook.store.ledger.queries.report import document_report
from swatchbook.store.ledger.tables import calls, images, items, placements, runs
from swatchbook.upkeep.verify import verify
from tests.containers.pool import Pool
from tests.containers.production import CALLS_A_MINUTE, Production, running_production
from tests.doubles.models import picture_key
from tests.fixtures import SOAK
from tests.ledger_audit import writes
from tests.models.providers.standin import KEY, mixed
from tests.servers.audit import Audit, audit, flow_runs, runs_of
from tests.servers.catalogues import make_catalogue, squares
from tests.servers.halfway import PICTURES, WHOLE, conclude, half_way, pictures_made, tell
from tests.servers.stack import OWNER, Stack
from tests.servers.test_pool import shown_in_graph
from tests.servers.test_stack import complete_by_schedule, fill_in_form

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1_500)]  # the first run makes every image

AMONG = 1_000 if SOAK else PICTURES
"""Pictures of which one kills whoever takes it up."""


@pytest.mark.gate
def test_others_replace_containers_killed_or_out_of_memory(pool: Pool, tmp_path: Path) -> None:
    document = half_way(pool.stack, tmp_path / "killed.pdf", execution="pool")
    pool.engine.run("kill", pool.containers()[pool.live(document)[0]])
    pool.stack.trouble(memory=1_024)
    pool.stack.wait_until(pool.out_of_memory, "a container has run out of memory")
    pool.stack.trouble()
    conclude(pool.stack, "killed_and_out_of_memory", document)
    shards = runs_of(pool.stack, document)
    assert {shard["state"] for shard in shards} <= {"ended", "dead"}
    assert pool.containers().keys() >= {shard["prefect_run"] for shard in shards}
    assert shown_in_graph(pool.stack, document)[1] >= {shard["prefect_run"] for shard in shards}
    assert str(Path("/proc/self/ns/pid").readlink()) not in {shard["pid_namespace"] for shard in shards}


def test_only_the_picture_that_kills_its_container_fails(pool: Pool, tmp_path: Path) -> None:
    stack = pool.stack
    document = half_way(stack, tmp_path / "deadly.pdf", pictures=AMONG, picture=squares, execution="pool")
    stack.trouble(deadly=an_open_picture(stack, document))
    seconds = stack.wait_for(
        document, DocumentStatus.WAITING, DocumentStatus.COMPLETED, DocumentStatus.FAILED, seconds=max(900, AMONG)
    )
    stack.trouble()
    report = document_report(stack.resources.ledger, document)
    assert report.status == DocumentStatus.WAITING
    assert {failed.kind for failed in report.failed_images} == {"crashed_worker"}
    found = Audit(
        missing=AMONG - report.images_complete,
        twice=sum(times - 1 for times in writes(stack.resources.ledger).values()),
        unfound=sum(space.missing + space.foreign for space in verify(stack.resources).spaces),
    )
    tell(f"deadly_picture among {AMONG}", found, seconds)
    assert found == Audit(missing=1, twice=0, unfound=0)


def an_open_picture(stack: Stack, document: str) -> str:
    """The key, as encoders know it, of a picture that nobody has taken up yet."""
    query = (
        select(items.c.key)
        .join(images, images.c.content_key == items.c.key)
        .join(placements, placements.c.image == images.c.id)
        .where(placements.c.document == document, items.c.role == Role.VISUAL)
        .where(items.c.state == ItemState.PENDING, items.c.lease.is_(None))
    )
    key = stack.resources.ledger.execute(query.order_by(items.c.key).limit(1)).scalar_one()
    with stack.resources.files.local(source_files(stack.resources.ledger, [key])[key]) as path:
        (pixels,) = stack.resources.decoders.decode([path], stack.resources.models.encoder.side)
    assert isinstance(pixels, np.ndarray)
    return picture_key(pixels)


@pytest.mark.timeout(6_000 if SOAK else 1_500)
def test_catalogue_by_form_is_indexed_though_parts_die(pool: Pool) -> None:
    """Half way, a shard, both workers with all that they run, and PostgreSQL are killed at the same time."""
    stack = pool.stack
    stack.trouble(seconds=1.0, failing=0.2)
    before = pictures_made(stack)
    catalogue = make_catalogue(stack.folder / "inbox" / "whole.pdf", pictures=PICTURES)
    document, _ = fill_in_form(stack, catalogue, execution="pool", batch_size=4)
    stack.wait_until(lambda: pictures_made(stack) > before, "some pictures are made")
    in_graph, subflows = shown_in_graph(stack, document)
    assert in_graph == subflows >= {shard["prefect_run"] for shard in runs_of(stack, document)}
    pool.engine.run("kill", pool.containers()[pool.live(document)[0]])
    for worker in (pool.worker, stack.worker):
        worker.kill(family=True)
    stack.postgres.kill()
    stack.postgres.start()
    for worker in (pool.worker, stack.worker):
        worker.start()
    stack.trouble(failing=0.2)

    def is_settled() -> bool:
        report = document_report(stack.resources.ledger, document)
        failing = {failed.kind for failed in report.failed_images} == {"provider_timeout"}
        ends = (*flow_runs(stack, document), *(shard["state"] for shard in runs_of(stack, document)))
        return report.status == DocumentStatus.WAITING and failing and not {"RUNNING", "live"} & {*ends}

    seconds = stack.wait_until(is_settled, "only what its model has failed at waits")
    stack.trouble()
    complete_by_schedule(stack, document)
    found = audit(stack, document, pictures=PICTURES)
    tell("form, killed parts, schedule", found, seconds)
    assert found == WHOLE
    assert {Role.VISUAL, Role.UNDERSTANDING} <= made(stack.resources).keys()


QUERIES = {"porcelain tile 60x120": "Terra Nova", "R10 slip rating": "Terra Nova", "acoustic wool panel": "Fjord Wool"}
"""A specification as customers write it, and the sample's product that has it."""

SAID = {role: weight for role, weight in TEXT_WEIGHTS.items() if role != Role.VISUAL}
"""What a text tower of random weights finds means nothing."""


@pytest.fixture
def production(pool: Pool) -> Iterator[Production]:
    with running_production(pool) as installation:
        yield installation


def test_production_profile_finds_products_and_pays_answers_once(production: Production, catalogue: Path) -> None:
    there = production.there
    [report] = production.ask("ingest", str(catalogue), "--owner", OWNER, "--batch-size", "128")
    assert report["status"] == "completed"
    assert (report["images_found"], report["images_complete"]) == (263, 263)
    assert report["products_discovered"] == 11
    assert {each["stage"] for each in report["spent"]} == {"discover", "describe", "embed"}
    assert report["cost_usd"] > 0
    assert set(there.paid.values()) == {1}
    assert most_within(10, production.seen) < 1.2 * CALLS_A_MINUTE / 6, "shards keep within the limit together"
    asked = len(there.asked)
    [again] = production.ask("ingest", str(catalogue), "--owner", OWNER, "--batch-size", "128")
    assert again["cost_usd"] == pytest.approx(report["cost_usd"])
    assert len(there.asked) == asked
    there.faults = mixed(0)  # nobody asks twice for a person who searches
    with production.resources() as resources:
        assert payers(resources) == {("document", "discover"), ("document", "describe"), ("shard", "embed")}
        assert made(resources) == tags(production.settings)
        for query, product in QUERIES.items():
            best = search(resources, SearchRequest(query, where=Where(owner=OWNER), by="product", k=3, weights=SAID))
            assert best[0].title == product, (query, best)
    said = {path.name: path.read_text(errors="replace") for path in production.logs()}
    assert "/263 images)" in said["shards.log"], "the worker tells what its containers say"
    assert not [name for name, text in said.items() if KEY in text]
    known = production.known_to_prefect()
    assert report["document_id"] in known
    assert KEY not in known


def most_within(seconds: float, times: Sequence[float]) -> int:
    ordered = sorted(times)
    return max(bisect_left(ordered, first + seconds) - number for number, first in enumerate(ordered))


def payers(resources: Resources) -> set[tuple[str, str]]:
    query = select(runs.c.kind, calls.c.stage).join(runs, runs.c.token == calls.c.run)
    return {
        (row.kind, row.stage) for row in resources.ledger.execute(query.where(calls.c.state == "answered").distinct())
    }


def made(resources: Resources) -> dict[Role, str]:
    query = select(items.c.role, items.c.tag).where(items.c.state == ItemState.DONE).distinct()
    return {Role(row.role): row.tag for row in resources.ledger.execute(query)}
