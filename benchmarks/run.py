"""`make bench`: every figure that the README and docs claim, as ratios, into benchmarks/RESULTS.md.

Both sides of a ratio run in turn in one run of this program, and medians are compared: machines are noisy, and
absolute times lie. `python -m benchmarks.run NAME …` runs only those, and leaves the rows of others as they are;
`python -m benchmarks.run older` runs none, and marks the rows whose modules have changed since.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import psutil

from benchmarks.commands import PYTHON, SWATCHBOOK, peak_pss_mb, prefect_server, timed
from samples.generate import BUILD, build

if TYPE_CHECKING:
    from benchmarks import web as web_page

ROUNDS = 3
RESULTS = Path(__file__).with_name("RESULTS.md")


class Figure:
    """One measured claim: what, the value, the goal, and how it was measured."""

    def __init__(self, name: str, value: float, goal: float, *, at_least: bool = False, note: str = "") -> None:
        self.name, self.value, self.goal, self.at_least, self.note = name, value, goal, at_least, note

    @property
    def holds(self) -> bool:
        return self.value >= self.goal if self.at_least else self.value <= self.goal

    def row(self) -> str:
        sign, holds = "≥" if self.at_least else "≤", "yes" if self.holds else "**no**"
        return f"| {self.name} | {self.value:.3g} | {sign} {self.goal:g} | {holds} | {self.note} |"


def whole_ingest() -> list[Figure]:
    """The command against the same domain calls bare; then the same command again, with nothing to do."""
    catalogue = str(build(BUILD))
    ours, bare, again = [], [], []
    with prefect_server() as url:
        for _ in range(ROUNDS):
            with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
                bare.append(timed([PYTHON, "-m", "benchmarks.bare_ingest", catalogue], {"SWATCHBOOK_HOME": one}))
                environment = {"SWATCHBOOK_HOME": two, "PREFECT_API_URL": url}
                ours.append(timed([SWATCHBOOK, "ingest", catalogue], environment))
                again.append(timed([SWATCHBOOK, "ingest", catalogue], environment))
    note = f"medians {median(ours):.1f} s and {median(bare):.1f} s, 71 pages"
    return [
        Figure("whole ingest ÷ bare domain calls", median(ours) / median(bare), 1.05, note=note),
        Figure("unchanged rerun ÷ first", median(again) / median(ours), 0.03, note=f"median {median(again):.2f} s"),
    ]


def memory() -> list[Figure]:
    """Peak PSS of one ingest, and of one with four times the pages."""
    once, fourfold = build(BUILD), build(BUILD, repeat=4)
    with prefect_server() as url:
        peaks = []
        for catalogue in (once, fourfold):
            with tempfile.TemporaryDirectory() as home:
                environment = {"SWATCHBOOK_HOME": home, "PREFECT_API_URL": url}
                peaks.append(peak_pss_mb([SWATCHBOOK, "ingest", str(catalogue)], environment))
    return [
        Figure("peak PSS of one ingest, GB", peaks[0] / 1024, 0.8, note="children in, Prefect server apart"),
        Figure(
            "peak PSS, 4 × the pages ÷ 1 ×", peaks[1] / peaks[0], 1.2, note=f"{peaks[1]:.0f} and {peaks[0]:.0f} MiB"
        ),
    ]


def documents() -> list[Figure]:
    """Peak PSS of one process that takes in many different catalogues."""
    from benchmarks.documents import DOCUMENTS, measure

    peaks = measure(DOCUMENTS)
    told = ", ".join(f"{peaks[n - 1]:.0f} ({n})" for n in (1, DOCUMENTS // 2, DOCUMENTS))
    note = f"MiB while at work on document: {told}; children in, Prefect server apart"
    return [Figure(f"peak PSS of {DOCUMENTS} documents in one process, GB", max(peaks) / 1024, 1.5, note=note)]


def images() -> list[Figure]:
    """A folder of small pictures: the command against the bare work and against its second run."""
    from benchmarks.images import PICTURES, measure

    m = measure(PICTURES)
    (wall, processor), cores, count = m.whole, psutil.cpu_count() or 1, f"{PICTURES:,} small images"
    return [
        Figure(
            f"ingest of {count} ÷ bare decode, encode and write", wall / m.bare, 1.15,
            note=f"{wall:.0f} and {m.bare:.0f} s",
        ),
        Figure(
            f"ingest of {count}, a second", PICTURES / wall, 45, at_least=True, note=f"bare {PICTURES / m.bare:.0f}"
        ),
        Figure(
            f"share of {cores} cores that this ingest keeps busy", processor / wall / cores, 0.85, at_least=True,
            note="start and end included, Prefect's server not",
        ),
        Figure(f"unchanged rerun of {count} ÷ first", m.again / wall, 0.03, note=f"{m.again:.2f} s"),
    ]  # fmt: skip


def peers() -> list[Figure]:
    """Our decoding, encoding and writing of small pictures against Daft and Ray with the same encoder."""
    from benchmarks.peers import PEERS, PICTURES, race

    spent = race(rounds := 2)
    figures = []
    for peer in PEERS:
        name = f"speed of decoding, vectors of all default roles and LanceDB write ÷ of {peer.title()}"
        rates = " and ".join(f"{PICTURES / spent[side]:.0f}" for side in ("swatchbook", peer))
        note = f"{rates} images a second, {PICTURES:,} small images, medians of {rounds}"
        figures.append(Figure(name, spent[peer] / spent["swatchbook"], 1, at_least=True, note=note))
    return figures


def publishing() -> list[Figure]:
    """Our batches against the Weaviate client's object-by-object way, on a real server."""
    from benchmarks.publishing import speedup

    value, note = speedup(ROUNDS)
    return [Figure("speed of publishing ÷ of the per-object path (Weaviate)", value, 2.0, at_least=True, note=note)]


