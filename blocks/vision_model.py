"""The maker of analyses as a Prefect block."""

from typing import ClassVar, Literal

from prefect.blocks.core import Block
from pydantic import Field, SecretStr

from blocks.overlay import overlay
from swatchbook.models.base import Analyst
from swatchbook.resources import Resources
from swatchbook.settings import load_settings


class VisionModelBlock(Block):
    """Who says what is seen in a picture: the local analyst, or a vision model and where it answers."""

    _block_type_name: ClassVar[str | None] = "Swatchbook Vision Model"
    _block_type_slug: ClassVar[str | None] = "swatchbook-vision-model"

    analyst: Literal["local", "vision"] = Field(default="local", title="Analyst", description="Maker of the analyses.")
    vision_side: int = Field(
        default=768, ge=64, le=4_096, title="Side", description="Longest side of the pictures shown to it, pixels."
    )
    vision_url: str | None = Field(
        default=None, title="URL", description="Base URL of its OpenAI-compatible endpoint, such as http://host/v1."
    )
    vision_model: str | None = Field(default=None, title="Model", description="Its name there.")
    vision_api_key: SecretStr | None = Field(default=None, title="API key", description="Local servers need none.")
    vision_calls_per_minute: int = Field(
        default=0, ge=0, le=100_000, title="Calls per minute", description="Most of one run; 0: no limit."
    )
    vision_tokens_per_minute: int = Field(
        default=0, ge=0, le=1_000_000_000, title="Tokens per minute", description="Most of one run; 0: no limit."
    )

    def get_analyst(self) -> Analyst:
        """Raises Configuration, Authentication."""
        return Resources(overlay(load_settings(), self)).models.analyst
