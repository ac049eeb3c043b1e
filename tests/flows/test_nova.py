"""NOVA: the catalogue that lost half its images in silence. 263 images, in the gate 60; 48 % of first tries fail."""

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from swatchbook.domain.errors import Failure, ProviderTimeout, UnreadableImage
from swatchbook.domain.records import DocumentStatus, RunReport
from swatchbook.models.images.decoder_pool import Decoders
from swatchbook.resources import Resources
from tests.doubles.models import Fault, FaultyEncoder, always, either, fails_first, picture_key
from tests.flows.conftest import Ingest
from tests.ledger_audit import count_writes, writes
from tests.servers.catalogues import make_catalogue

pytestmark = pytest.mark.stack

PICTURES = 263 if os.environ.get("TEST_NIGHTLY") else 60
SHARE = 0.48
POISON = 5


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pages of small pictures without a table: what happens to its pictures is the point, not what it says."""
    return make_catalogue(tmp_path_factory.mktemp("nova") / "nova.pdf", pictures=PICTURES)


@pytest.fixture
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWATCHBOOK_RETRY_DELAYS", "[0.2, 0.4, 0.8]")


def closes(report: RunReport) -> bool:
    parts = (report.images_complete, report.images_partial, report.images_failed, report.images_rejected)
    return report.images_found == sum(parts) + report.images_pending


def made_once(resources: Resources) -> bool:
    return set(writes(resources.ledger).values()) == {1}


@pytest.mark.usefixtures("quick_retries")
def test_every_image_completes_though_half_fail_at_first(
    resources: Resources, ingest: Ingest, catalogue: Path, with_fault: Callable[[Fault], None]
) -> None:
    count_writes(resources.ledger)
    with_fault(fails_first(SHARE, ProviderTimeout))
    report = ingest(catalogue, focus=False)
    assert (report.images_found, report.images_complete) == (PICTURES, PICTURES)
    assert report.status == DocumentStatus.COMPLETED
    assert closes(report)
    assert made_once(resources)


@pytest.mark.usefixtures("quick_retries")
@pytest.mark.gate
def test_poison_and_deadly_pictures_cost_only_themselves(
    resources: Resources, ingest: Ingest, catalogue: Path, with_fault: Callable[[Fault], None]
) -> None:
    poison, deadly = pictures_of(resources, catalogue)
    deadly.with_suffix(".deadly").touch()
    resources.__dict__["decoders"] = Decoders(resources.settings, module="tests.doubles.deadly_decode")
    count_writes(resources.ledger)
    with_fault(either(always(poison, UnreadableImage), fails_first(SHARE, ProviderTimeout)))
    report = ingest(catalogue, focus=False)
    assert report.images_found == PICTURES
    assert report.images_complete == PICTURES - POISON - 1
    assert closes(report)
    assert report.status == DocumentStatus.WAITING  # the deadly one has a next try
    assert made_once(resources)
    named = {failure.kind: failure for failure in report.failed_images}
    assert set(named) == {"unreadable_image", "crashed_worker"}
    assert named["crashed_worker"].next_retry_at
    assert named["crashed_worker"].attempts > 1
    assert len({failure.image_id for failure in report.failed_images}) == POISON + 1
    assert all(failure.page_number and failure.role and failure.error for failure in report.failed_images)


def pictures_of(resources: Resources, catalogue: Path) -> tuple[set[str], Path]:
    """Hashes of five decoded pictures of the catalogue, and where a sixth is stored."""
    from swatchbook.domain.records import Plan, PlannedPage
    from swatchbook_catalogue.extract import extract
    from swatchbook_catalogue.pdf import reader

    reading = reader.read(catalogue, resources.files, resources.settings)
    pages = tuple(PlannedPage(number=n, kind="product", reason="") for n in (1, 2))
    found = extract(catalogue, "d", reading, Plan(pages=pages), resources.files, resources.settings)
    shown = {p.content_key for p in found.placements if p.state == "shown"}
    files = [picture.file for picture in found.pictures if picture.content_key in shown][: POISON + 1]
    paths = [Path(resources.settings.files) / file[:2] / file for file in files]
    decoded = resources.decoders.decode(
        paths[:POISON], max(resources.models.encoder.side, resources.models.analyst.side)
    )
    return {picture_key(picture) for picture in decoded if not isinstance(picture, Failure)}, paths[POISON]


@pytest.fixture
def with_fault(resources: Resources) -> Callable[[Fault], None]:
    """Lay a fault over this process' encoder."""

    def lay(fault: Fault) -> None:
        models = resources.models
        resources.__dict__["models"] = SimpleNamespace(
            encoder=FaultyEncoder(models.encoder, fault),
            analyst=models.analyst,
            text_encoder=models.text_encoder,
            text_tower=models.text_tower,
            require=models.require,
        )

    return lay
