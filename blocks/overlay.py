"""A block is a named set of settings for one part: how it is made and filled from them, and laid over them."""

from collections.abc import Collection, Sequence
from typing import Any, ClassVar, TypeVar

from prefect.blocks.core import Block
from pydantic import SecretStr, create_model

from swatchbook.settings import Settings

BlockType = TypeVar("BlockType", bound=Block)


def block_type(
    name: str, shown: str, says: str, settings: Sequence[str], *, secret: Collection[str] = (), module: str
) -> type[Block]:
    """A kind of block whose fields are these settings: their types, limits, defaults and descriptions.

    `shown`: its name in Prefect, from which its slug is made. `secret`: fields that Prefect hides although the setting
    is a plain string. `module`: where it can be imported from.
    """
    of = Settings.model_fields
    types = {field: SecretStr | None if field in secret else of[field].annotation for field in settings}
    fields: dict[str, Any] = {field: (kind, of[field]) for field, kind in types.items()}
    fields["_block_type_name"] = (ClassVar[str | None], shown)
    return create_model(name, __base__=Block, __doc__=says, __module__=module, **fields)


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
