"""The web page in a collection of 10,000 images: the first page of results, and 50 people who each search once in five
seconds while a folder of pictures is ingested.

`python -m benchmarks.web [HOME]` prints the figures; of the home of the large sample, ingested before, if one is given.
`python -m benchmarks.web pages COUNT` prints those of the first page alone, in a collection of so many images.
The collection is the large sample over and over: each copy has its own documents, images, texts and products, vectors
that are a little off, and hashes of other pictures: no collection has each picture forty times.
"""

import asyncio
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import count, islice, product
from pathlib import Path
from random import Random
from statistics import median
from typing import Any, NamedTuple

import httpx
import numpy as np
from sqlalchemy import Connection, func, insert, select

from swatchbook.domain.records import COUNTED, document_id, identity, image_id, pair_key, sha256
from swatchbook.domain.settings import Settings
from swatchbook.ingest.publish import publish_all
from swatchbook.resources import Resources, open_resources
from swatchbook.store.ledger.tables import (
    analyses,
    chunks,
    contents,
    documents,
    images,
    items,
    links,
    placements,
    products,
    requested,
    vectors,
)

IMAGES = 10_000
PEOPLE, EVERY = 50, 5.0  # seconds
PICTURES = 600  # of each ingest
SEARCHES = 60
WORDS = (
    "oak floor", "grey terrazzo", "matt tile", "white marble", "leather", "brass handle", "carpet", "warm wood",
    "kitchen worktop", "blue fabric", "cork wall", "herringbone", "stone", "outdoor porcelain", "dark walnut",
)  # fmt: skip
_OFF = 0.05  # standard deviation of what each copy's unit vectors are off, times the square root of the dimension
_OWNER = "default"


class Measured(NamedTuple):
    """Seconds: of first pages one after the other, of pages of people at the same time, of ingests alone and then."""

    first: Sequence[float]
    crowd: Sequence[float]
    facets: Sequence[float]
    alone: float
    beside: float


def part(seconds: Sequence[float], share: float) -> float:
    """Return the seconds within which this share of the answers came."""
    return sorted(seconds)[min(len(seconds) - 1, int(share * len(seconds)))]


def measure(home: Path, tell: Callable[[str], None]) -> Measured:
    """Fill the home, which has the large sample, and ask a service on it. Raises where an answer is no page."""
    from benchmarks.commands import SWATCHBOOK, prefect_server, timed
    from benchmarks.images import make_pictures

    with tempfile.TemporaryDirectory() as temporary, prefect_server() as url:
        environment = {"SWATCHBOOK_HOME": str(home), "PREFECT_API_URL": url}
        make_pictures(pictures := Path(temporary) / "pictures", 2 * PICTURES)
        with open_resources(Settings(home=home)) as resources:
            tell(f"{fill(resources, IMAGES):,} images")
        folders = [Path(temporary) / "alone", Path(temporary) / "beside"]
        for number, picture in enumerate(sorted(pictures.iterdir())):
            folder = folders[number % 2]
            folder.mkdir(exist_ok=True)
            picture.rename(folder / picture.name)
        alone = timed([SWATCHBOOK, "ingest", str(folders[0])], environment)
        with served(environment) as address:
            first, facets = one_by_one(address)
            tell(
                f"alone {alone:.1f} s, first page {1000 * median(first):.0f} ms, facets {1000 * median(facets):.0f} ms"
            )
            ended = time.monotonic()
            crowd = Crowd(address)
            beside = asyncio.run(crowd.search_during([SWATCHBOOK, "ingest", str(folders[1])], environment))
            tell(f"{len(crowd.seconds)} pages in {time.monotonic() - ended:.0f} s")
    return Measured(first, crowd.seconds, facets, alone, beside)


# --- the collection ---------------------------------------------------------------------------------------------------


def fill(resources: Resources, wanted: int) -> int:
    """Copy the sample until there are so many images, and publish them. Return how many there are."""
    made = copy_sample(resources, wanted)
    publish_all(resources, at_most=60)
    resources.index.compact()
    return made


def copy_sample(resources: Resources, wanted: int, *, files: bool = True) -> int:
    """Copy the sample in the ledger until there are so many images. Return how many there are.

    `files`: the copies of a picture share its file, which then goes with the first that is deleted.
    """
    ledger = resources.ledger
    with ledger.read() as connection:
        sample = _read(connection)
        made = connection.execute(select(func.count()).select_from(images)).scalar_one()
        copies = select(func.max(documents.c.content)).where(documents.c.content.startswith("0" * 32))
        last = int(connection.execute(copies).scalar_one() or "0", 16)  # not their number: one may be deleted
    dice = np.random.default_rng(last)
    for number in count(last + 1):
        if made >= wanted:
            break
        rows = _copied(sample, number, dice, files=files)
        with ledger.write() as connection:
            for table in _TABLES:
                if some := rows[table.name]:
                    connection.execute(insert(table), some)
        made += len(rows["images"])
    return made


