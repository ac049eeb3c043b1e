"""SigLIP, SigLIP 2 and CLIP, real but for their weights, against what transformers makes of the same."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import load_file, save_file
from torch.nn import functional

from swatchbook.domain.errors import Configuration, InvalidModelOutput
from swatchbook.domain.records import Role
from swatchbook.domain.settings import Settings
from swatchbook.models.protocols import ImageEncoder, TextTower
from swatchbook.models.registry import load, tags
from swatchbook_base.arrays import Pixels
from swatchbook_models.siglip import SiglipEncoder, SiglipVision, pool
from tests.models import tiny

pytestmark = pytest.mark.xdist_group("transformers")  # it is imported once: that takes longer than the tests

KINDS = ("siglip2", "clip")  # one of SigLIP 1 is the same, but for the filter of its pictures
GUIDED = (Role.COLOR, Role.TEXTURE, Role.MATERIAL, Role.APPLICATION)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    return {kind: tiny.save(folder, kind) for kind in tiny.MODELS}


@pytest.fixture(scope="module", params=KINDS)
def folder(request: pytest.FixtureRequest, folders: dict[str, Path]) -> Path:
    return folders[request.param]


@pytest.fixture(scope="module")
def encoder(folder: Path) -> SiglipEncoder:
    return load_encoder(folder, dtype="float32")


def load_encoder(folder: Path, **given: Any) -> SiglipEncoder:
    encoder = load(Settings(encoder="siglip", encoder_model=str(folder), device="cpu", **given)).encoder
    assert isinstance(encoder, SiglipEncoder)
    return encoder


def pictures(count: int = 7) -> list[Pixels]:
    """Of many shapes, with structure at several scales."""
    made = []
    for number in range(count):
        rng = np.random.default_rng(number)
        size = (30 + 11 * number, 72 - 5 * (number % 9))
        waves = [Image.fromarray(rng.integers(0, 256, (s, s, 3), dtype=np.uint8)).resize(size, 3) for s in (3, 9, 27)]
        made.append(np.mean([np.asarray(wave) for wave in waves], axis=0).astype(np.uint8))
    return made


def theirs(folder: Path, seen: list[Pixels]) -> NDArray[np.float32]:
    """`get_image_features` of the same weights, through the model's own processor."""
    inputs = transformers.AutoImageProcessor.from_pretrained(folder, backend="pil")([Image.fromarray(p) for p in seen])
    pixels = torch.from_numpy(np.stack(inputs["pixel_values"]))
    with torch.inference_mode():
        found = transformers.AutoModel.from_pretrained(folder).get_image_features(pixel_values=pixels).pooler_output
    return functional.normalize(found, dim=1).numpy()


def test_visual_vectors_are_those_of_transformers(folder: Path, encoder: SiglipEncoder) -> None:
    """Within what the resizes differ: one level in 255, which random weights feel more than trained ones."""
    cosines = (encoder.encode(pictures())[Role.VISUAL] * theirs(folder, pictures())).sum(axis=1)
    assert cosines.min() > 0.999


def test_queries_are_those_of_transformers_lower_cased(folder: Path, encoder: SiglipEncoder) -> None:
    texts = ["Oak floor", "white tile 60x120 cm", "WOOL", "oak " * 40, ""]
    model = transformers.AutoModel.from_pretrained(folder)
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"), pad_token="<pad>")
    padding = {"padding": "longest"} if model.config.model_type == "clip" else {"padding": "max_length"}
    given = tokenizer(
        [text.lower() for text in texts], return_tensors="pt", truncation=True, max_length=16, **padding
    )  # fmt: skip
    mask = given["attention_mask"] if model.config.model_type == "clip" else None
    with torch.inference_mode():
        found = model.get_text_features(input_ids=given["input_ids"], attention_mask=mask).pooler_output
    expected = functional.normalize(found, dim=1).numpy()
    assert (encoder.encode_queries(texts) * expected).sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert encoder.encode_queries(["Oak Floor"]) == pytest.approx(encoder.encode_queries(["oak floor"]), abs=1e-5)


def test_vectors_have_unit_length_and_the_dimensions_promised(encoder: SiglipEncoder) -> None:
    made = encoder.encode(pictures())
    assert set(made) == set(encoder.tags) == set(encoder.dimensions) == {Role.VISUAL, *GUIDED}
    for role, block in made.items():
        assert block.shape == (7, encoder.dimensions[role])
        assert block.dtype == np.float32
        assert np.linalg.norm(block, axis=1) == pytest.approx(1, abs=1e-5)
        assert encoder.encode([])[role].shape == (0, encoder.dimensions[role])
    assert encoder.encode_queries([]).shape == (0, encoder.dimensions[Role.VISUAL])
    assert encoder.encode_queries(["oak"]).shape == (1, encoder.dimensions[Role.VISUAL])


