"""Flow of one catalogue: the order of the nine stages, what runs at the same time (metadata of products, 2B, beside
stages 3 to 6), and the parameters of its form in Prefect's UI.
"""

import asyncio
from typing import Annotated
from uuid import UUID

from prefect import flow
from pydantic import Field

from blocks import load_resources
from swatchbook.catalogue.describe import neighbours, pages_to_read
from swatchbook.ledger.queries.report import document_report
from swatchbook.pipeline.work import Work
from swatchbook.records import (
    DEFAULT_OWNER,
    BlockNames,
    Description,
    Discovery,
    IngestOptions,
    Owner,
    Reading,
    RunReport,
    Stage,
    StageResults,
    Tables,
    sha256,
)
from tasks.assemble import assemble
from tasks.chunk import cut_chunks, save_chunks
from tasks.discover import describe_product, discover_products, read_tables
from tasks.embed import preload_models, publish_whole
from tasks.embed_items import embed_items
from tasks.extract import extract_pictures, save_pictures
from tasks.flow_process import registered
from tasks.named_end import ends_by_name
from tasks.plan import plan_pages
from tasks.policy import cached
from tasks.progress import hold_document, in_background
from tasks.read import read_pages
from tasks.register import register_document, rename_flow_run
from tasks.report import finish_document, publish_artifacts
from tasks.review import start_review_flow

Source = Annotated[str, Field(min_length=1, max_length=4_096)]


@flow(name="ingest_catalogue", persist_result=False)
@registered
@ends_by_name
async def ingest_catalogue(
    source: Source,
    owner: Owner = DEFAULT_OWNER,
    options: IngestOptions = IngestOptions(),
    blocks: BlockNames = BlockNames(),
    edition_of: UUID | None = None,
) -> RunReport:
    """Read a catalogue, find its products, embed every image and publish all of it.

    Args:
        source: The PDF: a path below a folder of SWATCHBOOK_INPUT_ROOTS, on the worker's machine; an https URL; or a
            key of the file store. To ingest a file from your own computer, upload it to the service instead (POST
            /documents, see its page /docs), which starts the run by itself.
        owner: Owner of the document.
        options: Options of this ingest.
        blocks: Saved blocks to use instead of the settings.
        edition_of: Id of the document whose newer edition this is: its products leave the search.
    """
    older = str(edition_of) if edition_of else None
    work = await register_document(source, owner, options, blocks, edition_of=older)
    await rename_flow_run(f"{owner}: {work.name}")
    if not isinstance(work, Work):  # nothing is left to do, or another run has just finished the document
        return await asyncio.to_thread(document_report, load_resources(blocks).ledger, work.id)
    async with hold_document(work) as stage:
        preload_models(load_resources(work.blocks), options)
        async with stage(Stage.READ) as step:
            ahead = load_resources(work.blocks).readings.get(work.file)
            reading = await step.cached(read_pages, key(work, "read"), work)
            step.units = reading.page_count
            step.seconds = ahead.seconds if ahead else None
        async with stage(Stage.DISCOVERED, reading.page_count) as step:
            discovery, tables = await asyncio.gather(
                step.cached(discover_products, key(work, "discover"), work, reading),
                step.cached(read_tables, key(work, "tables"), work, reading),
            )
        async with in_background(describe(work, reading, discovery, tables)) as describing:
            async with stage(Stage.PLANNED, reading.page_count) as step:
                plan = await step.cached(plan_pages, key(work, "plan"), work, reading, discovery)
            async with stage(Stage.CHUNKED, reading.page_count) as step:
                chunks = await step.cached(cut_chunks, key(work, "chunk", work.document), work, reading, plan, tables)
                await save_chunks(work, reading, plan, tables, chunks)
            async with stage(Stage.EXTRACTED, len(plan.shown)) as step:
                extract_key = key(work, "extract", work.document)
                extraction = await step.cached(extract_pictures, extract_key, work, reading, plan)
                extraction = extraction.joined(await save_pictures(work, reading, extraction))
            async with stage(Stage.EMBEDDED) as step:
                step.units = await embed_items(work, step.advance)
            descriptions = await describing
        results = StageResults(
            reading=reading,
            discovery=discovery,
            tables=tables,
            descriptions=tuple(descriptions),
            plan=plan,
            chunks=chunks,
            extraction=extraction,
        )
        async with stage(Stage.ASSEMBLED, len(extraction.pictures)):
            await assemble(work, results)
            await publish_whole(work)
        report = await finish_document(work, results)
    await publish_artifacts(work, report)
    await start_review_flow(work, report)
    return report


async def describe(work: Work, reading: Reading, discovery: Discovery, tables: Tables) -> list[Description]:
    """Stage 2B: describe all products concurrently, each cached by itself, while the images are processed."""
    calls = []
    for product in discovery.products:
        own, others = tables.on(product.pages), neighbours(product, discovery)
        part = sha256("\n".join(each.model_dump_json() for each in (product, *others)).encode())[:16]
        scans = discovery.scans.on(pages_to_read(product))
        calls.append(cached(describe_product, key(work, "describe", part), work, reading, scans, product, others, own))
    return [description for description, _ in await asyncio.gather(*calls)]


def key(work: Work, stage: str, part: str = "") -> str:
    """Return the cache key of a pure stage's result for this document."""
    return work.key(stage, load_resources(work.blocks).settings, part)
