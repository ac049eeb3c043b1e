"""What is known of the encoder before anything is loaded."""

import subprocess
import sys

import pytest

from swatchbook.domain.errors import Configuration
from swatchbook.domain.records import Role
from swatchbook.domain.settings import Settings
from swatchbook.models.registry import model_record, requested, tags


def test_multimodal_vectors_bring_those_they_are_made_from() -> None:
    siglip = Settings(encoder="siglip")
    wanted = [want.role for want in requested(siglip, frozenset({Role.MULTIMODAL}))]
    assert wanted == [Role.ANALYSIS, Role.VISUAL, Role.MULTIMODAL]
    assert Role.MULTIMODAL in {want.role for want in requested(siglip)}
    kept = model_record(Settings(encoder="siglip", structure_model="facebook/dinov2-base"), Role.VISUAL)
    assert list(kept) == ["encoder", "encoder_model", "structure_model"], "settings that name the model"


def test_tags_are_known_without_loading_torch() -> None:
    code = (
        "import sys; from swatchbook.models.registry import requested; from swatchbook.domain.settings import Settings;"
        "requested(Settings(encoder='siglip', structure_model='facebook/dinov2-base', text_encoder='voyage'));"
        "print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numpy", "torch", "transformers", "huggingface_hub", "prefect", "PIL", "voyageai"} & set(loaded)


def test_models_are_known_by_name_and_pinned_revision() -> None:
    made = tags(Settings(encoder="siglip", structure_model="facebook/dinov2-base"))
    assert made[Role.VISUAL] == "siglip2-base-patch16-224@75de2d55ec2d/visual-pooled-1"
    assert made[Role.MULTIMODAL] == "siglip2-base-patch16-224@75de2d55ec2d/multimodal-mean-1-visual-pooled-1"
    assert made[Role.STRUCTURE] == "dinov2-base@f9e44c814b77/structure-class-1"
    assert {Role.COLOR, Role.TEXTURE, Role.MATERIAL, Role.APPLICATION} < set(made)
    pinned = tags(Settings(encoder="siglip", encoder_model=f"openai/clip-vit-large-patch14@{'ab' * 20}"))
    assert pinned[Role.VISUAL] == "clip-vit-large-patch14@abababababab/visual-pooled-1"


def test_unpinned_model_says_how_to_pin_it() -> None:
    for given, says in (
        ({"encoder_model": "a/b"}, r"ENCODER_MODEL=a/b is not pinned.*models pull.*ENCODER_MODEL"),
        ({"structure_model": "a/b"}, r"STRUCTURE_MODEL=a/b is not pinned.*STRUCTURE_MODEL"),
        ({"encoder_model": "/nowhere/else"}, r"ENCODER_MODEL=/nowhere/else contains no model"),
    ):
        with pytest.raises(Configuration, match=says):
            tags(Settings.model_validate({"encoder": "siglip", **given}))
