"""The service in a collection of so many images: the first page of results; 1, 10 and 50 people who search by words and
by picture and browse, while catalogues are ingested; 300 searches at once; and bare LanceDB with the same queries.

The collection is the large sample over and over: each copy has its own documents, images, texts and products, vectors
that are a little off, and hashes of other pictures: no collection has each picture forty times.
"""

import asyncio
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import count, islice, product
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import httpx
import numpy as np
import psutil
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

PEOPLE: Mapping[int, float] = {1: 0.5, 10: 2.0, 50: 5.0}
"""How many people there are -> in how many seconds each of them asks once."""
CATALOGUES = 2  # of each ingest, of 20 pages with 80 pictures
KINDS = ("words", "picture", "browse")
SEARCHES = 60
AT_ONCE = 300
WARM_SECONDS = REST_SECONDS = 60
WORDS = (
    "oak floor", "grey terrazzo", "matt tile", "white marble", "leather", "brass handle", "carpet", "warm wood",
    "kitchen worktop", "blue fabric", "cork wall", "herringbone", "stone", "outdoor porcelain", "dark walnut",
)  # fmt: skip
_OFF = 0.05  # standard deviation of what each copy's unit vectors are off, times the square root of the dimension
_OWNER = "default"


class Load(NamedTuple):
    """So many people while catalogues are ingested: seconds of their answers by kind, requests that were told to wait,
    and seconds of the ingest.
    """

    seconds: Mapping[str, Sequence[float]]
    refused: int
    ingest: float


class Measured(NamedTuple):
    """Seconds: of first pages one after the other, of their filters, of an ingest alone, of bare LanceDB by kind.

    `burst`: seconds of all answers to AT_ONCE searches, and their statuses; `memory`: of the service after a minute of
    ten people without an ingest, after all people, and a minute later, MiB.
    """

    first: Sequence[float]
    facets: Sequence[float]
    alone: float
    loads: Mapping[int, Load]
    burst: tuple[float, Mapping[int, int]]
    memory: Sequence[float]
    bare: Mapping[str, Sequence[float]]


def part(seconds: Sequence[float], share: float) -> float:
    """Return the seconds within which this share of the answers came."""
    return sorted(seconds)[min(len(seconds) - 1, int(share * len(seconds)))]


def measure(home: Path, tell: Callable[[str], None], images: int) -> Measured:
    """Fill the home, which has the large sample, and ask a service on it. Raises where an answer is neither one nor a
    request to wait.
    """
    from benchmarks.commands import SWATCHBOOK, prefect_server, pss_mb, timed
    from benchmarks.documents import make

    with tempfile.TemporaryDirectory() as temporary, prefect_server() as url:
        environment = {"SWATCHBOOK_HOME": str(home), "PREFECT_API_URL": url}
        with open_resources(Settings(home=home)) as resources:
            tell(f"{fill(resources, images):,} images")
            pictures = [resources.files.read(key) for key in islice(resources.files.keys(), 40) if key.endswith("jpg")]
            bare = ask_bare(resources, pictures)
        made = (str(make(Path(temporary), number)) for number in count())
        ingests = [[SWATCHBOOK, "ingest", *islice(made, CATALOGUES)] for _ in (None, *PEOPLE)]
        alone, loads = timed(ingests[0], environment), dict[int, Load]()
        with served(environment) as address:
            (service,) = (each for each in psutil.Process().children() if "serve" in each.cmdline())
            first, facets = one_by_one(address)
            warming = Crowd(address, 10, PEOPLE[10], pictures).ask_during(["sleep", f"{WARM_SECONDS}"], environment)
            asyncio.run(warming)  # what each kind of request loads and keeps is there then
            memory = [pss_mb(service)]
            tell(f"warm: {memory_told(service)}")
            for (people, every), command in zip(PEOPLE.items(), ingests[1:], strict=True):
                crowd = Crowd(address, people, every, pictures)
                spent = asyncio.run(crowd.ask_during(command, environment))
                loads[people] = Load(crowd.seconds, crowd.refused, spent)
                tell(f"{people} people, then {memory_told(service)}: {loads[people]}")
            burst = asyncio.run(ask_at_once(address))
            tell(f"{AT_ONCE} at once, then {memory_told(service)}: {burst}")
            memory.append(pss_mb(service))
            time.sleep(REST_SECONDS)
            memory.append(pss_mb(service))
            tell(f"a minute later {memory_told(service)}")
    return Measured(first, facets, alone, loads, burst, memory, bare)


