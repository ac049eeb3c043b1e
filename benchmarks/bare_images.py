"""The bare side of the image benchmarks: decode, describe, write to LanceDB, and nothing else: no ledger, no file
store, no second try, no account. As many batches at once as the pipeline has, and rows written while others are
computed.

Usage: python -m benchmarks.bare_images FOLDER
"""

import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

import numpy as np

from swatchbook.domain.analysis import understanding_text
from swatchbook.domain.records import DEFAULT_OWNER, Analysis, IngestOptions, Role, RoleTag
from swatchbook.domain.settings import Settings
from swatchbook.index.contract import IndexObject, Payload, Space
from swatchbook.index.lance import LanceIndex
from swatchbook.ingest.embed import IN_FLIGHT
from swatchbook.ingest.publish import ROWS
from swatchbook.resources import Resources, open_resources

Vectors = dict[RoleTag, np.ndarray]
Described = tuple[str, Payload, Vectors]


def write_index(resources: Resources, paths: Sequence[Path], folder: Path, *, analysed: bool) -> None:
    """Write the vectors of pictures to an index in a folder: with `analysed` also those of their texts and names.

    Raises what decoding a picture raised, and RuntimeError where a space has another number of rows.
    """
    size = IngestOptions().batch_size
    batches = [paths[start : start + size] for start in range(0, len(paths), size)]
    describe = partial(_describe, resources, analysed=analysed)
    spaces = dict[RoleTag, Space]()
    with closing(LanceIndex(folder)) as index, ThreadPoolExecutor(IN_FLIGHT) as pool:
        for rows in _portions(pool.map(describe, batches)):
            for pair, vector in rows[-1][2].items():
                if pair not in spaces:
                    spaces[pair] = Space(role=pair.role, tag=pair.tag, dimension=len(vector))
                    index.ensure(spaces[pair])
            for pair, space in spaces.items():
                index.upsert(space, [IndexObject(each, v[pair], payload) for each, payload, v in rows if pair in v])
        if any(index.count(space) not in (len(paths), 2 * len(paths)) for space in spaces.values()):
            raise RuntimeError(f"{folder} does not have every picture.")


def _identity(path: Path, part: str = "") -> str:
    return str(uuid5(NAMESPACE_URL, path.as_uri() + part))


def _describe(resources: Resources, paths: Sequence[Path], *, analysed: bool) -> list[Described]:
    models, pictures = resources.models, list[np.ndarray]()
    for pixels in resources.decoders.decode(paths, models.encoder.side):
        if isinstance(pixels, Exception):
            raise pixels
        pictures.append(pixels)
    by_role = {
        RoleTag(role=role, tag=models.encoder.tags[role]): vectors
        for role, vectors in models.encoder.encode(pictures).items()
    }
    texts, named = [""] * len(paths), list[Described]()
    if analysed:
        analyses = models.analyst.analyse(pictures, None)
        texts = [understanding_text(each) for each in analyses if isinstance(each, Analysis)]
        understanding = RoleTag(role=Role.UNDERSTANDING, tag=models.text_encoder.tag)
        by_role[understanding] = models.text_encoder.embed(texts, "document", None)
        of_names = models.text_encoder.embed([path.stem for path in paths], "document", None)
        for path, vector in zip(paths, of_names, strict=True):
            payload = Payload(owner=DEFAULT_OWNER, kind="chunk", text=path.stem)
            named.append((_identity(path, "#name"), payload, {understanding: vector}))
    payloads = [Payload(owner=DEFAULT_OWNER, kind="image", text=text) for text in texts]
    return named + [
        (_identity(path), payload, {pair: vectors[n] for pair, vectors in by_role.items()})
        for n, (path, payload) in enumerate(zip(paths, payloads, strict=True))
    ]


def _portions(batches: Iterator[list[Described]]) -> Iterator[list[Described]]:
    rows = list[Described]()
    for batch in batches:
        rows += batch
        if len(rows) >= ROWS:
            yield rows
            rows = []
    if rows:
        yield rows


def main(folder: Path) -> None:
    """Write the pictures of a folder to the index in the home of the settings."""
    with open_resources(Settings()) as resources:
        resources.models.load_all()
        write_index(resources, sorted(folder.iterdir()), resources.settings.index_folder, analysed=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