def three_at_once() -> list[Figure]:
    """Three ingests side by side against one, on servers."""
    from benchmarks.three import measure

    measured = measure(1)
    return [
        Figure("three ingests at once ÷ one, wall", measured.ratio, 3.2, note=measured.note),
        Figure("peak PSS of each of three, GB", measured.peak_mb / 1024, 1.5, note="children in, servers apart"),
    ]


def pool() -> list[Figure]:
    """Shards in containers against the same inline, on the same processors."""
    from benchmarks.pool import FEW, SLOTS, measure, measure_slots

    m, (several, one) = measure(), measure_slots()
    allowed = m.inline + m.start.whole
    note = f"{m.pool:.0f} s and {m.inline:.0f} s + {m.start.whole:.1f} s"
    parts = f"created {m.start.created:.1f} s, imports {m.start.imported:.1f} s, models"
    return [
        Figure(f"pool of {SLOTS} ÷ (inline + a container's start), wall", m.pool / allowed, 1.25, note=note),
        Figure(
            "start of a container to its first batch ÷ bare container with the same models",
            m.start.whole / m.bare, 1.5, note=f"{parts} {m.start.loaded:.1f} s; bare {m.bare:.1f} s",
        ),
        Figure("processor share of the parent, while shards work", m.parent, 0.05, note="of one processor"),
        Figure(
            f"{SLOTS} containers ÷ one, whole ingest of {FEW} pictures, wall", several / one, 0.65,
            note=f"{several:.0f} and {one:.0f} s, start-up included",
        ),
    ]  # fmt: skip


def providers() -> list[Figure]:
    """A provider's limit, and a mix of faults, against a server of our own."""
    from benchmarks.providers import FAULTY, LIMIT, QUESTIONS, goodput, storm

    whole, met = goodput(told=True), storm()
    note = f"{QUESTIONS} questions, {FAULTY:.0%} of {met.calls} calls faulty"
    return [
        Figure(
            f"goodput ÷ a provider's {LIMIT} calls a minute", whole.goodput, 0.95, at_least=True,
            note=f"1.5 ± 0.5 s latency; {whole.refused:.1%} refused",
        ),
        Figure("calls sent while told to wait ÷ calls", met.early, 0.02, note=note),
        Figure("answers paid for twice", met.twice, 0, note=note),
        Figure("questions neither answered nor named", met.lost, 0, note=f"{met.named} named: the model refused"),
    ]  # fmt: skip


