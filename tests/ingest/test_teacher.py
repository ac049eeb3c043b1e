"""A document that was taught, where the package that reads it is not installed."""

from pathlib import Path

import pytest

from swatchbook import teacher
from swatchbook.domain.errors import MissingExtra, Policy
from swatchbook.domain.records import IngestOptions, TaughtReading, TextRule
from swatchbook.domain.settings import Settings, load_settings
from swatchbook.ingest.begin_run import begin_work
from swatchbook.ingest.cache_keys import stage_key
from swatchbook.ingest.register import register
from swatchbook.ingest.run import Work
from swatchbook.ingest.stages import discover_products, read_pages
from swatchbook.resources import open_resources

TAUGHT = IngestOptions(taught=TaughtReading(names=(TextRule(traits={"size": 12.0}),)))


@pytest.fixture(autouse=True)
def core_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teacher, "installed", lambda kind: ())


def test_taught_document_is_blocked_and_names_the_package(home: Path, small_catalogue: Path) -> None:
    with open_resources(load_settings()) as resources:
        work = begin_work(resources, register(resources, small_catalogue, owner="anna", options=TAUGHT))
        assert isinstance(work, Work)
        with pytest.raises(MissingExtra, match=f"needs the package {teacher.PACKAGE}") as failure:
            discover_products(resources, work, read_pages(resources, work), last_try=False)
    assert failure.value.policy is Policy.BLOCKED


def test_only_keys_of_taught_documents_have_its_version(monkeypatch: pytest.MonkeyPatch) -> None:
    def key(options: IngestOptions) -> str:
        return stage_key("discover", "c", Settings(), options, force=None)

    alone = key(IngestOptions()), key(TAUGHT)
    monkeypatch.setattr("swatchbook.ingest.cache_keys.teacher_version", lambda: "1")
    assert key(IngestOptions()) == alone[0]
    assert key(TAUGHT) != alone[1]
