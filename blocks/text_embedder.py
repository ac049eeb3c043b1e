"""The maker of text vectors as a Prefect block."""

from typing import ClassVar, Literal

from prefect.blocks.core import Block
from pydantic import Field, SecretStr

from blocks.overlay import overlay
from swatchbook.models.base import TextEncoder
from swatchbook.resources import Resources
from swatchbook.settings import load_settings


class TextEmbedderBlock(Block):
    """The model that turns texts and queries into vectors: a local one, or a provider's and where it answers."""

    _block_type_name: ClassVar[str | None] = "Swatchbook Text Embedder"
    _block_type_slug: ClassVar[str | None] = "swatchbook-text-embedder"

    text_encoder: Literal["minilm", "voyage", "openai"] = Field(
        default="minilm",
        title="Text embedder",
        description="Maker of understanding and text vectors; `openai` is any endpoint that speaks its embeddings.",
    )
    text_url: str | None = Field(
        default=None, title="URL", description="Its base URL; empty: Voyage's or OpenAI's own."
    )
    text_model: str = Field(default="voyage-3.5", min_length=1, title="Model", description="Its name there.")
    text_api_key: SecretStr | None = Field(default=None, title="API key", description="Local servers need none.")
    text_dimension: int = Field(default=1_024, ge=1, le=8_192, title="Dimension", description="Length of its vectors.")
    text_calls_per_minute: int = Field(
        default=0, ge=0, le=100_000, title="Calls per minute", description="Most of one run; 0: no limit."
    )
    text_tokens_per_minute: int = Field(
        default=0, ge=0, le=1_000_000_000, title="Tokens per minute", description="Most of one run; 0: no limit."
    )

    def get_text_encoder(self) -> TextEncoder:
        """The loaded model. Raises Configuration, Authentication."""
        return Resources(overlay(load_settings(), self)).models.text_encoder
