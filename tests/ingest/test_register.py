"""Stage 0: what a document is called, and what is refused before there is one."""

import os
import shutil
from pathlib import Path

import pytest

from swatchbook.domain.errors import Configuration
from swatchbook.domain.records import IngestOptions, TaughtReading, TextRule
from swatchbook.domain.settings import load_settings
from swatchbook.ingest.register import register
from swatchbook.resources import open_resources
from swatchbook.store.ledger.stored_documents import list_documents


def test_file_name_that_is_no_unicode_stays_legible(home: Path, tmp_path: Path, small_catalogue: Path) -> None:
    odd = shutil.copy(small_catalogue, tmp_path / os.fsdecode(b"gr\xfcn.pdf"))
    with open_resources(load_settings()) as resources:
        document = register(resources, odd, owner="default", options=IngestOptions()).document
    assert document.name == "gr\N{REPLACEMENT CHARACTER}n.pdf"


def test_unnamed_model_is_refused_at_once(home: Path, small_catalogue: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWATCHBOOK_DISCOVERY", "llm")
    with open_resources(load_settings()) as resources:
        with pytest.raises(Configuration, match="SWATCHBOOK_LLM__MODEL and SWATCHBOOK_LLM__API_KEY are not set"):
            register(resources, small_catalogue, owner="default", options=IngestOptions())
        assert list_documents(resources.ledger) == []


def test_taught_reading_and_pages_are_kept(home: Path, small_catalogue: Path) -> None:
    taught, other = (TaughtReading(names=(TextRule(traits={"size": size}),)) for size in (12.0, 8.0))
    options = IngestOptions(focus=False)
    with open_resources(load_settings()) as resources:

        def again(options: IngestOptions) -> IngestOptions:
            return register(resources, small_catalogue, owner="anna", options=options).options

        assert again(options.with_taught(taught)) == again(options) == options.with_taught(taught)
        assert again(options.with_pages([3])) == options.with_taught(taught).with_pages([3])
        assert again(options.with_taught(other)).taught == other, "another one is given"
        assert register(resources, small_catalogue, owner="bert", options=options).options == options