_TABLES = (documents, requested, contents, images, placements, products, chunks, links, items, vectors, analyses)

Rows = dict[str, list[dict[str, Any]]]


def _read(connection: Connection) -> Rows:
    """Return the rows of one document, the first of the largest ones: with those of its shown images alone."""
    catalogues = select(documents).where(documents.c.owner == _OWNER)
    first = catalogues.order_by(documents.c.size.desc(), documents.c.created_at, documents.c.name.desc())
    document = connection.execute(first).mappings().first()
    assert document is not None
    own = dict[str, list[dict[str, Any]]]()
    for table in (requested, placements, products, chunks, links):
        rows = connection.execute(select(table).where(table.c.document == document["id"])).mappings()
        own[table.name] = [dict(row) for row in rows]
    own["placements"] = [row for row in own["placements"] if row["state"] in COUNTED]
    shown = {row["image"] for row in own["placements"]}
    own["images"] = [dict(row) for row in connection.execute(select(images)).mappings() if row["id"] in shown]
    keys = {row[name] for row in own["images"] for name in ("content_key", "text_key", "pair_key")}
    keys |= {row["text_key"] for row in own["chunks"]}
    for table in (contents, items, vectors, analyses):
        own[table.name] = [dict(row) for row in connection.execute(select(table)).mappings() if row["key"] in keys]
    there = {row["id"] for name in ("placements", "chunks", "products") for row in own[name]}
    own["links"] = [row for row in own["links"] if row["source"] in there and row["target"] in there]
    return own | {"documents": [dict(document)]}


def _copied(sample: Rows, number: int, dice: np.random.Generator, *, files: bool) -> Rows:
    """Return the rows of another catalogue like this one."""
    owner = _OWNER
    document = document_id(owner, f"{number:064x}")

    def key(old: str | None) -> str | None:
        return None if old is None else sha256(f"{old} {number}".encode())

    def other(old: str) -> str:
        return identity("copy", old, number)

    of_image = {row["id"]: image_id(owner, str(key(row["content_key"]))) for row in sample["images"]}

    def vector(row: dict[str, Any]) -> bytes:
        values = np.frombuffer(row["data"], "<f4")
        moved = values + dice.normal(0, _OFF / len(values) ** 0.5, len(values))
        return (moved / np.linalg.norm(moved)).astype("<f4").tobytes()

    def changed(name: str, change: Callable[[dict[str, Any]], Mapping[str, Any]]) -> list[dict[str, Any]]:
        return [{**row, **change(row)} for row in sample[name]]

    fresh = {"dirty": 1, "made": 1, "published": 0, "publish_next": None, "publish_lease": None, "publish_until": None}
    return {
        "documents": changed("documents", lambda row: {
            "id": document, "content": f"{number:064x}", "name": f"catalogue {number}.pdf", "run": None,
            "file": None, "pages_file": None}),  # no collection has thousands of documents of one file
        "requested": changed("requested", lambda row: {"document": document}),
        "contents": changed("contents", lambda row: {
            "key": key(row["key"]), "file": row["file"] if files else None,
            "phash": row["phash"] and f"{dice.integers(1 << 63):016x}"}),
        "images": changed("images", lambda row: fresh | {
            "id": of_image[row["id"]], "content_key": key(row["content_key"]), "text_key": key(row["text_key"]),
            "pair_key": row["pair_key"] and pair_key(str(key(row["content_key"])), str(key(row["text_key"])))}),
        "placements": changed("placements", lambda row: {
            "id": other(row["id"]), "document": document, "image": of_image[row["image"]]}),
        "products": changed("products", lambda row: {
            "id": other(row["id"]), "document": document, "record": row["record"] | {"id": other(row["id"])}}),
        "chunks": changed("chunks", lambda row: fresh | {
            "id": other(row["id"]), "document": document, "text_key": key(row["text_key"]),
            "record": row["record"] | {"id": other(row["id"])}}),
        "links": changed("links", lambda row: {
            "document": document, "source": other(row["source"]), "target": other(row["target"])}),
        "items": changed("items", lambda row: {"key": key(row["key"])}),
        "vectors": changed("vectors", lambda row: {"key": key(row["key"]), "data": vector(row)}),
        "analyses": changed("analyses", lambda row: {"key": key(row["key"]), "text_key": key(row["text_key"])}),
    }  # fmt: skip


