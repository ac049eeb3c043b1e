"""Weaviate is away for longer than a run waits, or has a collection of somebody else's: the document waits."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from weaviate import connect_to_local

from devtools.weaviate import Server, free_ports, start
from swatchbook.domain.errors import Configuration, Failure
from swatchbook.domain.records import DocumentStatus, Role
from swatchbook.flows.retry_failed import retry_failed
from swatchbook.index.contract import Space
from swatchbook.models.registry import requested
from swatchbook.resources import Resources
from swatchbook.store.ledger.stored_documents import list_documents
from swatchbook.upkeep.verify import verify
from tests.flows.conftest import Ingest
from tests.pdf.making import Paper, gradient, jpeg
from tests.store.ledger.scene import pass_time

pytestmark = pytest.mark.stack


@pytest.fixture
def weaviate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Server]]:
    """A server of this test's own, and the settings that lead to it. The list's last one is the one that runs."""
    port, grpc_port = free_ports(2)
    servers = [start(tmp_path / "weaviate", port=port, grpc_port=grpc_port)]
    monkeypatch.setenv("SWATCHBOOK_INDEX", "weaviate")
    monkeypatch.setenv("SWATCHBOOK_WEAVIATE__URL", servers[0].url)
    monkeypatch.setenv("SWATCHBOOK_WEAVIATE__GRPC_PORT", str(grpc_port))
    yield servers
    servers[-1].stop()


def test_document_waits_while_the_index_is_away(
    weaviate: list[Server],
    resources: Resources,
    ingest: Ingest,
    small_catalogue: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(resources, "settings", resources.settings.model_copy(update={"outage_wait_seconds": 1.0}))
    first = weaviate[-1]
    first.stop()
    with pytest.raises(Failure, match="Weaviate"):
        ingest(small_catalogue)
    assert asyncio.run(retry_failed()) == [], "it is still in its pause"
    weaviate.append(start(tmp_path / "weaviate", port=first.port, grpc_port=first.grpc_port))
    (report,) = asyncio.run(retry_failed(also_paused=True))
    assert report.status == DocumentStatus.COMPLETED
    assert report.images_complete == report.images_found > 0


def test_a_foreign_collection_blocks_documents_until_it_goes(
    weaviate: list[Server], resources: Resources, ingest: Ingest, tmp_path: Path
) -> None:
    page = Paper()
    page.page("Tile Alba").insert_image((40, 80, 240, 280), stream=jpeg(gradient(300, 300)))
    visual = next(want for want in requested(resources.settings) if want.role is Role.VISUAL)
    taken = f"Swatchbook_{Space(role=visual.role, tag=visual.tag, dimension=1).name}"
    with connect_to_local(port=weaviate[-1].port, grpc_port=weaviate[-1].grpc_port, skip_init_checks=True) as somebody:
        somebody.collections.create(taken)
        with pytest.raises(Configuration):
            ingest(page.save(tmp_path / "alba.pdf"), focus=False)
        (blocked,) = list_documents(resources.ledger)
        assert (blocked.status, blocked.failure_kind) == (DocumentStatus.BLOCKED, "configuration")
        assert "unexpected schema" in (blocked.message or "")
        assert "rebuild-index" in (blocked.message or "")
        somebody.collections.delete(taken)
    pass_time(resources.ledger, 3_600)
    (report,) = asyncio.run(retry_failed())
    assert (report.status, report.images_complete) == (DocumentStatus.COMPLETED, 1)
    assert verify(resources).sound
