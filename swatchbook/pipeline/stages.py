"""The stages of a PDF: read it, find its products, plan its pages, cut its text, extract its pictures, and link them.

For some failures of the language model, the result of the layout rules is used instead, with the reason in the report.
"""

from collections.abc import Collection, Iterator, Sequence
from functools import partial

from swatchbook.catalogue import chunk, describe, discover, link, plan
from swatchbook.catalogue.llm import find_products, scans
from swatchbook.catalogue.llm.find_products import ask_names, ask_products
from swatchbook.catalogue.llm.metadata import ask_metadata
from swatchbook.catalogue.llm.scans import with_scans
from swatchbook.errors import SHARED_POLICIES, Failure, Policy
from swatchbook.ledger import edited_products, stage_results
from swatchbook.ledger.calls import CallContext
from swatchbook.ledger.page_findings import list_lost_pictures, save_page_failures, save_page_notes
from swatchbook.pdf import reader
from swatchbook.pipeline.extract import extract, extract_boxes
from swatchbook.pipeline.run import Work, progress_callback
from swatchbook.providers.messages import ChargedChat
from swatchbook.records import (
    Chunks,
    Description,
    Discovery,
    Extraction,
    FailedPage,
    FoundProduct,
    LostPicture,
    LostState,
    Page,
    Plan,
    Reading,
    Scans,
    Stage,
    StageResults,
    Tables,
)
from swatchbook.resources import Resources
from swatchbook.teacher import find_teacher

# --- 1: read ----------------------------------------------------------------------------------------------------------


def read_pages(resources: Resources, work: Work) -> Reading:
    """Read every page once, or take over the reading that the command line began while Prefect started."""
    progress = progress_callback(resources, work.run, Stage.READ)
    if ahead := resources.readings.pop(work.file, None):
        return ahead.finish(progress)
    with resources.files.local(work.file) as path:
        return reader.read(path, resources.files, resources.settings, progress=progress)


def read_tables(resources: Resources, work: Work, reading: Reading) -> Tables:
    """Read the tables of all pages that have any; pages that fail are listed in `lost`."""
    progress = progress_callback(resources, work.run, Stage.DISCOVERED)
    with resources.files.local(work.file) as path:
        return reader.tables(path, reading.table_pages, resources.settings, progress=progress)


# --- 2: find products -------------------------------------------------------------------------------------------------


def discover_products(resources: Resources, work: Work, reading: Reading, *, last_try: bool) -> Discovery:
    """Find product names and page ranges by the layout rules, and with the language model if the settings say so.

    Where the names are taught, neither is asked; taught codes and prices are those of the layout rules' products. If
    the model cannot answer, the result is that of the layout rules, with the reason in `lost`. Raises failures of the
    provider that are likely to pass.
    """
    taught = work.options.taught
    if taught.names_are_taught:
        return find_teacher().discover(reading, _pages(resources, reading), taught)
    if taught.facts_are_taught:
        by_layout = find_teacher().discover(reading, _pages(resources, reading), taught)
    else:
        by_layout = discover.discover(reading, _pages(resources, reading))
    assists = resources.settings.discovery == "assist"
    only = find_products.open_pages(reading, by_layout) if assists else None
    if resources.settings.discovery == "layout" or (assists and not only):
        return by_layout
    scanned = Scans() if assists and by_layout.products else _read_scans(resources, work, reading)
    chat = ChargedChat(resources.models.llm, CallContext(resources.ledger, work.run, "discover"))
    pages = with_scans(_pages(resources, reading), scanned)
    lost, discovery = scanned.lost, by_layout
    try:
        if only is None:
            discovery = find_products.flag_new(by_layout, ask_products(chat, reading, pages, by_layout), chat.model)
        else:
            by_model = ask_names(chat, reading, pages, by_layout, only=only)
            discovery = find_products.combine(by_layout, by_model, only, chat.model)
    except Failure as failure:
        if not (failure.policy is Policy.NEVER or (failure.policy is Policy.ONCE_MORE and last_try)):
            raise
        lost += (_lost("products", 1, failure, transient=False),)
    return discovery.model_copy(update={"scans": scanned, "lost": lost})


def describe_products(
    resources: Resources, work: Work, reading: Reading, discovery: Discovery, tables: Tables
) -> list[Description]:
    """Read the metadata of every product from the text of its pages by the layout rules, in the discovery's order."""
    return describe.describe_all(discovery, with_scans(_pages(resources, reading), discovery.scans), tables.tables)


def asks_about(resources: Resources, product: FoundProduct) -> bool:
    """Return whether the language model is asked for a product's metadata."""
    mode = resources.settings.discovery
    return mode == "llm" or (mode == "assist" and find_products.is_open(product))


def ask_description(
    resources: Resources,
    work: Work,
    reading: Reading,
    scanned: Scans,
    product: FoundProduct,
    by_layout: Description,
    *,
    last_try: bool,
) -> Description:
    """Ask the language model for the metadata of one product.

    If it fails on the last try, the result is that of the layout rules, with the reason in `lost`.
    """
    pages = list(with_scans(_pages(resources, reading, product.pages), scanned))
    chat = ChargedChat(resources.models.llm, CallContext(resources.ledger, work.run, "describe"))
    try:
        return ask_metadata(chat, product, pages, by_layout)
    except Failure as failure:
        if failure.policy in SHARED_POLICIES or (failure.policy is not Policy.NEVER and not last_try):
            raise
        transient = failure.policy is not Policy.NEVER
        lost = _lost(f"metadata of {product.name}", product.first_page, failure, transient=transient)
        return by_layout.model_copy(update={"lost": (lost,)})


