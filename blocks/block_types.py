"""The types of Prefect blocks: a block's fields are settings, with their types, limits and defaults, and the values of
a saved block replace those of the settings. The setting `text.url` is the field `text_url`.
"""

from collections.abc import Collection, Mapping
from typing import Any, ClassVar, TypeVar

from prefect.blocks.core import Block
from pydantic import SecretStr, create_model

from swatchbook.domain.settings import FIELDS, Settings, replace, value_of

BlockType = TypeVar("BlockType", bound=Block)

_SETTINGS: Mapping[str, str] = {name.replace(".", "_"): name for name in FIELDS}
"""Field of a block -> its setting."""


def fill(kind: type[BlockType], settings: Settings) -> BlockType:
    """Return a block of this type with the values of the settings."""
    return kind(**{name: value_of(settings, _SETTINGS[name]) for name in kind.model_fields})


def overlay(settings: Settings, block: Block) -> Settings:
    """Return the settings with the values of the block."""
    return replace(settings, {_SETTINGS[name]: _setting_value(block, name) for name in type(block).model_fields})


def _setting_value(block: Block, name: str) -> Any:
    """Return a field's value in the setting's type: the ledger's URL is a secret in the block only."""
    value = getattr(block, name)
    secret = "Secret" in str(FIELDS[_SETTINGS[name]].annotation)
    return value.get_secret_value() if isinstance(value, SecretStr) and not secret else value


def _block_type(name: str, title: str, description: str, *settings: str, secret: Collection[str] = ()) -> type[Block]:
    """Return a block type whose fields are these settings, with their types, limits, defaults and descriptions.

    `title` is its name in Prefect, from which Prefect derives the slug. `secret` names fields that Prefect hides
    although the setting is a plain string.
    """
    known = {field: FIELDS[_SETTINGS[field]] for field in settings}
    fields: dict[str, Any] = {
        field: (SecretStr | None if field in secret else setting.annotation, setting)
        for field, setting in known.items()
    }
    fields["_block_type_name"] = (ClassVar[str | None], title)
    return create_model(name, __base__=Block, __doc__=description, __module__=__name__, **fields)


LedgerBlock = _block_type(
    "LedgerBlock", "Swatchbook Ledger", "The database of documents, images, vectors, failures and costs.",
    "ledger_url", secret=("ledger_url",),  # it may contain a password
)  # fmt: skip
FilesBlock = _block_type(
    "FilesBlock", "Swatchbook Files", "The store of documents, images and pages, addressed by content.",
    "files_url",
)  # fmt: skip
IndexBlock = _block_type(
    "IndexBlock", "Swatchbook Index",
    "The vector index: LanceDB in the home folder of the process, or a Weaviate server.",
    "index", "weaviate_url", "weaviate_grpc_port", "weaviate_api_key",
)  # fmt: skip
EncoderBlock = _block_type(
    "EncoderBlock", "Swatchbook Encoder", "The model that turns images into vectors.",
    "encoder", "encoder_model", "structure_model", "device", "dtype",
)  # fmt: skip
TextEmbedderBlock = _block_type(
    "TextEmbedderBlock", "Swatchbook Text Embedder",
    "The model that turns texts and queries into vectors: a local one, or a provider's at this address.",
    "text_encoder", "text_url", "text_model", "text_api_key", "text_dimension", "text_per_minute",
)  # fmt: skip
VisionModelBlock = _block_type(
    "VisionModelBlock", "Swatchbook Vision Model",
    "How images are analysed: by local rules, or by a vision model at this address.",
    "analyst", "vision_side", "vision_url", "vision_model", "vision_api_key", "vision_per_minute",
    "vision_api",
)  # fmt: skip
LanguageModelBlock = _block_type(
    "LanguageModelBlock", "Swatchbook Language Model",
    "How products are found and described: by layout rules alone, or with a language model at this address.",
    "discovery", "llm_api", "llm_url", "llm_model", "llm_api_key", "llm_per_minute",
)  # fmt: skip

BLOCKS: Mapping[str, type[Block]] = {
    "ledger": LedgerBlock,
    "files": FilesBlock,
    "index": IndexBlock,
    "encoder": EncoderBlock,
    "text_embedder": TextEmbedderBlock,
    "vision_model": VisionModelBlock,
    "language_model": LanguageModelBlock,
}
"""Part of the resources -> the type of the block that configures it."""
