"""`swatchbook models pull` against a hub that behaves, and one that does not."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import test_open_clip
from huggingface_hub import constants
from safetensors.torch import load_file

from swatchbook.domain.errors import Authentication, Configuration, ProviderError
from swatchbook.domain.records import Role
from swatchbook.domain.settings import Settings
from swatchbook.models import registry
from swatchbook.models.registry import load, tags
from swatchbook_models.pull import chosen, pull
from tests.models import tiny
from tests.models.hub import COMMIT, Hub, hub

pytestmark = pytest.mark.xdist_group("transformers")  # it is imported once: that takes longer than the tests

SIGLIP, DINO = "lab/tiny-siglip", "lab/tiny-dinov2"


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    made = {SIGLIP: tiny.save(folder, "siglip2"), DINO: tiny.save(folder, "dinov2")}
    (made[SIGLIP] / "pytorch_model.bin").write_bytes(b"pickled")
    (made[SIGLIP] / "README.md").write_text("not needed")
    return made


@pytest.fixture
def there(folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """The stand-in, as HF_ENDPOINT, with an empty cache beside it."""
    with hub() as server:
        server.models = dict(folders)
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", server.url + "/{repo_id}/resolve/{revision}/{filename}"
        )
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield server


def named(**given: Any) -> Settings:
    return Settings(**{"encoder": "siglip", "encoder_model": f"{SIGLIP}@{COMMIT}", **given})


def pull_encoder(settings: Settings) -> Any:
    return pull(chosen(settings)[0])


def test_needed_files_are_fetched_once_and_load_offline(there: Hub) -> None:
    settings = named(structure_model=f"{DINO}@{COMMIT}")
    pulled = [pull(checkpoint) for checkpoint in chosen(settings)]
    assert [(each.model, each.revision, each.files) for each in pulled] == [(SIGLIP, COMMIT, 5), (DINO, COMMIT, 3)]
    assert sorted(there.fetched()) == sorted([
        "config.json", "model.safetensors", "preprocessor_config.json", "tokenizer.json", "tokenizer_config.json",
        "config.json", "model.safetensors", "preprocessor_config.json",
    ])  # fmt: skip
    asked = len(there.asked)
    assert [pull(checkpoint) for checkpoint in chosen(settings)] == pulled
    encoder = load(settings).encoder
    assert encoder.tags[Role.VISUAL] == "tiny-siglip@0123456789ab/visual-pooled-1"
    assert encoder.encode([np.zeros((9, 9, 3), np.uint8)])[Role.STRUCTURE].shape == (1, 32)
    assert len(there.asked) == asked


def test_unpinned_model_comes_with_the_line_pinning_it(there: Hub) -> None:
    with pytest.raises(Configuration, match="not pinned"):
        tags(named(encoder_model=SIGLIP))
    pulled = pull_encoder(named(encoder_model=SIGLIP))
    assert pulled.pin == f"SWATCHBOOK_ENCODER_MODEL={SIGLIP}@{COMMIT}"
    assert load(named()).encoder.dimensions[Role.VISUAL] == 32


def test_weights_present_twice_are_fetched_once(there: Hub, tmp_path: Path) -> None:
    name = "Marqo/marqo-ecommerce-embeddings-B"
    there.models[name] = test_open_clip.save(tmp_path / "model", load_file(test_open_clip.FILE))
    assert pull_encoder(named(encoder_model=f"{name}@{COMMIT}")).files == 5
    assert {"open_clip_model.safetensors", "open_clip_config.json"} <= set(there.fetched())
    assert not {"model.safetensors", "code.py"} & set(there.fetched())
    assert load(named(encoder_model=f"{name}@{COMMIT}")).encoder.dimensions[Role.VISUAL] == 64


def test_refusal_of_the_hub_comes_with_advice(there: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there.models["lab/pickled"] = tmp_path / "pickled"
    there.models["lab/pickled"].mkdir()
    for name in ("config.json", "pytorch_model.bin"):
        (tmp_path / "pickled" / name).write_text("{}")
    for model, says in (
        ("lab/pickled", "no weights in safetensors format"),
        (f"{SIGLIP}@{'ff' * 20}", r"no lab/tiny-siglip at ffff.*commit in SWATCHBOOK_ENCODER_MODEL"),
        ("lab/none", r"SWATCHBOOK_ENCODER_MODEL=lab/none.*HF_TOKEN"),
    ):
        with pytest.raises(Configuration, match=says):
            pull_encoder(named(encoder_model=model if "@" in model else f"{model}@{COMMIT}"))
    there.gated = {SIGLIP}
    with pytest.raises(Authentication, match=r"terms must be accepted.*HF_TOKEN"):
        pull_encoder(named())
    there.token = "hf_of_somebody_else"
    monkeypatch.setenv("HF_TOKEN", "hf_a_wrong_one")
    with pytest.raises(Authentication, match="HF_TOKEN") as raised:
        pull_encoder(named())
    assert "hf_a_wrong_one" not in str(raised.value)
    there.down = True
    with pytest.raises(ProviderError, match="hub failed") as failed:
        pull_encoder(named())
    assert "models pull" in (failed.value.advice or "")


def test_strange_answers_of_a_hub_are_provider_errors(there: Hub, tmp_path: Path) -> None:
    answers: list[Callable[[dict[str, Any]], Any]] = [
        lambda info: b"<html>Log in to this network.</html>", lambda info: b"[" * 200_000, lambda info: [info],
        lambda info: {**info, "siblings": "model.safetensors"}, lambda info: {**info, "sha": None},
        lambda info: {**info, "sha": "../../../elsewhere"},
    ]  # fmt: skip
    for there.says in answers:
        for commit in ("", f"@{COMMIT}"):
            with pytest.raises(ProviderError, match="models pull"):
                pull_encoder(named(encoder_model=SIGLIP + commit))
    assert not list(tmp_path.rglob("*elsewhere*"))
    there.says = lambda info: {**info, "sha": "f" * 40}
    with pytest.raises(ProviderError, match="another one than requested"):
        pull_encoder(named())
    there.says = lambda info: info
    assert pull_encoder(named()).files == 5, "it is asked again later"


def test_folders_and_local_models_need_no_pull(folders: dict[str, Path]) -> None:
    assert registry.pull(Settings()) == []
    assert registry.pull(Settings(encoder="siglip", encoder_model=str(folders[SIGLIP]))) == []
