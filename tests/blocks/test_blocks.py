"""A block is a named set of settings for one part, and every part can be had from it."""

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect.blocks.core import Block
from pydantic import SecretStr

from swatchbook import blocks
from swatchbook.blocks.block_types import (
    BLOCKS,
    FilesBlock,
    IndexBlock,
    fill,
    overlay,
)
from swatchbook.domain.errors import Configuration
from swatchbook.domain.records import BlockNames
from swatchbook.domain.settings import Settings
from tests.tables import rows_of

pytestmark = pytest.mark.gate


@pytest.fixture
def saved(home: Path, prefect_server: str) -> Iterator[Callable[[Block, str], None]]:
    """Saves blocks on the Prefect server; they go afterwards."""
    from prefect.settings import PREFECT_API_URL, temporary_settings

    made = list[tuple[type[Block], str]]()

    def save(block: Block, name: str) -> None:
        block.save(name, overwrite=True)
        made.append((type(block), name))

    blocks.load_resources.cache_clear()
    with temporary_settings({PREFECT_API_URL: prefect_server}):
        yield save
        for kind, name in made:
            kind.delete(name)
    blocks.load_resources.cache_clear()


def test_settings_through_a_block_are_the_settings(home: Path) -> None:
    settings = Settings(
        ledger_url="postgresql+psycopg://ann:hush@db/swatchbook", index="weaviate",
        weaviate={"api_key": SecretStr("hush")},
        vision={"api_key": SecretStr("hush")}, llm={"api_key": SecretStr("hush")}, text={"api_key": SecretStr("hush")},
    )  # fmt: skip
    for kind in BLOCKS.values():
        assert overlay(settings, fill(kind, settings)) == settings
        assert "hush" not in f"{fill(kind, settings)!r} {fill(kind, settings).model_dump_json()}"


SAVED = dict(rows_of(__file__, "saved"))
"""Slug -> fields, as they stand in documents that people have saved."""


def test_slugs_and_fields_are_those_of_saved_documents() -> None:
    kinds = BLOCKS.values()
    assert {kind.get_block_type_slug(): " ".join(kind.model_fields) for kind in kinds} == SAVED
    for kind in kinds:
        assert getattr(importlib.import_module(kind.__module__), kind.__name__) is kind


def test_resources_are_built_from_the_named_saved_blocks(saved: Any, tmp_path: Path) -> None:
    saved(FilesBlock(files_url=str(tmp_path / "elsewhere")), "test-elsewhere")
    saved(IndexBlock(weaviate_api_key=SecretStr("hush")), "test-elsewhere")
    tools = blocks.load_resources(BlockNames(files="test-elsewhere", index="test-elsewhere"))
    assert tools.settings.files == str(tmp_path / "elsewhere")
    assert tools.settings.weaviate.api_key == SecretStr("hush")
    plain = blocks.load_resources(BlockNames())
    assert plain.settings == Settings()
    assert blocks.load_resources(BlockNames()) is plain


def test_wrong_block_is_named_without_its_secrets(saved: Any) -> None:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import BlockDocumentUpdate

    block = IndexBlock(index="weaviate", weaviate_api_key=SecretStr("hush"))
    saved(block, "test-wrong")
    with get_client(sync_client=True) as client:
        wrong = {"index": "elsewhere", "weaviate_api_key": "hush"}
        client.request(
            "PATCH",
            "/block_documents/{id}",
            path_params={"id": block._block_document_id},
            json=BlockDocumentUpdate(data=wrong, merge_existing_data=False).model_dump(mode="json", exclude_unset=True),
        )
    with pytest.raises(Configuration, match="swatchbook-index/test-wrong") as raised:
        blocks.load_resources(BlockNames(index="test-wrong"))
    assert "hush" not in str(raised.value)
    assert raised.value.__cause__ is None
