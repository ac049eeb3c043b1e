"""Ask language models for what the layout rules leave open; for some failures the rules' result is used instead."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Literal

from swatchbook_base.chat import PaidChat, Question
from swatchbook_base.errors import SHARED_POLICIES, Failure, Policy
from swatchbook_base.reading import FileStore, ReadSettings, iter_pages
from swatchbook_base.records import Description, Discovery, FailedPage, FoundProduct, Page, Reading, Scans, Tables
from swatchbook_catalogue import describe
from swatchbook_catalogue.llm import find_products, scans
from swatchbook_catalogue.llm.metadata import ask_metadata
from swatchbook_catalogue.llm.prompts import READ_PAGE, Printed
from swatchbook_catalogue.pdf import reader

Mode = Literal["assist", "llm"]
"""Whether models are asked only for what the layout rules leave open, or for everything."""

Chats = Callable[[], PaidChat]
"""Opens a model when it is asked for the first time: where nothing is open, none need be set."""


def discover_with_model(
    reading: Reading,
    by_layout: Discovery,
    files: FileStore,
    file: str,
    settings: ReadSettings,
    *,
    mode: Mode,
    llm: Chats,
    vision: Chats,
    last_try: bool,
) -> Discovery:
    """Find products with the language model, added to those of the layout rules; `file` is the PDF's key in `files`.

    If the model cannot answer, the result is that of the layout rules, with the reason in `lost`. Raises failures of
    the provider that are likely to pass.
    """
    assists = mode == "assist"
    only = find_products.open_pages(reading, by_layout) if assists else None
    if assists and not only:
        return by_layout
    known = assists and by_layout.products
    scanned = Scans() if known else _read_scans(reading, files, file, settings, vision)
    chat = llm()
    pages = scans.with_scans(iter_pages(files, reading), scanned)
    lost, discovery = scanned.lost, by_layout
    try:
        if only is None:
            by_model = find_products.ask_products(chat, reading, pages, by_layout)
            discovery = find_products.flag_new(by_layout, by_model, chat.model)
        else:
            by_model = find_products.ask_names(chat, reading, pages, by_layout, only=only)
            discovery = find_products.combine(by_layout, by_model, only, chat.model)
    except Failure as failure:
        if not (failure.policy is Policy.NEVER or (failure.policy is Policy.ONCE_MORE and last_try)):
            raise
        lost += (_lost("products", 1, failure, transient=False),)
    return discovery.model_copy(update={"scans": scanned, "lost": lost})


def asks_about(product: FoundProduct, mode: Mode | Literal["layout"]) -> bool:
    """Return whether the language model is asked for a product's metadata."""
    return mode == "llm" or (mode == "assist" and find_products.is_open(product))


def describe_with_model(
    chat: PaidChat, product: FoundProduct, pages: Iterator[Page], by_layout: Description, *, last_try: bool
) -> Description:
    """Ask the language model for the metadata of one product, whose pages are given.

    If it fails on the last try, the result is that of the layout rules, with the reason in `lost`.
    """
    try:
        return ask_metadata(chat, product, list(pages), by_layout)
    except Failure as failure:
        if failure.policy in SHARED_POLICIES or (failure.policy is not Policy.NEVER and not last_try):
            raise
        transient = failure.policy is not Policy.NEVER
        lost = _lost(f"metadata of {product.name}", product.first_page, failure, transient=transient)
        return by_layout.model_copy(update={"lost": (lost,)})


def ask_all(
    reading: Reading,
    discovery: Discovery,
    tables: Tables,
    files: FileStore,
    *,
    mode: Mode,
    llm: PaidChat,
    describing: PaidChat,
    vision: PaidChat,
) -> None:
    """Ask every question that discovery and description would ask, as if no answer were known: for an estimate."""
    assists = mode == "assist"
    asked = find_products.open_pages(reading, discovery) if assists else frozenset(range(1, reading.page_count + 1))
    if not asked:
        return
    if not (assists and discovery.products):
        for _ in scans.scanned_pages(iter_pages(files, reading)):
            vision.ask(Question(instructions=READ_PAGE, parts=(b"",), max_tokens=scans.REPLY_TOKENS), Printed)
    find_products.ask_names(llm, reading, iter_pages(files, reading), discovery, only=asked)
    descriptions = describe.describe_all(discovery, iter_pages(files, reading), tables.tables)
    for product, by_layout in zip(discovery.products, descriptions, strict=True):
        if asks_about(product, mode):
            pages = list(iter_pages(files, reading, pages=product.pages))
            ask_metadata(describing, product, pages, by_layout)


def _lost(what: str, page: int, failure: Failure, *, transient: bool) -> FailedPage:
    message = f"The {what} were read by layout rules alone: {failure}"
    return FailedPage(page=page, kind=failure.kind, message=message, transient=transient)


def _read_scans(reading: Reading, files: FileStore, file: str, settings: ReadSettings, vision: Chats) -> Scans:
    if not (scanned := scans.scanned_pages(iter_pages(files, reading))):
        return Scans()
    chat = vision()
    with files.local(file) as path:
        render = partial(reader.render, Path(path), settings=settings, side=scans.PAGE_SIDE)
        return scans.read_scans(chat, scanned, render)
