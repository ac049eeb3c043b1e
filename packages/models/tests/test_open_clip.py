"""SigLIP models that OpenCLIP saved, against what it made of the same weights (devtools/make_open_clip_model.py)."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from swatchbook.domain.errors import Configuration
from swatchbook.domain.records import Role
from swatchbook.domain.settings import Settings
from swatchbook.models.registry import load
from swatchbook_models.open_clip import load_siglip
from swatchbook_models.siglip import SiglipEncoder
from tests.models import tiny
from tests.tables import rows_of

pytestmark = pytest.mark.xdist_group("transformers")  # it is imported once: that takes longer than the tests

FILE = Path(__file__).with_name("open_clip_tiny.safetensors")
CONFIG: Mapping[str, Any] = dict(rows_of(__file__, "config"))


@pytest.fixture(scope="module")
def saved() -> dict[str, Tensor]:
    return load_file(FILE)


def save(folder: Path, saved: Mapping[str, Tensor], config: Mapping[str, Any] = CONFIG) -> Path:
    """Write a folder as the repositories on the hub are, with the code that must not run."""
    folder.mkdir(exist_ok=True)
    weights = {name: tensor for name, tensor in saved.items() if not name.startswith(("given.", "made."))}
    save_file(weights, folder / "open_clip_model.safetensors")
    save_file({"model": torch.zeros(1)}, folder / "model.safetensors")
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    auto = {"AutoConfig": "code.Config", "AutoModel": "code.Model", "AutoProcessor": "code.Processor"}
    (folder / "config.json").write_text(json.dumps({"auto_map": auto, "model_type": "siglip"}))
    (folder / "code.py").write_text("raise SystemExit('this code ran')")
    tiny.save_tokenizer(folder)
    return folder


def load_encoder(folder: Path) -> SiglipEncoder:
    encoder = load(Settings(encoder="siglip", encoder_model=str(folder), device="cpu", dtype="float32")).encoder
    assert isinstance(encoder, SiglipEncoder)
    return encoder


@pytest.mark.nightly
def test_vectors_are_those_of_open_clip(tmp_path: Path, saved: dict[str, Tensor]) -> None:
    model = load_siglip(save(tmp_path, saved)).eval()
    with torch.inference_mode():
        seen = model.get_image_features(pixel_values=saved["given.pixels"]).pooler_output
        said = model.get_text_features(input_ids=saved["given.tokens"]).pooler_output
    assert torch.allclose(seen, saved["made.image"], atol=1e-5)
    assert torch.allclose(said, saved["made.text"], atol=1e-5)


@pytest.mark.nightly
def test_encoder_prepares_pictures_and_texts(tmp_path: Path, saved: dict[str, Tensor]) -> None:
    encoder = load_encoder(save(tmp_path, saved))
    picture = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    vectors = encoder.encode([picture])
    pixels = (torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255 - 0.5) / 0.5
    with torch.inference_mode():
        expected = load_siglip(tmp_path).eval().get_image_features(pixel_values=pixels).pooler_output[0].numpy()
    assert vectors[Role.VISUAL][0] @ expected / np.linalg.norm(expected) == pytest.approx(1, abs=1e-4)
    assert encoder.encode_queries(["oak floor"]).shape == (1, 64)


def test_other_models_and_lacking_weights_are_refused(tmp_path: Path, saved: dict[str, Tensor]) -> None:
    other = {**CONFIG, "model_cfg": {**CONFIG["model_cfg"], "vision_cfg": {"layers": 12, "width": 768}}}
    with pytest.raises(Configuration, match="OpenCLIP model, of which only SigLIP"):
        load_encoder(save(tmp_path / "clip", saved, other))
    part = {name: tensor for name, tensor in saved.items() if name != "text.ln_final.weight"}
    with pytest.raises(Configuration, match="missing or damaged"):
        load_encoder(save(tmp_path / "part", part))
