"""Blocks: settings as Prefect blocks. `load_resources` opens this process' resources once; tasks get them here."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from prefect.blocks.core import Block

from blocks.encoder import EncoderBlock
from blocks.files import FilesBlock
from blocks.index import IndexBlock
from blocks.language_model import LanguageModelBlock
from blocks.ledger import LedgerBlock
from blocks.overlay import overlay
from blocks.text_embedder import TextEmbedderBlock
from blocks.vision_model import VisionModelBlock
from swatchbook.errors import Configuration
from swatchbook.records import BlockNames
from swatchbook.resources import Resources
from swatchbook.runtime.sentry import watch
from swatchbook.settings import load_settings

BLOCKS: Mapping[str, type[Block]] = {
    "ledger": LedgerBlock,
    "files": FilesBlock,
    "index": IndexBlock,
    "encoder": EncoderBlock,
    "text_embedder": TextEmbedderBlock,
    "vision_model": VisionModelBlock,
    "language_model": LanguageModelBlock,
}
"""Part of the resources -> the block with its settings."""


@cache
def load_resources(names: BlockNames) -> Resources:
    """The tools of this process, from its settings and the saved blocks of these names. Fetched inside tasks.

    Raises Configuration for a block that is not saved, or that was saved with fields it no longer has.
    """
    settings = load_settings()
    watch(settings)
    for part, name in names.given.items():
        settings = overlay(settings, load_saved(BLOCKS[part], name))
    return Resources(settings, patience=settings.outage_wait_seconds)


def load_saved(kind: type[Block], name: str) -> Block:
    """A saved block. Raises Configuration naming it."""
    reference = f"{kind.get_block_type_slug()}/{name}"
    try:
        load: Callable[..., Any] = kind.load
        saved: Block = load(name, _sync=True)  # in an async flow Prefect would else return a coroutine
        return saved
    except RuntimeError:  # its fields: the error shows what was saved, secrets too
        raise Configuration(
            f"What the saved block {reference} says cannot be used.", advice="Correct it in the Prefect UI."
        ) from None
    except ValueError as error:
        raise Configuration(
            f"There is no saved block {reference}.",
            advice="Save it in the Prefect UI; `swatchbook setup` saves those named `default`.",
        ) from error
