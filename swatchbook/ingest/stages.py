"""The stages of a PDF: read it, find its products, plan its pages, cut its text, extract its pictures, and link them.

What they find is the work of the reader of catalogues (`catalogue_reader.py`). Here it is given a document's file, the
settings and the models, and its results are saved.
"""

from collections.abc import Sequence

from swatchbook.domain.records import (
    Chunks,
    Description,
    Discovery,
    Extraction,
    FoundProduct,
    LostPicture,
    LostState,
    Plan,
    Reading,
    Scans,
    Stage,
    StageResults,
    Tables,
)
from swatchbook.ingest.run import Work, progress_callback
from swatchbook.models.providers.messages import ChargedChat
from swatchbook.resources import Resources
from swatchbook.store.ledger import edited_products, stage_results
from swatchbook.store.ledger.calls import CallContext
from swatchbook.store.ledger.page_findings import list_lost_pictures, save_page_failures, save_page_notes
from swatchbook.teacher import find_teacher
from swatchbook_base.reading import iter_pages

# --- 1: read ----------------------------------------------------------------------------------------------------------


def read_pages(resources: Resources, work: Work) -> Reading:
    """Read every page once, or take over the reading that the command line began while Prefect started."""
    progress = progress_callback(resources, work.run, Stage.READ)
    if ahead := resources.readings.pop(work.file, None):
        return ahead.finish(progress)
    with resources.files.local(work.file) as path:
        return resources.catalogue.read(path, resources.files, resources.settings, progress=progress)


def read_tables(resources: Resources, work: Work, reading: Reading) -> Tables:
    """Read the tables of all pages that have any; pages that fail are listed in `lost`."""
    progress = progress_callback(resources, work.run, Stage.DISCOVERED)
    with resources.files.local(work.file) as path:
        return resources.catalogue.read_tables(path, reading, resources.settings, progress=progress)


# --- 2: find products -------------------------------------------------------------------------------------------------


def discover_products(resources: Resources, work: Work, reading: Reading, *, last_try: bool) -> Discovery:
    """Find product names and page ranges by the layout rules, and with the language model if the settings say so.

    Where the names are taught, neither is asked; taught codes and prices are those of the layout rules' products. If
    the model cannot answer, the result is that of the layout rules, with the reason in `lost`. Raises failures of the
    provider that are likely to pass.
    """
    taught, mode = work.options.taught, resources.settings.discovery
    if taught.names_are_taught or taught.facts_are_taught:
        discovery = find_teacher().discover(reading, iter_pages(resources.files, reading), taught)
    else:
        discovery = resources.catalogue.discover(reading, resources.files)
    if mode == "layout" or taught.names_are_taught:
        return discovery
    charged = CallContext(resources.ledger, work.run, "discover")
    return resources.catalogue.discover_with_model(
        reading, discovery, resources.files, work.file, resources.settings, mode=mode,
        llm=lambda: ChargedChat(resources.models.llm, charged),
        vision=lambda: ChargedChat(resources.models.vision, charged), last_try=last_try,
    )  # fmt: skip


def describe_products(
    resources: Resources, work: Work, reading: Reading, discovery: Discovery, tables: Tables
) -> list[Description]:
    """Read the metadata of every product from the text of its pages by the layout rules, in the discovery's order."""
    return resources.catalogue.describe(reading, resources.files, discovery, tables)


def asks_about(resources: Resources, product: FoundProduct) -> bool:
    """Return whether the language model is asked for a product's metadata."""
    return resources.catalogue.asks_about(product, resources.settings.discovery)


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
    chat = ChargedChat(resources.models.llm, CallContext(resources.ledger, work.run, "describe"))
    return resources.catalogue.describe_with_model(
        reading, resources.files, scanned, product, by_layout, chat, last_try=last_try
    )


# --- 3 and 4: plan pages, cut text ------------------------------------------------------------------------------------


def plan_pages(resources: Resources, work: Work, reading: Reading, discovery: Discovery) -> Plan:
    """Classify each page as product, entity or skipped, with the reason."""
    options = work.options
    return resources.catalogue.plan_pages(reading, resources.files, discovery, focus=options.focus, taken=options.pages)


def cut_chunks(resources: Resources, work: Work, reading: Reading, planned: Plan, tables: Tables) -> Chunks:
    """Cut the text into hierarchical chunks with their pages, headings and tables."""
    return resources.catalogue.cut_chunks(work.document, reading, resources.files, planned, tables)


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
        return resources.catalogue.extract(
            path, work.content, reading, planned, resources.files, resources.settings, progress=progress
        )


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
        added = resources.catalogue.extract_boxes(
            path, work.document, reading, parts, resources.files, resources.settings, placed=extraction.placements
        )
    return extraction.joined(added)


# --- 7: assemble products ---------------------------------------------------------------------------------------------


def assemble(resources: Resources, work: Work, results: StageResults) -> int:
    """Save products with their links to images and text, mark changed rows dirty, and return the number of products."""
    taught = work.options.taught
    products, links, left = resources.catalogue.assemble(
        work.document, results.reading, resources.files, results.discovery, results.descriptions, results.plan,
        results.extraction, results.chunks,
        certain=find_teacher().pairing(taught) if taught.pictures_are_taught else None,
    )  # fmt: skip
    described = [page for description in results.descriptions for page in description.lost]
    save_page_failures(resources.ledger, work.run, [*results.discovery.lost, *described])
    save_page_notes(resources.ledger, work.run, results.discovery, left)
    edited_products.save_assembly(resources.ledger, work.run, products, links)
    return len(products)
