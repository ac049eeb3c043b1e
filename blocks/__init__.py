"""Settings as Prefect blocks. A flow gets the resources of its process from `load_resources` and passes them to its
tasks: the settings, overridden by the saved blocks that a run names.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from prefect.blocks.core import Block

from swatchbook.blocks.block_types import BLOCKS, overlay
from swatchbook.domain.errors import Configuration
from swatchbook.domain.records import BlockNames
from swatchbook.domain.settings import load_settings
from swatchbook.resources import Resources


@cache
def load_resources(names: BlockNames) -> Resources:
    """Return the resources of this process, built once from its settings and the saved blocks of these names.

    Raises Configuration if a block is not saved, or was saved with other fields.
    """
    settings = load_settings()  # again in a command: a worker's process has read none, and blocks override them
    for part, name in names.chosen.items():
        settings = overlay(settings, load_block(BLOCKS[part], name))
    return Resources(settings, patience=settings.outage_wait_seconds)


def load_block(kind: type[Block], name: str) -> Block:
    """Return a saved block. Raises Configuration, which names the block."""
    reference = f"{kind.get_block_type_slug()}/{name}"
    try:
        load: Callable[..., Any] = kind.load
        saved: Block = load(name, _sync=True)  # otherwise Prefect returns a coroutine inside async flows
        return saved
    except RuntimeError:  # invalid fields; its text, which shows saved values and secrets, is dropped
        raise Configuration(
            f"The saved block {reference} has invalid fields.", advice="Correct it in the Prefect UI."
        ) from None
    except ValueError as error:
        raise Configuration(
            f"There is no saved block {reference}.",
            advice="Save it in the Prefect UI; `swatchbook serve setup` saves the blocks named `default`.",
        ) from error
