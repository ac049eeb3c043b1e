"""Flow of one catalogue: the order of the nine stages, what runs at the same time (metadata of products, 2B, during
stages 3 to 6), and the parameters of its form in Prefect's UI.
"""

import asyncio
from typing import Annotated, Any
from uuid import UUID

from prefect import State, flow
from pydantic import Field

from swatchbook.domain.records import (
    DEFAULT_OWNER,
    BlockNames,
    Description,
    Discovery,
    FoundProduct,
    IngestOptions,
    Owner,
    Reading,
    Record,
    RunReport,
    Stage,
    StageResults,
    Tables,
    sha256,
)
from swatchbook.domain.tracing import span
from swatchbook.ingest.run import Work
from swatchbook.ingest.stages import asks_about
from swatchbook.resources import Resources
from swatchbook.tasks.document_run import (
    Idle,
    Stages,
    finish_document,
    hold_document,
    in_background,
    publish_artifacts,
    register_document,
)
from swatchbook.tasks.embed import Added, embed_items, preload_models, publish_whole, require_models
from swatchbook.tasks.flow_run import end_by_name, flow_process, rename_flow_run
from swatchbook.tasks.policy import FLOW
from swatchbook.tasks.results import cached
from swatchbook.tasks.stages import (
    ask_description,
    assemble,
    cut_chunks,
    describe_products,
    discover_products,
    extract_pictures,
    plan_pages,
    read_pages,
    read_tables,
    save_chunks,
    save_pictures,
)

Source = Annotated[str, Field(min_length=1, max_length=4_096)]


@flow(name="ingest_catalogue", **FLOW)
async def ingest_catalogue(
    source: Source,
    owner: Owner = DEFAULT_OWNER,
    options: IngestOptions = IngestOptions(),
    blocks: BlockNames = BlockNames(),
    edition_of: UUID | None = None,
) -> RunReport | State[Any]:
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
    async with flow_process(blocks) as resources:
        return await end_by_name(resources, _ingest(resources, source, owner, options, blocks, older))


async def _ingest(
    resources: Resources, source: str, owner: str, options: IngestOptions, blocks: BlockNames, edition_of: str | None
) -> RunReport | Idle:
    work = await register_document(resources, source, owner, options, blocks, edition_of=edition_of)
    await rename_flow_run(f"{owner}: {work.name}")
    if isinstance(work, Idle):
        return work
    async with hold_document(resources, work) as stage:
        await asyncio.to_thread(require_models, resources, work)
        preload_models(resources, options)
        results = None if work.only_items else await _run_stages(resources, work, stage)
        if results is None:
            await _embed(resources, work, stage)
        async with stage(Stage.ASSEMBLED, len(results.extraction.pictures) if results else 0):
            if results:
                await assemble(resources, work, results)
            await publish_whole(resources, work)
        report = await finish_document(resources, work, results)
    await publish_artifacts(resources, report)
    return report


async def _run_stages(resources: Resources, work: Work, stage: Stages) -> StageResults:
    """Run stages 1 to 6, which read the document and make what is searched for; 2B runs in parallel."""

    def key(name: str, part: str = "") -> str:
        return work.key(name, resources.settings, part)

    async with stage(Stage.READ) as step:
        ahead = resources.readings.get(work.file)
        reading = await step.cached(read_pages, key("read"), resources, work)
        step.units = reading.page_count
        step.seconds = ahead.seconds if ahead else None
    async with stage(Stage.DISCOVERED, reading.page_count) as step:
        discovery, tables = await asyncio.gather(
            step.cached(discover_products, key("discover"), resources, work, reading),
            step.cached(read_tables, key("tables"), resources, work, reading),
        )
    async with in_background(_describe(resources, work, reading, discovery, tables)) as describing:
        async with stage(Stage.PLANNED, reading.page_count) as step:
            plan = await step.cached(plan_pages, key("plan"), resources, work, reading, discovery)
        async with stage(Stage.CHUNKED, reading.page_count) as step:
            chunks_key = key("chunk", work.document)
            chunks = await step.cached(cut_chunks, chunks_key, resources, work, reading, plan, tables)
            await save_chunks(resources, work, reading, plan, tables, chunks)
        async with stage(Stage.EXTRACTED, len(plan.shown)) as step:
            extraction = await step.cached(extract_pictures, key("extract"), resources, work, reading, plan)
            extraction = await save_pictures(resources, work, reading, extraction)
        await _embed(resources, work, stage)
        descriptions = await describing
    return StageResults(
        reading=reading,
        discovery=discovery,
        tables=tables,
        descriptions=tuple(descriptions),
        plan=plan,
        chunks=chunks,
        extraction=extraction,
    )


async def _embed(resources: Resources, work: Work, stage: Stages) -> None:
    async with stage(Stage.EMBEDDED) as step:
        added = Added()
        added.set_result(step.advance)
        step.units = await embed_items(resources, work, added)


async def _describe(
    resources: Resources, work: Work, reading: Reading, discovery: Discovery, tables: Tables
) -> list[Description]:
    """Stage 2B: describe all products by the layout rules, then ask the language model; each question is cached."""

    def key(*parts: Record) -> str:
        read = "\n".join(part.model_dump_json() for part in parts)
        return work.key("describe", resources.settings, sha256(read.encode())[:16])

    async def described(product: FoundProduct, by_layout: Description) -> Description:
        if not asks_about(resources, product):
            return by_layout
        scans = discovery.scans.on(product.pages)
        given = (resources, work, reading, scans, product, by_layout)
        return (await cached(ask_description, key(product, by_layout), *given))[0]

    with span("describe products", document=work.document):
        by_layout, _ = await cached(describe_products, key(discovery), resources, work, reading, discovery, tables)
        return await asyncio.gather(*map(described, discovery.products, by_layout))