# --- asking -----------------------------------------------------------------------------------------------------------


@contextmanager
def served(environment: Mapping[str, str]) -> Iterator[str]:
    """`swatchbook serve` on a free port, until the block ends."""
    import os

    from benchmarks.commands import SWATCHBOOK
    from tests.fixtures import free_port, wait_for_http

    port = free_port()
    with tempfile.NamedTemporaryFile() as log:
        command = [SWATCHBOOK, "serve", "--port", str(port)]
        process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=log, stderr=log)
        try:
            wait_for_http(f"http://127.0.0.1:{port}/ready", process, Path(log.name))
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(30)


def one_by_one(address: str) -> tuple[list[float], list[float]]:
    """Return the seconds of first pages of results, and of the filters beside them, when all is warm."""
    with httpx.Client(base_url=address, timeout=60) as client:
        pages = [_seconds(client, "/", text) for text in _texts(SEARCHES + 10)][10:]
        facets = [_seconds(client, "/ui/facets", text) for text in _texts(8)][3:]
    return pages, facets


def _texts(number: int) -> Iterator[str]:
    """Yield texts of which each finds something."""
    for first, second in islice(product(WORDS, WORDS), number):
        yield f"{first} {second}"


def _seconds(client: httpx.Client, path: str, text: str) -> float:
    started = time.perf_counter()
    got = client.get(path, params={"text": text, "by": "image"})
    assert got.status_code == 200, got.text
    return time.perf_counter() - started


class Crowd:
    """People who search, each every five seconds: the page, then its filters and pictures, as a browser loads them."""

    def __init__(self, address: str) -> None:
        self._address = address
        self.seconds = list[float]()  # of each first page

    async def search_during(self, command: Sequence[str], environment: Mapping[str, str]) -> float:
        """Search while a command runs. Return its seconds. Raises RuntimeError where it fails."""
        import os

        started = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            *command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        people = [asyncio.create_task(self._person(number)) for number in range(PEOPLE)]
        status = await process.wait()
        spent = time.monotonic() - started
        for person in people:
            if person.done():
                person.result()  # raises what ended it
            person.cancel()
        await asyncio.gather(*people, return_exceptions=True)
        if status:
            raise RuntimeError(f"{command}: exit {status}")
        return spent

    async def _person(self, number: int) -> None:
        dice = Random(number)
        await asyncio.sleep(number * EVERY / PEOPLE)
        async with httpx.AsyncClient(base_url=self._address, timeout=60) as client:
            while True:
                started = time.perf_counter()
                words = f"{dice.choice(WORDS)} {dice.choice(WORDS)}"
                with suppress(httpx.TransportError):  # it counts with the seconds that it was waited for
                    assert (await client.get("/", params={"text": words, "by": "image"})).status_code == 200
                self.seconds.append(time.perf_counter() - started)
                with suppress(httpx.TransportError):
                    await client.get("/ui/facets", params={"by": "image"})
                await asyncio.sleep(max(0.0, EVERY - (time.perf_counter() - started)))


def show_pages(home: Path, images: int) -> None:
    """Print the times of the first page in a collection of so many images: of new questions, and of the same again."""
    prepare(home)
    with open_resources(Settings(home=home)) as resources:
        print(f"{fill(resources, images):,} images", flush=True)
    with served({"SWATCHBOOK_HOME": str(home)}) as address:
        for what in ("after the start", "again"):
            first, _ = one_by_one(address)
            print(f"first page {what}: median {1000 * median(first):.0f} ms, p95 {1000 * part(first, 0.95):.0f} ms")


def main(arguments: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary) / "home"
        if arguments[:1] == ["pages"]:
            return show_pages(home, int(arguments[1]))
        if arguments:
            shutil.copytree(arguments[0], home)
        else:
            prepare(home)
        m = measure(home, lambda told: print(told, flush=True))
    print(f"first page: median {1000 * median(m.first):.0f} ms, p95 {1000 * part(m.first, 0.95):.0f} ms")
    print(f"facets: median {1000 * median(m.facets):.0f} ms")
    print(f"{PEOPLE} people: p95 {1000 * part(m.crowd, 0.95):.0f} ms of {len(m.crowd)} pages")
    print(f"ingest of {PICTURES} pictures: alone {m.alone:.1f} s, beside them {m.beside:.1f} s")


def prepare(home: Path) -> None:
    """Ingest the large sample into a home."""
    from benchmarks.commands import PYTHON, timed
    from samples.generate import BUILD, build

    timed([PYTHON, "-m", "benchmarks.bare_ingest", str(build(BUILD))], {"SWATCHBOOK_HOME": str(home)})


if __name__ == "__main__":
    main(sys.argv[1:])
