"""The language model that finds products as a Prefect block."""

from typing import ClassVar, Literal

from prefect.blocks.core import Block
from pydantic import Field, SecretStr

from blocks.overlay import overlay
from swatchbook.providers.messages import Chat
from swatchbook.resources import Resources
from swatchbook.settings import load_settings


class LanguageModelBlock(Block):
    """How products are found and described: by layout rules alone, or by a language model and where it answers."""

    _block_type_name: ClassVar[str | None] = "Swatchbook Language Model"
    _block_type_slug: ClassVar[str | None] = "swatchbook-language-model"

    discovery: Literal["layout", "llm"] = Field(
        default="layout", title="Discovery", description="By layout rules alone, or by a language model as well."
    )
    llm_api: Literal["openai", "anthropic"] = Field(
        default="openai", title="API", description="What its endpoint speaks; `openai` is any compatible one."
    )
    llm_url: str | None = Field(
        default=None, title="URL", description="Its base URL; empty: OpenAI's or Anthropic's own."
    )
    llm_model: str | None = Field(default=None, title="Model", description="Its name there.")
    llm_api_key: SecretStr | None = Field(default=None, title="API key", description="Local servers need none.")
    llm_calls_per_minute: int = Field(
        default=0, ge=0, le=100_000, title="Calls per minute", description="Most of one run; 0: no limit."
    )
    llm_tokens_per_minute: int = Field(
        default=0, ge=0, le=1_000_000_000, title="Tokens per minute", description="Most of one run; 0: no limit."
    )

    def get_chat(self) -> Chat:
        """Raises Configuration, Authentication."""
        return Resources(overlay(load_settings(), self)).models.llm