def memory_told(service: psutil.Process) -> str:
    """Return the memory of the service with its children, and that of its own by kind, MiB of PSS."""
    from benchmarks.commands import pss_mb

    kinds = Counter[str]()
    for each in service.memory_maps():
        kinds["files" if each.path.startswith("/") else each.path] += each.pss >> 20
    return f"{pss_mb(service):.0f} MiB, of the service itself {dict(kinds.most_common(3))}"


def ask_bare(resources: Resources, pictures: Sequence[bytes]) -> dict[str, list[float]]:
    """Return the seconds of bare LanceDB by kind, for the vectors of the same words and pictures in the same tables."""
    from swatchbook.index.slim_lancedb import lancedb
    from swatchbook.search.role_queries import picture_vectors, text_vectors
    from swatchbook.store.ledger.space_registry import active_spaces

    active = {role: each.space for role, each in active_spaces(resources.ledger).items()}
    texts = [text_vectors(resources, active, text, by_picture=False) for text in _texts(SEARCHES)]
    seen = list[Mapping[Any, Any]]()
    with tempfile.NamedTemporaryFile() as file:
        for picture in pictures:
            Path(file.name).write_bytes(picture)
            seen.append(picture_vectors(resources, active, Path(file.name))[0])
    database = lancedb.connect(resources.settings.index_folder)
    tables = {role: database.open_table(space.name) for role, space in active.items()}

    def seconds(vectors: Mapping[Any, Any]) -> float:
        started = time.perf_counter()
        for role, vector in vectors.items():
            tables[role].search(vector, vector_column_name="vector").distance_type("cosine").limit(24).to_list()
        return time.perf_counter() - started

    return {kind: [*map(seconds, asked)] for kind, asked in (("words", texts), ("picture", seen))}


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
    """People who search by words, then by a picture, then browse, and so on: pages with filters, as a browser loads
    them, and pictures over HTTP.
    """

    def __init__(self, address: str, people: int, every: float, pictures: Sequence[bytes]) -> None:
        self._address, self._people, self._every, self._pictures = address, people, every, pictures
        self.seconds = {kind: list[float]() for kind in KINDS}
        self.refused = 0

    async def ask_during(self, command: Sequence[str], environment: Mapping[str, str]) -> float:
        """Ask while a command runs. Return its seconds. Raises RuntimeError where it fails."""
        import os

        started = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            *command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        people = [asyncio.create_task(self._person(number)) for number in range(self._people)]
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
        await asyncio.sleep(number * self._every / self._people)
        async with httpx.AsyncClient(base_url=self._address, timeout=60) as client:
            for turn in count(number):
                started = time.perf_counter()
                kind = KINDS[turn % len(KINDS)]
                with suppress(httpx.TransportError):  # it counts with the seconds that it was waited for
                    answer = await self._ask(client, kind, dice)
                    self.refused += answer.status_code in TOLD_TO_WAIT
                    assert answer.status_code in (200, *TOLD_TO_WAIT), answer.text
                self.seconds[kind].append(time.perf_counter() - started)
                with suppress(httpx.TransportError):
                    await client.get("/ui/facets", params={"by": "image"})
                await asyncio.sleep(max(0.0, self._every - (time.perf_counter() - started)))

    async def _ask(self, client: httpx.AsyncClient, kind: str, dice: Random) -> httpx.Response:
        if kind == "words":
            return await client.get("/", params={"text": f"{dice.choice(WORDS)} {dice.choice(WORDS)}", "by": "image"})
        if kind == "picture":
            return await client.post("/search", files={"image": ("picture.jpg", dice.choice(self._pictures))})
        return await client.get(
            "/", params={"by": dice.choice(("image", "product")), "offset": 24 * dice.randrange(40)}
        )


TOLD_TO_WAIT = (429, 503)


async def ask_at_once(address: str) -> tuple[float, Counter[int]]:
    """Return the seconds of all answers to different searches at once, and how many had each status."""
    from benchmarks.many import QUERIES

    limits = httpx.Limits(max_connections=AT_ONCE)
    async with httpx.AsyncClient(base_url=address, timeout=60, limits=limits) as client:
        started = time.perf_counter()
        asked = (client.get("/search", params={"text": text}) for text in QUERIES[:AT_ONCE])
        statuses = Counter(answer.status_code for answer in await asyncio.gather(*asked))
        return time.perf_counter() - started, statuses


def prepare(home: Path) -> None:
    """Ingest the large sample into a home."""
    from benchmarks.commands import PYTHON, timed
    from samples.generate import BUILD, build

    timed([PYTHON, "-m", "benchmarks.bare_ingest", str(build(BUILD))], {"SWATCHBOOK_HOME": str(home)})
