"""Describe the encoder `siglip` before anything is loaded: SigLIP or CLIP, and DINOv2 if a structure model is set."""

from collections.abc import Mapping
from typing import Any, Final

from swatchbook.domain.records import Role, sha256
from swatchbook.domain.settings import Settings
from swatchbook.models.protocols import ImageEncoder
from swatchbook.models.registry import ModelMaker, Models, ModelSpec, Pulled, Weights
from swatchbook_models.weights import DEFAULT_REVISIONS, Checkpoint, checkpoint

SETTINGS: Final = ("encoder_model", "structure_model")

PROMPTS: Final[Mapping[Role, tuple[str, ...]]] = {
    Role.COLOR: ("a surface in one colour", "a colour swatch", "the colours of a pattern", "a printed colour"),
    Role.TEXTURE: ("a close-up of a surface texture", "a smooth or rough surface", "woven, grained or veined"),
    Role.MATERIAL: (
        "a sample of a material", "wood, stone, ceramic, metal or glass", "fabric, leather, wool or felt",
        "plaster, concrete or terrazzo",
    ),
    Role.APPLICATION: (
        "a room with furniture", "a floor or wall covering in use", "a piece of furniture in its place", "a facade",
    ),
}  # fmt: skip
"""Role -> phrases that direct SigLIP to the parts of a picture that matter for it; their vectors are averaged."""


def siglip(settings: Settings) -> ModelSpec[ImageEncoder]:
    """Return the encoder that the settings name. Raises Configuration for a model without a revision."""
    siglip = checkpoint(settings.encoder_model, "ENCODER_MODEL")
    pooled = "visual-pooled-1"
    tags = {Role.VISUAL: siglip.tag(pooled), Role.MULTIMODAL: siglip.tag(f"multimodal-mean-1-{pooled}")} | {
        role: siglip.tag(f"{role}-guided-1-{sha256(repr(phrases).encode())[:8]}") for role, phrases in PROMPTS.items()
    }
    structure = checkpoint(settings.structure_model, "STRUCTURE_MODEL") if settings.structure_model else None
    structure_tag = {Role.STRUCTURE: structure.tag("structure-class-1")} if structure else {}

    def load(_: Models) -> ImageEncoder:
        from swatchbook_models.dinov2 import load_dinov2
        from swatchbook_models.siglip import SiglipEncoder

        where: dict[str, Any] = {"device": settings.device, "precision": settings.dtype}
        dinov2 = load_dinov2(structure, structure_tag[Role.STRUCTURE], **where) if structure else None
        return SiglipEncoder(siglip, tags, PROMPTS, structure=dinov2, **where)

    checkpoints = [siglip, *([structure] if structure else [])]
    return ModelSpec({**tags, **structure_tag}, load, {}, True, SETTINGS, lambda: find_weights(*checkpoints))


def find_weights(*checkpoints: Checkpoint) -> Weights:
    """Return licences and size of weights. Raises Configuration if they are not downloaded."""
    licences = dict.fromkeys(
        "Apache-2.0" if each.model in DEFAULT_REVISIONS else f"that of {each.model}" for each in checkpoints
    )
    files = (file for each in checkpoints for file in each.folder().glob("*.safetensors"))
    return Weights(", ".join(licences), sum(file.stat().st_size for file in files))


def pull(settings: Settings) -> list[Pulled]:
    """Download each model that the settings name. Raises what `swatchbook_models.pull` raises."""
    from swatchbook_models.pull import pull_chosen

    return pull_chosen(settings)


SIGLIP: Final = ModelMaker(siglip, pull)