def reading() -> list[Figure]:
    """Text and census of the sample, against the same calls bare and two other readers; its pictures."""
    from benchmarks.reading import measure

    catalogue = build(BUILD)
    m = measure(catalogue, pages=71, rounds=ROUNDS)
    name = "speed of reading text and census, with the child's start, ÷ of"
    return [
        Figure(
            f"{name} the same calls bare", m.bare / m.ours, 0.80, at_least=True,
            note=f"{m.ours:.2f} and {m.bare:.2f} s, the sample, without OCR",
        ),
        Figure(
            f"{name} the same calls bare, asking which rasters are worth OCR", m.bare / m.asked, 0.80, at_least=True,
            note=f"{m.asked:.2f} s; 43 rasters beside text are rendered small",
        ),
        Figure(
            f"{name} pdfplumber's words", m.words_page / m.page, 1.4, at_least=True,
            note=f"{1000 * m.page:.0f} and {1000 * m.words_page:.0f} ms a page",
        ),
        Figure(
            f"{name} docling's parser, without its models", m.parsed_page / m.page, 1, at_least=True,
            note=f"{1000 * m.page:.0f} and {1000 * m.parsed_page:.0f} ms a page",
        ),
        Figure(
            f"{name} pymupdf4llm's layout mode", m.layout_page / m.page, 50, at_least=True,
            note=f"{1000 * m.page:.0f} and {1000 * m.layout_page:.0f} ms a page",
        ),
        Figure("pictures of a page at the median, without OCR, ms", 1000 * m.pictures_page, 100),
        Figure(
            "OCR of a page at one thread, s", m.printed_page, 1.0,
            note=f"processor; mean of a scan of the sample, at most {m.printed_most:.2f} s",
        ),
        Figure(
            "two processes that read and extract ÷ one, speed", 2 * m.one / m.two, 1.7, at_least=True,
            note=f"{m.two:.1f} s for two, {m.one:.1f} s for one",
        ),
    ]  # fmt: skip


def concurrent() -> list[Figure]:
    """A whole ingest with slow models elsewhere: 71 pages, 11 products, 256 images, ten calls at once."""
    from benchmarks.concurrent import AT_ONCE, IMAGE_SECONDS, METADATA_SECONDS, measure

    m = measure(SWATCHBOOK)
    note = (
        f"{m.products} products at {METADATA_SECONDS:.0f} s, {m.images} images at {IMAGE_SECONDS:.0f} s, {AT_ONCE} at "
        f"once; its calls one after the other take {m.sequential:.0f} s"
    )
    return [Figure("whole ingest with models elsewhere, seconds", m.whole, 120, note=note)]


def startup() -> list[Figure]:
    """What is waited for before the work begins, against `import torch` and the bare domain calls."""
    from benchmarks.startup import ingest, reading_commands

    small = build(BUILD, small=True)
    spent = reading_commands(ROUNDS, small)
    torch = spent["torch"]
    figures = []
    for name, what, goal in (("status", "`status`", 0.33), ("search", "`search TEXT`", 0.5)):
        mine = spent[name]
        note = f"processor {mine.cpu:.2f} and {torch.cpu:.2f} s, wall {mine.wall:.2f} and {torch.wall:.2f} s"
        figures.append(Figure(f"{what} ÷ `import torch`", mine.cpu / torch.cpu, goal, note=note))
    m = ingest(1, build(BUILD), small)
    ratio, note = m.whole.wall / m.bare.wall, f"wall {m.whole.wall:.1f} and {m.bare.wall:.1f} s"
    return [
        *figures,
        Figure("ingest from a cold shell, no Prefect server ÷ bare domain calls", ratio, 1.6, note=note),
        Figure("of it until the first page is read, seconds", m.first_page, 4, note="wall"),
    ]  # fmt: skip


def traces() -> list[Figure]:
    """An ingest that sends traces against one that does not."""
    from benchmarks.traces import measure

    with prefect_server() as url:
        m = measure(SWATCHBOOK, build(BUILD), url, 2)
    rounds = f"rounds {m.least:.3f} to {m.most:.3f}"
    note = f"{m.spans} spans; processor {m.traced.cpu:.1f} and {m.plain.cpu:.1f} s; {rounds}"
    return [Figure("ingest with traces ÷ without, processor time", m.ratio, 1.02, note=note)]


