"""Daft and Ray Data at our own work: decode the pictures of a folder, compute the vectors of all default roles of
pictures by the same call of our network and functions, write them to LanceDB; and Swatchbook at the same.

They run in a separate environment in the cache folder, made when it is missing. What computes (onnxruntime, NumPy,
Pillow and our modules) comes from ours, so that it is the same on all sides. Timed is one pass over the folder in a
process that has worked before: imports, a cluster's start and the loading of models are not counted.

Usage: python -m benchmarks.peers swatchbook | daft | ray FOLDER   (prints the seconds)
"""

import atexit
import os
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from swatchbook.models.protocols import ImageEncoder

PICTURES = 1_200
PEERS = ("daft", "ray")
_PINNED = ("daft==0.7.26", "daft-lance==0.6.0", "ray[data]==2.60.0", "pylance==14.0.2", "pyarrow==25.0.1")
_FROM_OURS = ("numpy",)  # what they install as well, in the version that we have
_WARM_UP = 200  # pictures
_BATCH = 100  # pictures of one call: large enough that our threads are busy
_LONGEST_SECONDS = 1_800  # of one side: no hang may stop the others
_ROOT = Path(__file__).parents[1]


def race(rounds: int) -> dict[str, float]:
    """Return the median seconds of `swatchbook` and each peer over the same folder, in turn. Raises RuntimeError."""
    from benchmarks.images import make_pictures

    spent = {side: list[float]() for side in ("swatchbook", *PEERS)}
    with TemporaryDirectory() as top:
        make_pictures(folder := Path(top) / "pictures", PICTURES)
        for _ in range(rounds):
            for side, found in spent.items():
                found.append(seconds(side, folder))
    return {side: median(found) for side, found in spent.items()}


def seconds(side: str, folder: Path) -> float:
    """Seconds of one pass of `swatchbook`, `daft` or `ray` over the pictures of a folder, in a new process.

    Raises RuntimeError where it fails.
    """
    python = sys.executable if side == "swatchbook" else str(_environment())
    quiet = {"DAFT_ANALYTICS_ENABLED": "0", "DO_NOT_TRACK": "true", "RAY_USAGE_STATS_ENABLED": "0"}
    command = [python, "-m", "benchmarks.peers", side, str(folder)]
    with TemporaryDirectory() as logs:
        environment = {**os.environ, **quiet, "PYTHONPATH": str(_ROOT), "RAY_TMPDIR": logs}
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=_LONGEST_SECONDS
        )
    if done.returncode:
        raise RuntimeError(f"{side}: exit {done.returncode}\n{done.stderr[-3000:]}")
    return float(done.stdout.split()[-1])


def _environment() -> Path:
    python = environment("peers", (*_PINNED, *(f"{name}=={version(name)}" for name in _FROM_OURS)))
    packages = next(python.parents[1].glob("lib/python*/site-packages"))
    ours = sysconfig.get_path("purelib")
    (packages / "ours.pth").write_text(f"import site; site.addsitedir({ours!r})\n")  # after their own
    return python


def environment(name: str, pinned: Sequence[str]) -> Path:
    """The Python of an environment of this name in the cache folder, made or brought to the pinned versions."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "swatchbook"
    home = cache / f"{name}-{sys.version_info.major}.{sys.version_info.minor}"
    python, installed, wanted = home / "bin" / "python", home / "installed.txt", " ".join(pinned)
    if not installed.exists() or installed.read_text() != wanted:
        uv = [sys.executable, "-m", "uv"]
        subprocess.run([*uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(home)], check=True)
        subprocess.run([*uv, "pip", "install", "--quiet", "--python", str(python), *pinned], check=True)
        installed.write_text(wanted)
    return python


@cache
def _encoder() -> "ImageEncoder":
    """Return that of the default settings, one in each process."""
    from swatchbook.domain.settings import Settings
    from swatchbook.models.registry import load

    return load(Settings()).encoder


def describe(pictures: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """Role -> the vectors of pictures, (n, dimension) float32."""
    return {role.value: vectors for role, vectors in _encoder().encode(pictures).items()}


def describe_batch(batch: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
    """The path of each picture and its vectors."""
    return {"path": batch["path"], **describe(list(batch["image"]))}


def _as_table(batch: Mapping[str, np.ndarray]) -> object:
    import pyarrow as pa

    columns = {
        name: pa.FixedSizeListArray.from_arrays(values.ravel(), values.shape[1])
        if values.ndim == 2
        else pa.array(values)
        for name, values in batch.items()
    }
    return pa.table(columns)


def _with_swatchbook() -> Callable[[Sequence[Path], Path], None]:
    from benchmarks.bare_images import write_index
    from swatchbook.domain.settings import Settings
    from swatchbook.resources import Resources

    resources = Resources(Settings())
    atexit.register(resources.close)
    return lambda paths, folder: write_index(resources, paths, folder, analysed=False)


def _with_daft() -> Callable[[Sequence[Path], Path], None]:
    import daft
    import pyarrow as pa
    from daft import DataType, col
    from daft.functions import decode_image, download

    sizes = _encoder().dimensions
    columns = {role.value: DataType.fixed_size_list(DataType.float32(), size) for role, size in sizes.items()}

    @daft.func.batch(return_dtype=DataType.struct(columns), unnest=True, batch_size=_BATCH)
    def described(pictures: daft.Series) -> object:
        vectors = describe(pictures.to_pylist())
        lists = [pa.FixedSizeListArray.from_arrays(v.ravel(), v.shape[1]) for v in vectors.values()]
        return pa.StructArray.from_arrays(lists, names=list(vectors))

    def write(paths: Sequence[Path], folder: Path) -> None:
        frame = daft.from_pydict({"path": [str(path) for path in paths]})
        frame = frame.with_column("picture", decode_image(download(col("path"))))
        frame = frame.select(col("path"), described(col("picture")))
        frame.write_lance(str(folder / "pictures.lance"))

    return write


def _with_ray() -> Callable[[Sequence[Path], Path], None]:
    import lance
    import ray

    from benchmarks.peers import describe_batch  # by its name, so that a worker keeps its models

    ray.init(include_dashboard=False, log_to_driver=False)
    ray.data.DataContext.get_current().enable_progress_bars = False

    def write(paths: Sequence[Path], folder: Path) -> None:
        pictures = ray.data.read_images([str(path) for path in paths], mode="RGB", include_paths=True)
        described = pictures.map_batches(describe_batch, batch_size=_BATCH).iter_batches(batch_size=None)
        for vectors in described:  # Ray's own writer calls an option that Lance has no longer
            lance.write_dataset(_as_table(vectors), str(folder / "pictures.lance"), mode="append")

    return write


_SIDES: Mapping[str, Callable[[], Callable[[Sequence[Path], Path], None]]] = {
    "swatchbook": _with_swatchbook,
    "daft": _with_daft,
    "ray": _with_ray,
}


def main(side: str, folder: Path) -> None:
    paths = sorted(folder.iterdir())
    write = _SIDES[side]()
    with TemporaryDirectory() as first, TemporaryDirectory() as second:
        write(paths[:_WARM_UP], Path(first))
        started = time.perf_counter()
        write(paths, Path(second))
        spent = time.perf_counter() - started
        if side != "swatchbook":
            import lance

            written = lance.dataset(str(Path(second) / "pictures.lance")).count_rows()
            if written != len(paths):
                raise RuntimeError(f"{written} of {len(paths)} pictures were written.")
    print(spent, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
