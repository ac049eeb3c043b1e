"""SigLIP of ViT-B/16's size with random weights: from files to vectors, against what people would write otherwise.

Both sides see the same JPEGs in the same batches, each in a process of its own: ours with a thread a core, theirs with
torch's own choice. One line of JSON a process says what it measured. `python -m benchmarks.encoders` prints all.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

BATCH = 20
SIDE = 224
MANY = 1_000
"""Pictures after which start-up and compilation are counted in."""


class Measured(NamedTuple):
    """Seconds of ours ÷ of theirs, or the other way round as named, with how it was measured."""

    preparing: float  # theirs ÷ ours, files to normalised pixels
    preparing_note: str
    encoding: float  # theirs ÷ ours, files to vectors
    encoding_note: str
    engine: float  # the best engine ÷ ours, start-up and MANY pictures
    engine_note: str
    cosine: float  # least, of ours to float32


def measure(rounds: int) -> Measured:
    """Median of as many rounds; the processes take turns."""
    from benchmarks.descriptors import print_jpegs  # brings one thread an operation, which is not their choice

    with tempfile.TemporaryDirectory() as folder:
        model = save_model(Path(folder) / "siglip")
        pictures = print_jpegs(Path(folder))[: 2 * BATCH]
        told: dict[str, list[Any]] = {what: [] for what in SIDES}
        for _ in range(rounds):
            for what in SIDES:
                told[what].append(_run(what, model, pictures))
        engines = {what: found for what in ENGINE if (found := _run(what, model, pictures))}

    def seconds(what: str) -> float:
        return median(found["seconds"] for found in told[what])

    each = {name: f"{1e3 * found['seconds'] / BATCH:.0f} ms" for name, found in engines.items()}
    whole = {name: found["start"] + found["seconds"] / BATCH * MANY for name, found in engines.items()}
    best = min(whole, key=lambda name: whole[name])
    ours = told["encode"][0]["precision"]
    shown = ", ".join(f"{name} {each[name]} (+ {engines[name]['start']:.0f} s once)" for name in engines)
    return Measured(
        preparing=seconds("their prepare") / seconds("prepare"),
        preparing_note=_a_picture(pictures, seconds("prepare"), seconds("their prepare")),
        encoding=seconds("their encode") / seconds("encode"),
        encoding_note=f"{ours}, five roles; " + _a_picture(pictures, seconds("encode"), seconds("their encode")),
        engine=whole[best] / whole[ours],
        engine_note=f"chosen: eager {ours}; forward of {BATCH}, a picture: {shown}; best with all counted: {best}",
        cosine=engines[ours]["cosine"],
    )


def _a_picture(pictures: Sequence[Path], ours: float, theirs: float) -> str:
    return (
        f"{len(pictures)} JPEGs, {1e3 * ours / len(pictures):.1f} and {1e3 * theirs / len(pictures):.1f} ms a picture"
    )


def _run(what: str, model: Path, pictures: Sequence[Path]) -> dict[str, Any]:
    """What a process of its own measured; empty where the engine is not installed."""
    environment = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"}
    command = [sys.executable, "-m", "benchmarks.encoders", what, str(model), *map(str, pictures)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{what}: {done.stderr[-2000:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


# --- in the processes -------------------------------------------------------------------------------------------------


def save_model(folder: Path) -> Path:
    """A SigLIP with the vision tower of ViT-B/16 at 224 pixels, and hardly any text tower."""
    import torch
    from transformers import SiglipConfig, SiglipImageProcessorPil, SiglipModel

    from tests.models.tiny import save_tokenizer

    torch.manual_seed(7)
    text = {"num_hidden_layers": 1, "vocab_size": 160, "pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 1}
    SiglipModel(SiglipConfig(text_config=text, vision_config={"image_size": SIDE})).save_pretrained(folder)
    SiglipImageProcessorPil(size={"height": SIDE, "width": SIDE}, resample=2).save_pretrained(folder)
    save_tokenizer(folder)
    return folder


def timed(work: Callable[[], object], times: int = 3) -> float:
    """Median seconds, once warm."""
    work()
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return median(taken)


def batches(pictures: Sequence[Path]) -> list[Sequence[Path]]:
    return [pictures[start : start + BATCH] for start in range(0, len(pictures), BATCH)]


def prepare(model: Path, pictures: Sequence[Path]) -> dict[str, Any]:
    """Ours: decoding children, then torch, a core each half of the batch."""
    from concurrent.futures import ThreadPoolExecutor

    import swatchbook.models  # noqa: F401 — one thread an operation
    from swatchbook.domain.settings import Settings
    from swatchbook.models.images.decoder_pool import Decoders
    from swatchbook_models.encoder_input import normalise, read_preparation, stack

    preparation = read_preparation(json.loads((model / "preprocessor_config.json").read_text()), "bench")
    cores = os.cpu_count() or 1

    def portion(decoded: Sequence[Any]) -> object:
        return normalise(stack(decoded, preparation), preparation)

    with Decoders(Settings()) as decoders, ThreadPoolExecutor(cores) as threads:

        def work() -> None:
            for batch in batches(pictures):
                decoded = decoders.decode(batch, preparation.side)
                list(threads.map(portion, [decoded[core::cores] for core in range(cores)]))

        return {"seconds": timed(work, 1)}


def their_prepare(model: Path, pictures: Sequence[Path]) -> dict[str, Any]:
    """The model's own processor with its Pillow backend, on whole pictures."""
    from PIL import Image
    from transformers import AutoImageProcessor

    processor = AutoImageProcessor.from_pretrained(model, backend="pil")

    def work() -> None:
        for batch in batches(pictures):
            processor([Image.open(path).convert("RGB") for path in batch], return_tensors="pt")

    return {"seconds": timed(work, 1)}