def folders() -> list[Figure]:
    """A folder of 50,000 files that has not changed, and by how much memory grows with each file."""
    from benchmarks.folders import FILES, measure

    tenth, whole = measure(FILES // 10), measure(FILES)
    wall = f"wall {whole.again.wall:.1f} s, load {os.getloadavg()[0]:.0f}; {tenth.again.cpu:.1f} s with a tenth of them"
    name = f"unchanged run of a folder of {FILES:,} files, processor seconds"
    figures = [Figure(name, whole.again.cpu, 5, note=wall)]
    for what, one, ten in (("unchanged run", tenth.again_mb, whole.again_mb), ("scan", tenth.scan_mb, whole.scan_mb)):
        grown = (ten - one) * (1 << 20) / (FILES - FILES // 10)
        note = f"peaks {ten:.0f} and {one:.0f} MiB, of {FILES:,} and {FILES // 10:,} files"
        figures.append(Figure(f"peak PSS of its {what}, bytes more with each file", grown, 200, note=note))
    return figures


def statistics() -> list[Figure]:
    """What people ask of a ledger with a million items; on SQLite processor time, on PostgreSQL the server's wall."""
    from benchmarks.ledger import MOST, database
    from benchmarks.statistics import CANDIDATES, measure

    figures = []
    for kind, unit, part, goal in (
        ("sqlite", "SQLite, processor seconds", ", processor", 20),
        ("postgresql", "PostgreSQL, seconds", "", 10),
    ):
        spent = dict[str, float]()
        with database(kind) as url:
            measure(url, MOST, spent.__setitem__)
        for what, phase, most in (
            (f"statistics with coverage of {MOST:,} items", "statistics, the whole", goal),
            (f"coverage alone of {MOST:,} items", "coverage", goal),
            (f"first {CANDIDATES:,} candidates of a backfill in {MOST:,} items", "1,000 candidates", 2),
        ):
            note = f"wall {spent[phase]:.2f} s, load {os.getloadavg()[0]:.0f}"
            figures.append(Figure(f"{what}, {unit}", spent[phase + part], most, note=note))
    return figures


def price_lists() -> list[Figure]:
    """A price list of 704 rows on 22 pages as a whole ingest, and with twice as many rows a page."""
    from benchmarks.price_lists import PAGES, ROWS, make_price_list, measure

    with tempfile.TemporaryDirectory() as folder:
        once, twice = (
            measure(make_price_list(Path(folder) / f"rows-{rows}.pdf", rows=rows)) for rows in (ROWS, 2 * ROWS)
        )
    name = f"of a price list of {ROWS * PAGES} rows on {PAGES} pages"
    wall = f"wall {once.wall:.0f} s at load {os.getloadavg()[0]:.0f}, with Prefect's temporary server"
    more = "such an ingest with twice the rows a page ÷ once"
    both = f"{twice.processor:.0f} and {once.processor:.0f} s"
    return [
        Figure(f"whole ingest {name}, processor seconds", once.processor, 60, note=wall),
        Figure(f"peak PSS {name}, GB", once.peak / 1024, 1.3, note="children and Prefect's temporary server in"),
        Figure(f"{more}, processor seconds", twice.processor / once.processor, 2.2, note=both),
        Figure(f"{more}, peak PSS", twice.peak / once.peak, 1.3, note=f"{twice.peak:.0f} and {once.peak:.0f} MiB"),
    ]  # fmt: skip


def web(images: int = 10_000) -> list[Figure]:
    """The service at so many images: its first page, people who use it while catalogues are ingested, and a burst."""
    from benchmarks.web import measure, prepare

    with tempfile.TemporaryDirectory() as temporary:
        prepare(home := Path(temporary) / "home")
        return web_figures(measure(home, lambda told: print(told, flush=True), images), images)


def web_figures(m: "web_page.Measured", images: int) -> list[Figure]:
    """Return the figures of a measured service on so many images."""
    from benchmarks.web import AT_ONCE, KINDS, PEOPLE, part

    def times(seconds: Sequence[float]) -> str:
        return f"{1000 * median(seconds):.0f} and {1000 * part(seconds, 0.95):.0f} ms"

    first, facets = (f"{1000 * median(each):.0f} ms" for each in (m.first, m.facets))
    note = f"median {first}; the filters, which are loaded after it, {facets}"
    at = f"at {images:,} images"
    figures = [Figure(f"first page of results {at}, p95, ms", 1000 * part(m.first, 0.95), 150, note=note)]
    for people, load in m.loads.items():
        asked = sum(map(len, load.seconds.values()))
        every = (
            f"each asks once in {PEOPLE[people]:g} s while catalogues are ingested; {load.refused} of {asked} refused"
        )
        by_kind = ", ".join(f"{kind} {times(load.seconds[kind])}" for kind in KINDS)
        slowest = max(part(load.seconds[kind], 0.95) for kind in KINDS)
        name = f"slowest p95 of words, picture and browsing {at}, ms, people: {people}"
        figures.append(Figure(name, 1000 * slowest, 500, note=f"{every}; p50 and p95: {by_kind}"))
    ours, bare = (median(each["words"]) for each in (m.loads[1].seconds, m.bare))
    told = "; ".join(f"{kind} {times(seconds)}" for kind, seconds in m.bare.items())
    spent, answers = m.burst
    busiest = m.loads[max(m.loads)].ingest
    return [
        *figures,
        Figure(
            f"page of words, one person ÷ bare LanceDB with its vectors, nothing beside it, {at}, p50", ours / bare, 10,
            note=f"bare, p50 and p95: {told}",
        ),
        Figure(f"that ingest ÷ alone, {max(m.loads)} people", busiest / m.alone, 1.3,
               note=f"{busiest:.1f} and {m.alone:.1f} s"),
        Figure(f"{AT_ONCE} searches at once {at}, seconds to the last answer", spent, 10,
               note=f"{answers.get(200, 0)} answered, {AT_ONCE - answers.get(200, 0)} told to wait"),
        Figure("memory of the service a minute later ÷ before all people", m.memory[2] / m.memory[0], 1.25,
               note=f"PSS {', '.join(f'{each:.0f}' for each in m.memory)} MiB: before, right after, a minute later"),
    ]  # fmt: skip


def many() -> list[Figure]:
    """Searches of one person and of ten at 3,000 images; two hundred at once, and a user beside them."""
    from benchmarks.many import IMAGES, PEOPLE, SEARCHES, measure, prepare

    with tempfile.TemporaryDirectory() as home:
        prepare(Path(home))
        rounds = measure(Path(home), 3)
    alone, people, burst, cpu, client, beside = (median(each) for each in zip(*rounds, strict=True))
    at = f"at {IMAGES:,} images"
    return [
        Figure(f"search of one person {at}, median, ms", alone, 12),
        Figure(f"searches of {PEOPLE} people {at}, each one after the other, a second", people, 150, at_least=True),
        Figure(
            f"{SEARCHES} different searches at once {at}, a second", burst, 150, at_least=True,
            note=f"of a core for each: the service {cpu:.0f} ms, the client {client:.1f} ms",
        ),
        Figure("p95 of a user beside such a burst, ms", beside, 500),
    ]  # fmt: skip


def scale() -> list[Figure]:
    """Both indexes with two roles of 768 generated numbers, up to 100,000 images."""
    from benchmarks.scale import STORE as KEPT
    from benchmarks.scale import main as measure
    from benchmarks.scale_model import write_page

    for kind in ("lance", "weaviate"):
        measure(kind, ())
    write_page()
    return scale_figures(json.loads(KEPT.read_text()))


def scale_figures(kept: Mapping[str, Any]) -> list[Figure]:
    """Return the figures of the largest size that was measured of each index."""
    figures = []
    for kind, name, goal in (("lance", "LanceDB", 25), ("weaviate", "Weaviate", 50)):
        most = kept[kind]["sizes"][-1]
        of = f"{name}, {most['images']:,} images, two roles"
        note = f"best of 3; median {most['p50']:.0f} ms, load {most['load']:.0f}"
        figures.append(Figure(f"p95 of a search in {of}, ms", most["p95"], goal, note=note))
        for what, filtered in (("recall", ""), ("recall_filtered", ", filter of 1 %")):
            figures.append(Figure(f"recall@10 in {of}{filtered}", most[what], 0.97, at_least=True))
        if most["p95_flat"] is not None:
            figures.append(Figure(f"p95 of comparing every vector in {of}, ms", most["p95_flat"], 200, note=note))
        if publishing := kept[kind].get("publishing"):
            ratio = publishing["ours"] / publishing["bare"]
            rates = f"{publishing['ours']:.0f} and {publishing['bare']:.0f} images a second"
            figures.append(
                Figure(f"speed of publishing ÷ bare client with batches, {name}", ratio, 0.8, at_least=True, note=rates)
            )
    return figures


BENCHMARKS: Mapping[str, Callable[[], list[Figure]]] = {
    "ingest": whole_ingest,
    "memory": memory,
    "images": images,
    "peers": peers,
    "many": many,
    "startup": startup,
    "reading": reading,
    "web": web,
    "price_lists": price_lists,
    "concurrent": concurrent,
    "three": three_at_once,
    "documents": documents,
    "traces": traces,
    "providers": providers,
    "publishing": publishing,
    "statistics": statistics,
    "folders": folders,
    "scale": scale,
    "pool": pool,
    "web_large": partial(web, 100_000),
}
"""In the order in which they run: what builds images, or takes long, is last."""


SHIPPED = ("swatchbook", "flows", "tasks", "blocks", "deployments", "packages/*/swatchbook_*", "requirements.lock")
MODULES: Mapping[str, Sequence[str]] = {
    "price_lists": ("packages/catalogue", "packages/base"),
    "providers": ("packages/providers", "swatchbook/models", "swatchbook/store/ledger"),
    "publishing": ("swatchbook/index", "swatchbook/store/ledger", "swatchbook/ingest/publish.py"),
    "reading": ("packages/catalogue", "packages/base"),
    "statistics": ("swatchbook/store/ledger", "swatchbook/upkeep"),
    "traces": ("swatchbook/domain",),
}
"""Benchmark -> what it measures, if that is not all that is shipped: a change there makes its figures older."""


def main(names: list[str]) -> int:
    """Run the benchmarks and write the figures of each when it ends; 1 when one fails or misses its goal."""
    kept = json.loads(STORE.read_text()) if STORE.exists() else {}
    failed, held = list[str](), True
    for name in [] if names == ["older"] else names or list(BENCHMARKS):
        started = time.monotonic()
        try:
            figures = BENCHMARKS[name]()
        except Exception:  # noqa: BLE001 — the others are measured all the same
            traceback.print_exc()
            failed.append(name)
        else:
            rows = [figure.row() for figure in figures]
            print(*rows, sep="\n")
            held &= all(figure.holds for figure in figures)
            commit = _git("rev-parse", "--short=8", "HEAD").stdout.strip()
            kept[name] = {"at": datetime.now(UTC).date().isoformat(), "commit": commit, "rows": rows}
            write(kept)
        print(f"{name}: {time.monotonic() - started:.0f} s", flush=True)
    write(kept)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 0 if held and not failed else 1


def write(kept: Mapping[str, Mapping[str, Any]]) -> None:
    """Write the rows of the benchmarks that there are, in their order."""
    ours = {name: kept[name] for name in BENCHMARKS if name in kept}
    STORE.write_text(json.dumps(ours, indent=2, ensure_ascii=False) + "\n")
    RESULTS.write_text(as_markdown(ours, {name for name, of in ours.items() if is_older(name, of.get("commit"))}))


def is_older(name: str, commit: str | None, root: Path = RESULTS.parents[1]) -> bool:
    """Return whether what a benchmark measures has changed since a commit, or the commit is not known."""
    return (
        commit is None or _git("diff", "--quiet", commit, "--", *MODULES.get(name, SHIPPED), root=root).returncode != 0
    )


def _git(*arguments: str, root: Path = RESULTS.parents[1]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)


REASONS = """
What misses its goal, and why:

- *10,000 small images.* Two cores are busy for 89 % of the ingest, and compute a fifth more than in the bare work:
  leases, results and publishing in the ledger, and Prefect's client. The bare work makes 35 a second on this machine.
- *Daft.* Of 14.8 s for 1,200 pictures the calls that all sides share take 14.0. Decoding in children that may die takes
  0.5, and merging by id into a table for each role 0.4, partly at the same time.
- *Searches at 3,000 images.* The benchmark measures a service that has just started: its first searches fill the cache
  of what is read from the ledger. Without HTTP they take 35 ms, later ones 22, of which 6 are the text encoder on one
  core. Most of the rest is Python, which judges and fuses 250 results of copies of the sample. One process answers
  all, so the second core is hardly used.
- *`search TEXT`.* Most of it is imports: LanceDB with pyarrow and pandas, and where all extras are installed, as here,
  Azure's client, which LanceDB looks for.
- *Reading, against bare calls, with asking.* The 43 rasters beside text of the sample are rendered small, four of them
  searched for flat ground; none is read. That, and importing OpenCV for it, takes twice as long as the text itself.
- *Reading, against pymupdf4llm.* The same calls bare, without a child, would be 47 times as fast as its layout mode.
- *Two processes that read.* 1.84 an hour later and 2.01 the day before: runs of 5 s on two cores differ so much.
- *First pages at 10,000 images.* Of 130 searches the first eleven take up to 0.7 s, as they fill that cache. Later ones
  take 22 to 90 ms, three of them 0.19 s.
- *The service while catalogues are ingested.* A first page takes 62 ms at the median alone and words 270 ms beside an
  ingest, which keeps both cores busy, though at a lower priority; a search by picture also runs the network.
- *The service at 100,000 images.* The cache holds what searches read of 10,000 images. At 100,000 each search reads
  about 65 products from the ledger again, with 1,600 chunks and 1,500 pictures (the sample's products have so many):
  120 of its 230 ms. Of 300 searches at once most wait, and are refused after 8 s.
- *Memory of folders.* 10 MiB more for 50,000 files than for 5,000; with 100,000 files a scan took 146 bytes each.
- *Traces.* The rounds of one run differ by 6 %, which is more than the goal.
- *LanceDB, a search in two roles.* LanceDB alone takes 25 ms for one of 10,000 images: row "page of words".
- *Containers.* A shard imports for 3.2 s and loads models for 0.8 s. One container alone takes 47 s, as it has both
  cores; two take 35 s.
- *Weaviate, a search in two roles.* 42 ms the day before, with the same client and server. Why was not looked for.
- *Comparing every vector in LanceDB.* No search of Swatchbook does it above 20,000 rows: the vector index finds the
  same in 33 ms. It reads 614 MB from the system's cache of files for both roles.

About some of the others:

- *Daft and Ray.* All sides call the same network and functions with the same threads: with 100 pictures, ours four
  times at once with 20. Ours decodes in children that may die and merges by id into a table for each role; Daft and Ray
  decode in their own processes and append to one table, without looking for ids.
- *docling.* Its layout and table models have to be downloaded, so only its parser is compared. Its names of products
  are in the [leaderboard](catalogues/LEADERBOARD.md).
- *Publishing to LanceDB.* Of 25 ms for a batch LanceDB's merge takes 16, the terms of keyword search 3.5.
- *Ingest from a cold shell.* Its pages are read while Prefect's temporary server starts, so what is left beside the
  bare calls is under a second.
- *Many documents in one process.* It once grew by 70 MB a document (nine real catalogues: 2.4 GB): memory that was
  freed, and that the C library kept.
"""
STORE = Path(__file__).with_name("results.json")


def as_markdown(kept: Mapping[str, Mapping[str, Any]], older: Collection[str]) -> str:
    """Return the table of all rows, each with its day and commit, and the reasons for what misses its goal."""
    lines = [
        "# Measured",
        "",
        f"By `make bench` on {psutil.cpu_count()} cores and {psutil.virtual_memory().total / 2**30:.0f} GiB, no GPU. "
        "Ratios are of medians; both sides run in turn in one run. Older: what was measured has changed since.",
        "",
        "| what | measured | goal | holds | how | measured at |",
        "| --- | ---: | ---: | --- | --- | --- |",
    ]
    for name, of in kept.items():
        at = " ".join(filter(None, (of["at"], of.get("commit"), "older" if name in older else "")))
        lines += [f"{row} {at} |" for row in of["rows"]]
    return "\n".join(lines) + "\n" + REASONS


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
