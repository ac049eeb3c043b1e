"""The maker of visual vectors as a Prefect block."""

from typing import ClassVar, Literal

from prefect.blocks.core import Block
from pydantic import Field

from blocks.overlay import overlay
from swatchbook.lab import Lab
from swatchbook.models.base import ImageEncoder
from swatchbook.settings import load_settings


class EncoderBlock(Block):
    """The model that turns pictures into vectors."""

    _block_type_name: ClassVar[str | None] = "Swatchbook Encoder"
    _block_type_slug: ClassVar[str | None] = "swatchbook-encoder"

    encoder: Literal["descriptors"] = Field(
        default="descriptors", title="Encoder", description="Maker of the visual vectors."
    )

    def get_encoder(self) -> ImageEncoder:
        """The loaded model. Raises Configuration."""
        return Lab(overlay(load_settings(), self)).models.encoder
