"""The maker of text vectors as a Prefect block."""

from typing import ClassVar, Literal

from prefect.blocks.core import Block
from pydantic import Field

from blocks.overlay import overlay
from swatchbook.lab import Lab
from swatchbook.models.base import TextEncoder
from swatchbook.settings import load_settings


class TextEmbedderBlock(Block):
    """The model that turns texts and queries into vectors."""

    _block_type_name: ClassVar[str | None] = "Swatchbook Text Embedder"
    _block_type_slug: ClassVar[str | None] = "swatchbook-text-embedder"

    text_encoder: Literal["minilm"] = Field(
        default="minilm", title="Text embedder", description="Maker of understanding and text vectors."
    )

    def get_text_encoder(self) -> TextEncoder:
        """The loaded model. Raises Configuration."""
        return Lab(overlay(load_settings(), self)).models.text_encoder
