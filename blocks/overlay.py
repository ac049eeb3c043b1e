"""A block is a named set of settings for one part: how it is filled from them, and how it is laid over them."""

from typing import Any, TypeVar

from prefect.blocks.core import Block
from pydantic import SecretStr

from swatchbook.settings import Settings

BlockType = TypeVar("BlockType", bound=Block)


def fill(kind: type[BlockType], settings: Settings) -> BlockType:
    """A block of this kind that says what the settings say."""
    return kind(**{name: getattr(settings, name) for name in kind.model_fields})


def overlay(settings: Settings, block: Block) -> Settings:
    """The settings, but for what the block says. Fields of a block are named as the settings that they stand for."""
    return settings.model_copy(update={name: _given(block, name) for name in type(block).model_fields})


def _given(block: Block, name: str) -> Any:
    """A field's value as the setting of its name takes it: the ledger's URL is a secret in a block only."""
    value = getattr(block, name)
    secret = "Secret" in str(Settings.model_fields[name].annotation)
    return value.get_secret_value() if isinstance(value, SecretStr) and not secret else value
