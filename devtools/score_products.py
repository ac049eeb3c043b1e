"""Score products against labels that a person made: what the layout rules find in labelled PDFs without an ingest, for
which only the pure stages run, or what is stored of ingested catalogues.

Usage: python -m devtools.score_products LABELS PDFS [NAME…] [--links] [--facts] [--given] [--keep FOLDER] [--errors]
       python -m devtools.score_products LABELS [--owner NAME] [--links] [--facts] [--errors]
       python -m devtools.score_products --edited [--owner NAME] [--links] [--facts] [--errors]
LABELS holds NAME.json, PDFS NAME.pdf. Without PDFS the documents are those of an owner in the collection that the
settings name, found by their SHA-256. With `--edited` the labels are the edits by hand, of the documents that have
some: what was not edited counts as right.
`--links` also extracts and links pictures, `--facts` reads tables and describes products; of ingested catalogues both
only print more. With `--given` the names are those of the labels, where any text says them: what is said of a product
is then measured on catalogues whose products are not found, too. `--keep` keeps what was read of each PDF, so that the
next run does not read it again (reading a scan takes seconds a page). `--errors` names what is missed and wrong.
`--json` prints everything as JSON instead; `--compare RESULT.json`, an earlier such output, names what was won and
lost.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from devtools.evaluation.facts import FieldScore
from devtools.evaluation.links import Placed, SaidLink
from devtools.evaluation.score import Answer, Score, match_products, score
from devtools.evaluation.stored import score_edited, score_stored
from devtools.evaluation.summary import Evaluation, evaluate, read_evaluation
from devtools.evaluation.truth import Truth, read_truths
from swatchbook.domain.records import (
    DEFAULT_OWNER,
    Description,
    Discovery,
    Extraction,
    FoundProduct,
    IngestOptions,
    LinkKind,
    Page,
    Plan,
    Product,
    Reading,
    Tables,
)
from swatchbook.domain.settings import Settings, load_settings
from swatchbook.doors.cli.terminal import say_json
from swatchbook.ingest.cache_keys import stage_key
from swatchbook.read_ahead import find_reading, keep_reading
from swatchbook.resources import open_resources
from swatchbook.store.files.file_store import Files, open_files
from swatchbook_base.check_file import check_file
from swatchbook_base.reading import iter_pages
from swatchbook_catalogue import describe, discover, plan
from swatchbook_catalogue.choose_names import Choice, Weights, choose_names
from swatchbook_catalogue.extract import extract
from swatchbook_catalogue.link import link
from swatchbook_catalogue.name_groups import NameGroup
from swatchbook_catalogue.pdf import reader

CHANGES: Final = (
    ("+ found", "won"),
    ("- missed", "lost"),
    ("+ no longer wrong", "no_longer_wrong"),
    ("- wrong", "newly_wrong"),
    ("+ linked", "links_won"),
    ("- not linked", "links_lost"),
    ("+ said", "facts_won"),
    ("- not said", "facts_lost"),
)
"""What a change lists, better (+) or worse (-), and its field."""


def main() -> None:
    """Print a line for each document, the summary and what changed; exit with 1 if a document is absent."""
    given = _arguments()
    before = None if given.compare is None else read_evaluation(given.compare)
    found, absent = (_score_pdfs(given), ()) if given.pdfs else _score_collection(given)
    scores = []
    for one in found:
        scores.append(one)
        if not given.json:
            _print_score(one, given)
    evaluation = evaluate(scores, absent=absent, before=before)
    say_json(evaluation) if given.json else _print_summary(evaluation, facts=given.facts)
    for slug in absent:
        print(f"{slug} is not scored: its document is not ingested, or not completed.", file=sys.stderr)
    if absent or not scores:
        sys.exit(1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(usage=(__doc__ or "").split("Usage: ")[1])
    parser.add_argument("labels", type=Path, nargs="?")
    parser.add_argument("pdfs", type=Path, nargs="?")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--errors", action="store_true")
    parser.add_argument("--links", action="store_true")
    parser.add_argument("--facts", action="store_true")
    parser.add_argument("--given", action="store_true")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--edited", action="store_true")
    parser.add_argument("--owner", default=DEFAULT_OWNER)
    parser.add_argument("--compare", type=Path)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_intermixed_args()
    if given.edited == (given.labels is not None):
        parser.error("give either LABELS or --edited")
    return given


def _score_pdfs(given: argparse.Namespace) -> Iterator[Score]:
    """Yield the score of what the pure stages find in each PDF."""
    one = partial(_score, given.labels, given.pdfs, given.keep, given.links, given.facts, given.given)
    yield from score_each(one, given.labels, given.pdfs, given.names)


def score_each(one: Callable[[str], Score], labels: Path, pdfs: Path, names: Sequence[str]) -> Iterator[Score]:
    """Yield what `one` gives for each of these names, by default for all labels whose PDF is there."""
    there = (path.stem for path in labels.glob("*.json") if (pdfs / path.name).with_suffix(".pdf").exists())
    with ProcessPoolExecutor() as processes:
        yield from processes.map(one, names or sorted(there))


def _score_collection(given: argparse.Namespace) -> tuple[Sequence[Score], Sequence[str]]:
    """Return the scores of what is stored, and the slugs of documents that are not completed."""
    with open_resources(load_settings()) as resources:
        if given.edited:
            return score_edited(resources.ledger, given.owner), ()
        return score_stored(resources.ledger, given.owner, read_truths([given.labels]))


def _print_score(one: Score, given: argparse.Namespace) -> None:
    print(row(one, links=given.links, facts=given.facts), flush=True)
    for sign, listed in _errors(one, links=given.links) if given.errors else ():
        for name in listed:
            print(f"    {sign}: {name}")


def _print_summary(evaluation: Evaluation, *, facts: bool) -> None:
    """Print the figures of all documents, and by name what changed."""
    summary = evaluation.summary
    for name, value in summary.model_dump(exclude_none=True, exclude={"facts"}).items():
        if isinstance(value, dict):
            value = ", ".join(f"{what} {share:.3f}" for what, share in value.items())
        print(f"{name}: {value:.3f}" if isinstance(value, float) else f"{name}: {value}")
    if summary.facts and facts:
        print(f"facts precision: {summary.facts.precision}\nfacts recall: {summary.facts.recall}")
        for field in (*summary.facts.fields, summary.facts.total):
            print(_field(field))
    if evaluation.changes == ():
        print("Nothing changed.")
    for change in evaluation.changes or ():
        print(f"{change.slug}: F1 {change.f1_before:.2f} → {change.f1:.2f}")
        for what, listed in CHANGES:
            for name in getattr(change, listed):
                print(f"    {what}: {name}")


def _errors(one: Score, *, links: bool) -> list[tuple[str, tuple[str, ...]]]:
    of_links = [("wrong link", one.links.wrong)] if links else []
    of_facts = [("fact missed", one.facts.missed), ("fact wrong", one.facts.wrong)]
    return [("missed", one.missed), ("wrong", one.wrong), *of_links, *of_facts]


def _field(field: FieldScore) -> str:
    rates = f"P {field.precision or 0:.2f} of {field.said:3}  R {field.recall or 0:.2f} of {field.labels:3}"
    return f"    {field.field:16} {rates}"


def row(one: Score, *, links: bool, facts: bool) -> str:
    text = f"{one.slug:16} F1 {one.f1:.2f}  P {one.precision:.2f}  R {one.recall:.2f}  "
    text += f"{len(one.found):3} found of {one.products:3}, {one.said:3} said, {one.neutral:2} at another grain"
    if links:
        shares = (one.links.precision_of_found, one.links.recall_of_found, one.links.right_roles)
        shown = ("–" if share is None else f"{share:.2f}" for share in shares)
        text += "  links of found P {} R {}  roles {}".format(*shown)
    return text + "".join(f"\n{_field(field)}" for field in (one.facts.fields if facts else ()))


def _score(labels: Path, pdfs: Path, keep: Path | None, links: bool, facts: bool, given: bool, name: str) -> Score:
    (truth,) = read_truths([labels / f"{name}.json"])
    choose = partial(labelled_names, truth) if given else choose_names
    return score(truth, run_stages(pdfs / f"{name}.pdf", keep=keep, links=links, facts=facts, choose=choose))


def labelled_names(truth: Truth, groups: Sequence[NameGroup], _: object) -> Choice | None:
    """Return the texts of any group that say the labelled names, of several for a name the largest."""
    found = {c for group in groups for c in group.candidates}
    texts = sorted(found, key=lambda c: (-c.text.size, c.text.page, c.text.box, c.name))
    said = tuple(
        FoundProduct(name=c.name, raw_name=c.text.text, first_page=page, last_page=page, pages=(page,), confidence=1.0)
        for c in texts
        for page in [c.text.page]
    )
    products = describe.assemble_products("document", Discovery(products=said), [Description(metadata={})] * len(said))
    chosen = {texts[n] for n in match_products(truth.products, products).values()}
    if not chosen:
        return None
    return Choice(
        candidates=tuple(sorted(chosen, key=lambda c: (c.text.page, c.text.box[1], c.text.box[0]))),
        joined=frozenset(),
        styles=frozenset(c.text.style for c in chosen),
        probability=1.0,
        probabilities=dict.fromkeys(chosen, 1.0),
        codes={},
    )


class Result(NamedTuple):
    """What the stages make of a PDF; `pages` are those that are not skipped."""

    reading: Reading
    discovery: Discovery
    products: Sequence[Product]
    plan: Plan
    extraction: Extraction
    pages: Sequence[Page]


def run_stages(
    path: Path,
    *,
    keep: Path | None = None,
    links: bool = False,
    facts: bool = False,
    weights: Weights | None = None,
    choose: discover.Choose = choose_names,
) -> Answer:
    """Return what the layout rules find in a PDF. `keep`: folder that keeps what was read of it; `weights`: those that
    choose the names; `choose`: what does.
    """
    if links:
        return answer_of(catalogue_of(path, keep, facts=facts, choose=choose))
    with _home(keep) as home:
        settings = Settings(home=home)
        files = open_files(settings.files)
        reading = _read(path, files, settings)
        discovery = discover.discover(reading, iter_pages(files, reading), weights, choose=choose)
        products = _products(path, reading, discovery, files, settings, facts=facts)
    return Answer(products, {}, (), reading.page_boxes, discovery.sure)


def answer_of(result: Result) -> Answer:
    """Return the products of a result with their links."""
    extraction = result.extraction
    found = link(result.products, result.discovery, extraction.placements, (), result.pages, extraction.pictures)
    return Answer(
        result.products,
        {each.id: Placed(each.page, each.bbox, each.xref) for each in extraction.placements},
        [SaidLink(each.source, each.target, each.role) for each in found if each.kind is LinkKind.IMAGE_PRODUCT],
        result.reading.page_boxes,
        result.discovery.sure,
    )


def catalogue_of(
    path: Path, keep: Path | None, *, facts: bool = False, choose: discover.Choose = choose_names
) -> Result:
    """Run the stages on a PDF up to its pictures. `keep`: folder that keeps what was read of it; `choose`: what names
    the products.
    """
    return catalogue_by(path, keep, partial(discover.discover, choose=choose), facts=facts)


def catalogue_by(
    path: Path, keep: Path | None, find: Callable[[Reading, Iterator[Page]], Discovery], *, facts: bool = False
) -> Result:
    """Run the stages on a PDF up to its pictures, with the products that `find` finds in its reading and pages."""
    with _home(keep) as home:
        settings = Settings(home=home)
        files = open_files(settings.files)
        reading = _read(path, files, settings)
        discovery = find(reading, iter_pages(files, reading))
        products = _products(path, reading, discovery, files, settings, facts=facts)
        planned = plan.make_plan(reading, iter_pages(files, reading), discovery, focus=True)
        extraction = extract(path, "document", reading, planned, files, settings)
        pages = list(iter_pages(files, reading, pages=planned.shown))
    return Result(reading, discovery, products, planned, extraction, pages)


def _products(
    path: Path, reading: Reading, discovery: Discovery, files: Files, settings: Settings, *, facts: bool
) -> Sequence[Product]:
    """Return the products, with their metadata if `facts`."""
    descriptions = [Description(metadata={})] * len(discovery.products)
    if facts:
        descriptions = _describe(path, reading, discovery, files, settings)
    return describe.assemble_products("document", discovery, descriptions)


def _describe(
    path: Path, reading: Reading, discovery: Discovery, files: Files, settings: Settings
) -> list[Description]:
    key = stage_key("tables", reading.content, settings, IngestOptions(), force=None)
    kept = settings.temporary_folder / f"{key}.json"
    if not kept.exists():
        kept.write_text(reader.tables(path, reading.table_pages, settings).model_dump_json())
    tables = Tables.model_validate_json(kept.read_bytes()).tables
    return describe.describe_all(discovery, iter_pages(files, reading), tables)


@contextmanager
def reading_of(path: Path, keep: Path | None) -> Iterator[tuple[Reading, Iterator[Page]]]:
    """Read a PDF, and its pages while the context lasts. `keep`: folder that keeps what was read for the next time."""
    with _home(keep) as home:
        settings = Settings(home=home)
        files = open_files(settings.files)
        reading = _read(path, files, settings)
        yield reading, iter_pages(files, reading)


@contextmanager
def _home(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        yield keep
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def _read(path: Path, files: Files, settings: Settings) -> Reading:
    key = stage_key("read", check_file(path, settings), settings, IngestOptions(), force=None)
    reading = find_reading(settings, files, key)
    if reading is None:
        reading = reader.read(path, files, settings)
        keep_reading(settings, key, reading)
    return reading


if __name__ == "__main__":
    main()
