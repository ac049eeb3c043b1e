"""How a block and the settings correspond: a block's fields are settings of the same name, with their types, limits and
defaults, and the values of a saved block replace those of the settings.
"""

from collections.abc import Collection, Sequence
from typing import Any, ClassVar, TypeVar

from prefect.blocks.core import Block
from pydantic import SecretStr, create_model

from swatchbook.settings import Settings

BlockType = TypeVar("BlockType", bound=Block)


def block_type(
    name: str, title: str, description: str, settings: Sequence[str], *, secret: Collection[str] = (), module: str
) -> type[Block]:
    """Return a block type whose fields are these settings, with their types, limits, defaults and descriptions.

    `title` is its name in Prefect, from which Prefect derives the slug. `secret` names fields that Prefect hides
    although the setting is a plain string. `module` is the module that defines the type.
    """
    all_fields = Settings.model_fields
    types = {field: SecretStr | None if field in secret else all_fields[field].annotation for field in settings}
    fields: dict[str, Any] = {field: (kind, all_fields[field]) for field, kind in types.items()}
    fields["_block_type_name"] = (ClassVar[str | None], title)
    return create_model(name, __base__=Block, __doc__=description, __module__=module, **fields)


def fill(kind: type[BlockType], settings: Settings) -> BlockType:
    """Return a block of this type with the values of the settings."""
    return kind(**{name: getattr(settings, name) for name in kind.model_fields})


def overlay(settings: Settings, block: Block) -> Settings:
    """Return the settings with the values of the block. A field of a block has the name of its setting."""
    return settings.model_copy(update={name: _setting_value(block, name) for name in type(block).model_fields})


def _setting_value(block: Block, name: str) -> Any:
    """Return a field's value in the setting's type: the ledger's URL is a secret in the block only."""
    value = getattr(block, name)
    secret = "Secret" in str(Settings.model_fields[name].annotation)
    return value.get_secret_value() if isinstance(value, SecretStr) and not secret else value
