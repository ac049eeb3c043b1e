"""Stage 0: what a document is called, and what is refused before there is one."""

import os
import shutil
from pathlib import Path

import pytest

from swatchbook.errors import Configuration
from swatchbook.ledger.stored_documents import list_documents
from swatchbook.pipeline.register import register
from swatchbook.records import IngestOptions
from swatchbook.resources import open_resources
from swatchbook.settings import load_settings


def test_a_file_name_that_is_no_unicode_stays_legible(home: Path, tmp_path: Path, small_catalogue: Path) -> None:
    odd = shutil.copy(small_catalogue, tmp_path / os.fsdecode(b"gr\xfcn.pdf"))
    with open_resources(load_settings()) as resources:
        document = register(resources, odd, owner="default", options=IngestOptions()).document
    assert document.name == "gr\N{REPLACEMENT CHARACTER}n.pdf"


def test_a_language_model_without_a_name_is_refused_before_anything_is_queued(
    home: Path, small_catalogue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWATCHBOOK_DISCOVERY", "llm")
    with open_resources(load_settings()) as resources:
        with pytest.raises(Configuration, match="SWATCHBOOK_LLM_MODEL is not set"):
            register(resources, small_catalogue, owner="default", options=IngestOptions())
        assert list_documents(resources.ledger) == []