def test_vectors_hold_in_any_batch_and_half_precision(folder: Path, encoder: SiglipEncoder) -> None:
    seen = pictures(20)
    together, again = encoder.encode(seen), encoder.encode(seen)
    for number in (0, 9, 19):
        alone = encoder.encode([seen[number]])
        for role, block in together.items():
            assert block[number] == pytest.approx(alone[role][0], abs=1e-5)
    half = load_encoder(folder, dtype="bfloat16")
    assert half.vision.precision == "bfloat16"
    near = half.encode(seen)
    for role, block in together.items():
        assert np.array_equal(block, again[role])
        assert (block * near[role]).sum(axis=1).min() > 0.995
        assert near[role].dtype == np.float32


def test_guided_pooling_is_the_documented_formula() -> None:
    rng = torch.Generator().manual_seed(3)
    patches, guides = torch.randn(2, 5, 8, generator=rng), functional.normalize(torch.randn(3, 8, generator=rng), dim=1)
    made = pool(patches, guides, 20.0)
    for n in range(2):
        for r in range(3):
            units = [patch / patch.norm() for patch in patches[n]]
            weights = [torch.exp(20.0 * (unit @ guides[r])) for unit in units]
            total = sum((w * unit for w, unit in zip(weights, units, strict=True)), torch.zeros(8))
            assert torch.allclose(made[n, r], total / total.norm(), atol=1e-5)


def test_each_siglip_patch_passes_the_pooling_head_alone(folders: dict[str, Path]) -> None:
    model = transformers.AutoModel.from_pretrained(folders["siglip"]).eval()
    with torch.inference_mode():
        pixels = torch.randn(2, 3, tiny.SIDE, tiny.SIDE)
        _, patches = SiglipVision(model)(pixels)
        last = model.vision_model(pixel_values=pixels).last_hidden_state
        alone = model.vision_model.head(last.flatten(0, 1)[:, None]).view_as(last)
    assert torch.allclose(patches, alone, atol=1e-5)


def test_multimodal_vector_averages_both_unless_they_are_opposite(encoder: SiglipEncoder) -> None:
    seen, said = encoder.encode(pictures(3))[Role.VISUAL], ["Material: oak.", "Color: grey. Texture: rough.", "Wool."]
    made = encoder.combine(seen, said)
    means = [(v + t) / 2 for v, t in zip(seen, encoder.encode_queries(said), strict=True)]
    assert np.allclose(made, [mean / np.linalg.norm(mean) for mean in means], atol=1e-5)
    assert made.dtype == np.float32
    assert np.array_equal(made, encoder.combine(seen, said))
    assert encoder.combine(seen[:0], []).shape == (0, seen.shape[1])
    for wrong, says in ((-encoder.encode_queries(["oak"]), "opposite"), (np.full_like(seen[:1], np.nan), "NaN")):
        with pytest.raises(InvalidModelOutput, match=says):
            encoder.combine(wrong, ["oak"])


@pytest.mark.parametrize("kind", ["dinov2", "dinov2_with_registers"])
def test_structure_is_dinov2s_class_token_beside_the_rest(folders: dict[str, Path], kind: str) -> None:
    settings = Settings(
        encoder="siglip", encoder_model=str(folders["siglip"]), structure_model=str(folders[kind]), dtype="float32"
    )
    models = load(settings)
    both: ImageEncoder = models.encoder
    assert isinstance(models.text_tower, TextTower)
    assert dict(both.tags) == {role: tag for role, tag in tags(settings).items() if role in both.tags}
    assert set(both.tags) == {Role.VISUAL, Role.STRUCTURE, *GUIDED}
    seen = [p for p in pictures() if min(p.shape[:2]) >= 40]
    inputs = transformers.AutoImageProcessor.from_pretrained(folders[kind], backend="pil")(
        [Image.fromarray(p) for p in seen]
    )
    with torch.inference_mode():
        model = transformers.AutoModel.from_pretrained(folders[kind])
        last = model(pixel_values=torch.from_numpy(np.stack(inputs["pixel_values"]))).last_hidden_state
    expected = functional.normalize(last[:, 0], dim=1).numpy()
    assert (both.encode(seen)[Role.STRUCTURE] * expected).sum(axis=1).min() > 0.999


def test_models_of_another_kind_are_refused(folders: dict[str, Path]) -> None:
    not_supported = "model, which Swatchbook does not support"
    for wrong, message in (
        ({"encoder_model": "dinov2"}, f"ENCODER_MODEL=.* is a dinov2 {not_supported}"),
        ({"encoder_model": "naflex"}, f"is a siglip2 {not_supported}.*not NaFlex"),
        ({"structure_model": "siglip"}, "SWATCHBOOK_STRUCTURE_MODEL=.* is a siglip model, not DINOv2"),
    ):
        chosen = {name: str(folders[value]) for name, value in ({"encoder_model": "clip"} | wrong).items()}
        with pytest.raises(Configuration, match=message):
            _ = load(Settings(encoder="siglip", **chosen)).encoder


def test_weights_lacking_a_part_are_refused_not_invented(tmp_path: Path) -> None:
    folder = tiny.save(tmp_path, "siglip")
    weights = load_file(folder / "model.safetensors")
    weights.pop("vision_model.head.probe")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(Configuration, match=r"lack vision_model\.head\.probe"):
        load_encoder(folder)
    (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:5_000])
    with pytest.raises(Configuration, match="cannot be loaded"):
        load_encoder(folder)