def encode(model: Path, pictures: Sequence[Path]) -> dict[str, Any]:
    """Ours, from files to vectors of all roles."""
    from swatchbook.domain.settings import Settings
    from swatchbook.models.images.decoder_pool import Decoders
    from swatchbook.models.registry import load

    settings = Settings(encoder="siglip", encoder_model=str(model), device="cpu")
    encoder = load(settings).encoder
    with Decoders(settings) as decoders:

        def work() -> None:
            for batch in batches(pictures):
                encoder.encode(decoders.decode(batch, encoder.side))  # type: ignore[arg-type]

        return {"seconds": timed(work, 1), "precision": encoder.vision.precision}  # type: ignore[attr-defined]


def their_encode(model: Path, pictures: Sequence[Path]) -> dict[str, Any]:
    """sentence-transformers, float32, from files to vectors of the one role."""
    from PIL import Image
    from sentence_transformers import SentenceTransformer

    encoder = SentenceTransformer(str(model), device="cpu")

    def work() -> None:
        for batch in batches(pictures):
            seen = [Image.open(path).convert("RGB") for path in batch]
            encoder.encode(seen, batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False)

    return {"seconds": timed(work, 1)}


def engine(name: str) -> Callable[[Path, Sequence[Path]], dict[str, Any]]:
    """A forward pass of BATCH pictures by one engine, and what it takes to be ready. Empty if it is not installed."""

    def run(model: Path, _: Sequence[Path]) -> dict[str, Any]:
        import torch
        from torch.nn.functional import cosine_similarity
        from transformers import SiglipVisionModel

        exact = SiglipVisionModel.from_pretrained(model).eval()
        pixels = torch.rand(BATCH, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1)) * 2 - 1
        started = time.perf_counter()
        with torch.inference_mode():
            made = ENGINE[name](exact, pixels)
            if made is None:
                return {}
            first = made()
            start = time.perf_counter() - started
            cosine = cosine_similarity(exact(pixels).pooler_output, first.float()).min().item()
            seconds = timed(made)
        return {"seconds": seconds, "start": max(0.0, start - seconds), "cosine": cosine}

    return run


def eager(model: Any, pixels: Any) -> Callable[[], Any]:
    return lambda: model(pixels).pooler_output


def half(model: Any, pixels: Any) -> Callable[[], Any]:
    """As VisionEncoder runs it: portions side by side, one thread each."""
    import copy
    from concurrent.futures import ThreadPoolExecutor

    import torch

    lighter, given, cores = copy.deepcopy(model).bfloat16(), pixels.bfloat16(), os.cpu_count() or 1
    threads = ThreadPoolExecutor(cores, initializer=torch.set_num_threads, initargs=(1,))

    def portion(part: Any) -> Any:
        with torch.inference_mode():
            return lighter(part).pooler_output

    return lambda: torch.cat(list(threads.map(portion, given.chunk(cores))))


def compiled(model: Any, pixels: Any) -> Callable[[], Any]:
    import copy

    import torch

    faster, given = torch.compile(copy.deepcopy(model).bfloat16()), pixels.bfloat16()
    return lambda: faster(given).pooler_output


def onnx(model: Any, pixels: Any) -> Callable[[], Any] | None:
    if not all(map(find_spec, ("onnx", "onnxscript", "onnxruntime"))):
        return None
    import onnxruntime
    import torch

    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "model.onnx")
        torch.onnx.export(model, (pixels,), file, input_names=["pixels"], output_names=["last", "pooled"])
        session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    return lambda: torch.from_numpy(session.run(["pooled"], {"pixels": pixels.numpy()})[0])


def openvino(model: Any, pixels: Any) -> Callable[[], Any] | None:
    if not find_spec("openvino"):
        return None
    import openvino as ov
    import torch

    ready = ov.compile_model(ov.convert_model(model, example_input=pixels), "CPU")
    return lambda: torch.from_numpy(ready(pixels.numpy())[1])


ENGINE: Mapping[str, Callable[[Any, Any], Callable[[], Any] | None]] = {
    "float32": eager,
    "bfloat16": half,
    "compiled bfloat16": compiled,
    "onnxruntime float32": onnx,
    "openvino bfloat16": openvino,
}
SIDES: Mapping[str, Callable[[Path, Sequence[Path]], dict[str, Any]]] = {
    "prepare": prepare,
    "their prepare": their_prepare,
    "encode": encode,
    "their encode": their_encode,
}

if __name__ == "__main__":
    if len(sys.argv) == 1:
        print(measure(3))
    else:
        work = SIDES.get(sys.argv[1]) or engine(sys.argv[1])
        print(json.dumps(work(Path(sys.argv[2]), [Path(name) for name in sys.argv[3:]])))