def _lost(what: str, page: int, failure: Failure, *, transient: bool) -> FailedPage:
    message = f"The {what} were read by layout rules alone: {failure}"
    return FailedPage(page=page, kind=failure.kind, message=message, transient=transient)


def _read_scans(resources: Resources, work: Work, reading: Reading) -> Scans:
    if not (scanned := scans.scanned_pages(_pages(resources, reading))):
        return Scans()
    chat = ChargedChat(resources.models.vision, CallContext(resources.ledger, work.run, "discover"))
    with resources.files.local(work.file) as path:
        render = partial(reader.render, path, settings=resources.settings, side=scans.PAGE_SIDE)
        return scans.read_scans(chat, scanned, render)


# --- 3 and 4: plan pages, cut text ------------------------------------------------------------------------------------


def plan_pages(resources: Resources, work: Work, reading: Reading, discovery: Discovery) -> Plan:
    """Classify each page as product, entity or skipped, with the reason."""
    options = work.options
    return plan.make_plan(reading, _pages(resources, reading), discovery, options.focus, taken=options.pages)


def cut_chunks(resources: Resources, work: Work, reading: Reading, planned: Plan, tables: Tables) -> Chunks:
    """Cut the text into hierarchical chunks with their pages, headings and tables."""
    return chunk.chunk(work.document, reading, _pages(resources, reading), planned, tables.tables)


def save_chunks(
    resources: Resources, work: Work, reading: Reading, planned: Plan, tables: Tables, chunks: Chunks
) -> None:
    """Save pages, chunks and the chunks' pending items."""
    ledger = resources.ledger
    stage_results.save_pages(ledger, work.run, reading, planned)
    stored = {reading.pages_file[:64]: reading.pages_file}
    stage_results.save_sizes(ledger, work.run, stored, resources.files.sizes_on_disk(stored.values()))
    save_page_failures(ledger, work.run, tables.lost)
    stage_results.save_chunks(ledger, work.run, chunks)


# --- 5: extract pictures ----------------------------------------------------------------------------------------------


def extract_pictures(resources: Resources, work: Work, reading: Reading, planned: Plan) -> Extraction:
    """Extract images with their placements; equal content is stored once.

    The result is that of the file, for all owners: the ids of its placements are made from its content.
    """
    progress = progress_callback(resources, work.run, Stage.EXTRACTED)
    with resources.files.local(work.file) as path:
        return extract(path, work.content, reading, planned, resources.files, resources.settings, progress=progress)


def save_pictures(resources: Resources, work: Work, reading: Reading, extraction: Extraction) -> Extraction:
    """Save images, placements and their pending items, as a person has taught and taken them in; return all of them.

    `extraction` is what was found. What a person decides is applied in each run, so that it counts at once and the pure
    stage's result stays cached.
    """
    extraction = _amend_pictures(resources, work, reading, extraction.of_document(work.document))
    below = resources.settings.review.below
    stage_results.save_extraction(resources.ledger, work.run, extraction, review_below=below)
    stored = {picture.content_key: picture.file for picture in extraction.pictures}
    stage_results.save_sizes(resources.ledger, work.run, stored, resources.files.sizes_on_disk(stored.values()))
    return extraction


def _amend_pictures(resources: Resources, work: Work, reading: Reading, extraction: Extraction) -> Extraction:
    """Return a document's pictures as a person has taught them, with the parts of pages that were taken in."""
    taught = work.options.taught
    parts: Sequence[LostPicture] = list_lost_pictures(resources.ledger, work.document, LostState.TAKEN)
    if not parts and not taught.pictures_are_taught:
        return extraction
    if taught.pictures_are_taught:
        teacher = find_teacher()
        extraction, drawn = teacher.amend_pictures(resources, work.file, reading, extraction, taught, parts)
        parts = [*parts, *drawn]
    with resources.files.local(work.file) as path:
        added = extract_boxes(
            path, work.document, reading, parts, resources.files, resources.settings, placed=extraction.placements
        )
    return extraction.joined(added)


# --- 7: assemble products ---------------------------------------------------------------------------------------------


def assemble(resources: Resources, work: Work, results: StageResults) -> int:
    """Save products with their links to images and text, mark changed rows dirty, and return the number of products."""
    products = describe.assemble_products(work.document, results.discovery, results.descriptions)
    extraction, shown = results.extraction, results.plan.shown
    pages = _pages(resources, results.reading, shown)
    taught = work.options.taught
    links = link.link(
        products, results.discovery, extraction.placements, results.chunks.chunks, pages, extraction.pictures,
        certain=find_teacher().pairing(taught) if taught.pictures_are_taught else None,
    )  # fmt: skip
    # Read again, not kept: the parsed pages of a long document are too large for memory.
    read_again = _pages(resources, results.reading, shown)
    left = link.find_unassigned(products, extraction.placements, links, read_again)
    described = [page for description in results.descriptions for page in description.lost]
    save_page_failures(resources.ledger, work.run, [*results.discovery.lost, *described])
    save_page_notes(resources.ledger, work.run, results.discovery, left)
    edited_products.save_assembly(resources.ledger, work.run, products, links)
    return len(products)


def _pages(resources: Resources, reading: Reading, numbers: Collection[int] | None = None) -> Iterator[Page]:
    return reader.iter_pages(resources.files, reading, pages=numbers)
