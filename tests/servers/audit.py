"""What must hold of a document in the end, whatever happened on the way: nothing missing, nothing made twice."""

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
import psutil
from sqlalchemy import select, union

from swatchbook.domain.records import DocumentStatus, Record, Role
from swatchbook.index.contract import Index, Space
from swatchbook.resources import Resources, open_resources
from swatchbook.store.ledger import publishing
from swatchbook.store.ledger.queries.report import document_report
from swatchbook.store.ledger.space_registry import registered
from swatchbook.store.ledger.tables import chunks, placements, runs
from swatchbook.upkeep.verify import Verification, verify
from tests.ledger_audit import writes
from tests.servers.stack import Stack

TERMINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


class Audit(Record):
    """Of some documents: pictures that are not complete; of all: vectors and analyses written more than once, objects
    that the index lacks, has too many of, has with another vector than the ledger, or does not find by their own.
    """

    missing: int
    twice: int
    unfound: int


def audit(stack: Stack, *documents: str, pictures: int) -> Audit:
    """Of documents with so many pictures each, looked at with tools of its own, opened just now."""
    reports = [document_report(stack.resources.ledger, document) for document in documents]
    for report in reports:
        parts = (report.images_complete, report.images_partial, report.images_failed, report.images_rejected)
        assert report.images_found == sum(parts) + report.images_pending
        assert (report.status, report.images_pending) == (DocumentStatus.COMPLETED, 0), report
    with open_resources(stack.settings) as resources:
        checked = published(stack, resources)
        assert not checked.lost_files
        unfound = sum(space.missing + space.foreign for space in checked.spaces)
        for space in [each.space for each in registered(resources.ledger)]:
            unfound += sum(1 for document in documents for _ in lost_to_search(stack, resources.index, space, document))
    return Audit(
        missing=sum(pictures - report.images_complete for report in reports),
        twice=sum(times - 1 for times in writes(stack.resources.ledger).values()),
        unfound=unfound,
    )


def published(stack: Stack, resources: Resources) -> Verification:
    """Once nothing waits to be published: two minutes after an outage, objects that are there are written again.

    What a killed Weaviate has lost waits to be published only once the service's loop has looked for it.
    """

    def is_settled() -> bool:
        checks.append(verify(resources))
        differs = any(space.missing or space.foreign for space in checks[-1].spaces)
        return not checks[-1].unpublished and not differs

    checks = list[Verification]()
    stack.wait_until(is_settled, "everything is published")
    return checks[-1]


def lost_to_search(stack: Stack, index: Index, space: Space, document: str) -> Iterator[str]:
    """Ids of the document whose vector is not the ledger's, or whose own vector does not find them."""
    with stack.resources.ledger.read() as connection:
        shown = select(placements.c.image).where(placements.c.document == document)
        cut = select(chunks.c.id).where(chunks.c.document == document)
        own = set(connection.execute(union(shown, cut)).scalars())
    expected = own.intersection(publishing.searchable_ids(stack.resources.ledger, space))
    kind: Literal["image", "chunk"] = "chunk" if space.role is Role.TEXT else "image"
    rows = [publishing.DirtyRow(kind=kind, id=each, dirty=0, gone=False) for each in sorted(expected)]
    found = index.fetch(space, sorted(expected))
    for each in publishing.publications(stack.resources.ledger, rows):
        vector = each.vectors[space.pair]
        is_same = each.row.id in found and np.allclose(found[each.row.id].vector, vector, atol=1e-6)
        if not is_same or each.row.id not in {hit.id for hit in index.search(space, vector, 100)}:
            yield each.row.id


def runs_of(stack: Stack, document: str, kind: str = "shard") -> list[dict[str, Any]]:
    """The rows of a document's runs of this kind, in order."""
    query = select(runs).where(runs.c.document == document, runs.c.kind == kind).order_by(runs.c.token)
    return [dict(row) for row in stack.resources.ledger.execute(query).mappings()]


def parent(stack: Stack, document: str) -> psutil.Process:
    """The process of its live run, which has made its shards."""
    (pid,) = [run["pid"] for run in runs_of(stack, document, "document") if run["state"] == "live"]
    return psutil.Process(pid)


def flow_runs(stack: Stack, document: str) -> list[str]:
    given = {"flow_runs": {"tags": {"all_": [document]}}, "sort": "START_TIME_ASC"}
    return [run["state_type"] for run in stack.ask_prefect("POST", "/flow_runs/filter", json=given)]
