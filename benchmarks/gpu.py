"""SigLIP on a GPU: whether its vectors are those of the CPU, and pictures a second, next to bare transformers.

`python -m benchmarks.gpu` needs CUDA. The weights are random, of the real sizes: base (224 pixels) and SO400M (384).
Both sides get the same decoded pictures and resize them on the GPU, four calls at a time as an ingest makes them; ours
makes five roles, transformers one.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

import swatchbook.models  # noqa: F401 — before torch: one thread an operation
from swatchbook.domain.records import Role
from swatchbook_base.arrays import Pixels

SIZES: Final[Mapping[str, dict[str, Any]]] = {
    "base": {"image_size": 224, "patch_size": 16},
    "SO400M": {
        "image_size": 384, "patch_size": 14, "hidden_size": 1152, "intermediate_size": 4304, "num_hidden_layers": 27,
        "num_attention_heads": 16,
    },
}  # fmt: skip
PICTURES: Final = 1_024
IN_FLIGHT: Final = 4
A_CALL: Final = (20, 64, 256)  # pictures: the default of `--batch-size`, and more
PROMPTS: Final = {
    Role.COLOR: ["grey oak"],
    Role.TEXTURE: ["rough"],
    Role.MATERIAL: ["wool"],
    Role.APPLICATION: ["a floor"],
}


def save_model(folder: Path, size: str) -> Path:
    """Save a SigLIP of this size, and a text tower as wide."""
    import torch
    from transformers import SiglipConfig, SiglipModel

    from tests.models.tiny import save_tokenizer

    torch.manual_seed(7)
    vision, path = SIZES[size], folder / size
    width = vision.get("hidden_size", 768)
    text = {"hidden_size": width, "projection_size": width, "num_attention_heads": 16, "num_hidden_layers": 1}
    config = SiglipConfig(text_config={**text, "vocab_size": 160, "pad_token_id": 0}, vision_config=vision)
    model = SiglipModel(config)
    for weights in model.parameters():
        if weights.dim() > 1:  # wider than transformers begins: vectors of trained models are further apart
            torch.nn.init.trunc_normal_(weights, std=0.03)
    model.save_pretrained(path)
    save_tokenizer(path)
    side = {"height": vision["image_size"], "width": vision["image_size"]}
    prepared = {"size": side, "resample": 2, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    (path / "preprocessor_config.json").write_text(json.dumps(prepared))
    return path


def make_pictures(side: int) -> list[Pixels]:
    """Return PICTURES pictures of four shapes, as they are decoded for a model with this side."""
    import torch
    from torch.nn.functional import interpolate

    dice = np.random.default_rng(3)
    made = list[Pixels]()
    for share in (1.0, 0.75, 0.9, 0.67) * 8:
        small = dice.integers(0, 256, (1, 3, int(side * share) // 16, side // 16)).astype(np.float32)
        large = interpolate(torch.from_numpy(small), (int(side * share), side), mode="bicubic")[0]
        made.append(large.clamp(0, 255).permute(1, 2, 0).to(torch.uint8).numpy().copy())
    return [made[n % len(made)] for n in range(PICTURES)]


def load(path: Path, device: Literal["cpu", "cuda"], precision: Literal["auto", "float32"]) -> Any:
    from swatchbook_models.siglip import SiglipEncoder
    from swatchbook_models.weights import checkpoint

    point = checkpoint(str(path), "ENCODER_MODEL")
    tags = {role: point.tag(role) for role in (Role.VISUAL, *PROMPTS)}
    return SiglipEncoder(point, tags, PROMPTS, device=device, precision=precision)


def pictures_a_second(work: Callable[[Sequence[Pixels]], object], pictures: Sequence[Pixels], a_call: int) -> float:
    """Return the pictures a second of the best of three rounds, once warm."""
    calls = [pictures[start : start + a_call] for start in range(0, len(pictures), a_call)]
    taken = list[float]()
    with ThreadPoolExecutor(IN_FLIGHT) as threads:
        for _ in range(4):
            started = time.perf_counter()
            list(threads.map(work, calls))
            taken.append(time.perf_counter() - started)
    return len(pictures) / min(taken[1:])


def bare(path: Path) -> Callable[[Sequence[Pixels]], object]:
    """Return what people write: transformers' own processor on the GPU, its vision tower in bfloat16."""
    import torch
    from transformers import SiglipImageProcessor, SiglipVisionModel

    model = SiglipVisionModel.from_pretrained(path, dtype=torch.bfloat16).cuda().eval()
    side = model.config.image_size
    processor = SiglipImageProcessor(size={"height": side, "width": side}, resample=2)

    def work(pictures: Sequence[Pixels]) -> object:
        planes = [torch.from_numpy(each).permute(2, 0, 1) for each in pictures]
        pixels = processor(planes, return_tensors="pt", device="cuda")["pixel_values"].bfloat16()
        with torch.inference_mode():
            return model(pixel_values=pixels).pooler_output.float().cpu().numpy()

    return work


def main() -> None:
    import torch

    if not torch.cuda.is_available():
        sys.exit("benchmarks.gpu needs CUDA: torch finds no such device on this machine.")
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}")
    with tempfile.TemporaryDirectory() as folder:
        for size, vision in SIZES.items():
            path = save_model(Path(folder), size)
            pictures = make_pictures(2 * vision["image_size"])
            expected = load(path, "cpu", "float32").encode(pictures[:8])
            encoder = load(path, "cuda", "auto")
            for each in (load(path, "cuda", "float32"), encoder):
                made = each.encode(pictures[:8])
                cosine = min(float((expected[role] * made[role]).sum(axis=1).min()) for role in expected)
                print(f"{size}: {each.vision.precision}: lowest cosine of a role to the CPU's: {cosine:.6f}")
            theirs = bare(path)
            for a_call in A_CALL:
                one, other = (pictures_a_second(work, pictures, a_call) for work in (encoder.encode, theirs))
                print(f"{size}: {a_call} a call: {one:,.0f} a second, transformers {other:,.0f}: {one / other:.2f}")


if __name__ == "__main__":
    main()
