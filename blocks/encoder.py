"""The maker of visual vectors as a Prefect block."""

from typing import ClassVar, Literal

from prefect.blocks.core import Block
from pydantic import Field

from blocks.overlay import overlay
from swatchbook.models.base import ImageEncoder
from swatchbook.resources import Resources
from swatchbook.settings import COMMIT, Prompts, PromptsByRole, load_settings


class EncoderBlock(Block):
    """The model that turns pictures into vectors."""

    _block_type_name: ClassVar[str | None] = "Swatchbook Encoder"
    _block_type_slug: ClassVar[str | None] = "swatchbook-encoder"

    encoder: Literal["descriptors", "siglip"] = Field(
        default="descriptors",
        title="Encoder",
        description="Maker of the visual vectors; `siglip` is any SigLIP, SigLIP 2 or CLIP.",
    )
    encoder_model: str = Field(
        default="google/siglip2-base-patch16-224",
        min_length=1,
        title="Model",
        description="Which: a name on the hub, or a folder.",
    )
    encoder_revision: str = Field(
        default="", pattern=COMMIT, title="Revision", description="Its commit; empty: the one known here."
    )
    structure_model: str = Field(
        default="",
        title="Structure model",
        description="DINOv2 that makes `structure` beside siglip: a name on the hub, a folder; empty: none.",
    )
    structure_revision: str = Field(
        default="", pattern=COMMIT, title="Structure revision", description="Its commit; empty: the one known here."
    )
    prompts: PromptsByRole = Field(
        default=Prompts(), title="Prompts", description="What siglip looks for in pictures, by role."
    )
    device: Literal["auto", "cpu", "cuda", "mps"] = Field(
        default="auto", title="Device", description="Where siglip and DINOv2 run."
    )
    dtype: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto", title="Precision", description="Theirs; `auto`: bfloat16 where it is native and as good."
    )

    def get_encoder(self) -> ImageEncoder:
        """The loaded model. Raises Configuration."""
        return Resources(overlay(load_settings(), self)).models.encoder
