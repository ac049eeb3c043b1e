"""Builds the sample catalogues: `python -m samples.generate [--out FOLDER] [--only NAME] [--repeat N]`."""

import argparse
import hashlib
import json
import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy
import PIL
import pymupdf
from filelock import FileLock
from platformdirs import user_cache_path

from samples.book import bind, bind_small
from samples.catalogues.hardware import make_hardware
from samples.catalogues.pottery import make_pottery
from samples.content import load_products
from samples.layout import stuff
from samples.pdf import Key, keys_of, tell_truth, write_pdf
from samples.shots import Coded, Shot, develop, encode, tint

HERE = Path(__file__).parent
BUILD = HERE / "build"
QUERY = Shot("close", (stuff(load_products()[3], 0),), (640, 480), 20260105)
"""What a customer photographs: Palladio Terrazzo Rialto, another part of it than any page shows."""

LAYOUTS: Mapping[str, Callable[[Path], dict[str, Any]]] = {"hardware": make_hardware, "pottery": make_pottery}
"""The catalogues of other layouts, by file name: what writes the file and returns its truth."""


def make_catalogue(path: Path, *, small: bool = False, repeat: int = 1) -> dict[str, Any]:
    """Write a catalogue to `path` and return its truth. `repeat` editions make it that many times as thick.

    The same libraries give the same bytes. ValueError for more editions than there are names for.
    """
    if not 1 <= repeat <= 10:
        raise ValueError(f"repeat is 1 to 10, not {repeat}")
    book = bind_small() if small else bind(repeat)
    keys = keys_of(book.sheets)
    pictures = dict(_develop_group(keys) if small else _develop_all(keys))
    xrefs = write_pdf(path, book.sheets, {key: pictures[key] for key in keys})
    return tell_truth(path.stem, book.sheets, book.products, xrefs)


def _develop_all(keys: Sequence[Key]) -> list[tuple[Key, Coded]]:
    """All pictures, in two processes: rooms by scene, so that each is traced once, the rest by material."""

    def room(key: Key) -> tuple[str, int]:
        shot = key[0]
        return shot.scene, shot.stuffs[0].seed if shot.stuffs and not shot.scene else 0

    groups = [list(group) for _, group in groupby(sorted(keys, key=room), key=room)]
    groups.sort(key=lambda g: (not g[0][0].scene, -len(g)))
    workers = min(2, os.cpu_count() or 1)
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        return [done for group in pool.map(_develop_group, groups) for done in group]


def _develop_group(keys: Iterable[Key]) -> list[tuple[Key, Coded]]:
    """Pixels once a shot, bytes once an edition of it."""
    made = []
    for shot, group in groupby(sorted(keys, key=lambda k: (k[0].seed, repr(k[0]))), key=lambda k: k[0]):
        image = develop(shot)
        made += [((shot, edition), encode(tint(image, edition), shot.encoding)) for _, edition in group]
    return made


def _stamp(*parts: object, more: Iterable[Path] = ()) -> str:
    """What the files depend on: our sources, the libraries' versions, the arguments."""
    digest = hashlib.sha256(repr((numpy.__version__, PIL.__version__, pymupdf.__version__, parts)).encode())
    for source in sorted([*HERE.glob("*.py"), *HERE.glob("*.toml"), *more]):
        if source.name != "demo.py":
            digest.update(source.read_bytes())
    return digest.hexdigest()


def build(folder: Path, *, small: bool = False, repeat: int = 1) -> Path:
    """Lay one catalogue with its truth into a folder, unless it is there and up to date; the PDF's path.

    Making the large one takes a minute of two processors, so what was made stays in the user's cache by its stamp.
    """
    name = "small" if small else "catalogue" if repeat == 1 else f"catalogue-x{repeat}"
    return _lay(folder, name, _stamp(small, repeat), partial(make_catalogue, small=small, repeat=repeat))


def build_layout(folder: Path, name: str) -> Path:
    """Lay a catalogue of LAYOUTS with its truth into a folder, unless it is there and up to date; the PDF's path."""
    return _lay(folder, name, _stamp(name, more=(HERE / "catalogues").glob("*.py")), LAYOUTS[name])


def _lay(folder: Path, name: str, wanted: str, make: Callable[[Path], dict[str, Any]]) -> Path:
    files = path, _, stamp = [folder / f"{name}{suffix}" for suffix in (".pdf", ".truth.json", ".stamp")]
    if all(file.exists() for file in files) and stamp.read_text() == wanted:
        return path
    kept = user_cache_path("swatchbook", appauthor=False) / "samples"
    kept.mkdir(parents=True, exist_ok=True)
    with FileLock(kept / "lock"):  # tests side by side make it once
        if not (kept / wanted).is_dir():
            _make(kept / wanted, name, make)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as unfinished:  # whoever reads at the same time sees whole files only
        for file in files:
            shutil.copyfile(kept / wanted / file.name, Path(unfinished) / file.name)
            (Path(unfinished) / file.name).replace(file)
    return path


def _make(folder: Path, name: str, make: Callable[[Path], dict[str, Any]]) -> None:
    """Catalogue, truth and stamp in a new folder, which appears whole or not at all."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as unfinished:
        fresh = Path(unfinished) / folder.name
        fresh.mkdir()
        truth = json.dumps(make(fresh / f"{name}.pdf"), indent=1, ensure_ascii=False)
        (fresh / f"{name}.truth.json").write_text(truth + "\n", encoding="utf-8")
        (fresh / f"{name}.stamp").write_text(folder.name)
        fresh.rename(folder)


def build_query(folder: Path) -> Path:
    """The picture for searches by image."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "query.jpg"
    path.write_bytes(encode(develop(QUERY), "jpeg").data)
    return path


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=BUILD, help="where the files go")
    parser.add_argument("--only", choices=("large", "small", "query", *LAYOUTS), help="only one of them")
    parser.add_argument("--repeat", type=int, default=1, help="editions of the large one, 1 to 10")
    given = parser.parse_args(arguments)
    if given.only in (None, "small"):
        print(build(given.out, small=True))
    for name in LAYOUTS:
        if given.only in (None, name):
            print(build_layout(given.out, name))
    if given.only in (None, "query"):
        print(build_query(given.out))
    if given.only in (None, "large"):
        print(build(given.out, repeat=given.repeat))


if __name__ == "__main__":
    main()
