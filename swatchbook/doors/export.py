"""Choose format and documents, write their products to a file, and say what was left out."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from itertools import chain
from pathlib import Path
from typing import BinaryIO, NamedTuple

from swatchbook.domain.did_you_mean import did_you_mean
from swatchbook.domain.errors import InvalidReference, reason_of
from swatchbook.domain.plugins import Kind, find, installed
from swatchbook.domain.records import DocumentStatus, Record
from swatchbook.resources import Resources
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.queries.document_parts import unreadable_pictures
from swatchbook.store.ledger.stored_documents import Document, all_documents
from swatchbook.upkeep.export.atomic_file import atomic_file
from swatchbook.upkeep.export.formats import (
    MOST_SKIPPED,
    Format,
    OutsideExport,
    Skipped,
    Written,
    exporter,
    write_products,
)
from swatchbook.upkeep.export.product_rows import ProductRow, as_rows, copy_pictures, read_products
from swatchbook.upkeep.export.shop_mapping import ShopOptions
from swatchbook_base.one_line import clean
from swatchbook_base.truncate import plural

_MOST_NAMED = 20  # of each kind in the hints; --json names more


class FailedItems(Record):
    """A document with failed items, of which products may be missing."""

    id: str
    name: str
    failed: int
    items: int


class Exported(Written):
    """The result of an export. `incomplete`: documents that are not completed; `missing`: pictures without a file.

    `failed_pictures`: pictures of products that are left out, because they cannot be read.
    """

    to: str | None
    format: str
    documents: int
    incomplete: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    failed_pictures: tuple[Skipped, ...] = ()
    failed_items: tuple[FailedItems, ...] = ()
    pictures_without_address: int = 0  # which the shop cannot fetch: --pictures-url was not given

    @property
    def is_whole(self) -> bool:
        """Whether nothing that a shop needs was left out."""
        without_pictures = self.pictures_without_address and not exporter(self.format).finds_by_name
        left_out = self.missing or self.skipped or self.failed_pictures or self.failed_items or without_pictures
        return not (self.incomplete or left_out or self.prices_without_currency)


def find_format(given: str | None, to: Path | None) -> str:
    """Return the format: the given one, which may be a plugin's, else that of the file's suffix; CSV without one.

    Raises Configuration for an unknown format, InvalidReference for an unknown suffix.
    """
    suffix = to.suffix.lower().lstrip(".") if to else ""
    if not given and suffix and suffix not in set(Format):
        others = ", ".join(plugin.name for plugin in installed(Kind.EXPORTER))
        raise InvalidReference(
            f"{to}: .{suffix} is not a format. There are {', '.join(Format)}." + did_you_mean(suffix, Format),
            advice="Name the file so, or give --format: one of these" + (f", or {others}." if others else "."),
        )
    form = given or suffix or Format.CSV
    find(Kind.EXPORTER, form)
    return form


def lacks_addresses(form: str, options: ShopOptions) -> bool:
    """Return whether a shop fetches pictures by their addresses, and neither options nor mapping give any."""
    chosen = exporter(form)
    return (
        bool(chosen.fetches) and options.pictures_url is None and not chosen.address_columns & {*options.mapping.fields}
    )


def exportable(documents: Sequence[Document], *, every: bool) -> list[Document]:
    """Return the documents without those that are being deleted. Raises InvalidReference for one that is named."""
    kept = [document for document in documents if document.status is not DocumentStatus.DELETING]
    if not every and len(kept) < len(documents):
        raise InvalidReference(f"{documents[0].name} is being deleted.")
    return kept


def export(
    resources: Resources,
    documents: Sequence[Document],
    form: str,
    *,
    to: Path | None,
    pictures: Path | None,
    options: ShopOptions = ShopOptions(),  # noqa: B008 — immutable
) -> Exported:
    """Write the products of these documents to `to`, or to stdout; copy their pictures to the folder `pictures`.

    Raises InvalidReference for a path that cannot be written, and what `export_to_file` raises.
    """
    if to and options.since and _same_file(to, options.since):
        raise InvalidReference(f"{to} is the earlier file: it would be lost.", advice="Give --to another file.")
    if pictures is not None:
        try:
            pictures.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidReference(f"{pictures}: {reason_of(error)}.", advice="Give a folder.") from error
    with nullcontext(sys.stdout.buffer) if to is None else atomic_file(to) as file:
        exported = export_to_file(resources, documents, form, file, pictures=pictures, options=options)
        file.flush()
    return exported.model_copy(update={"to": str(to) if to else None})


def _same_file(one: Path, other: Path) -> bool:
    """Return whether two paths are of one file, also by another name."""
    try:
        return one.resolve() == other.resolve() or one.samefile(other)
    except OSError:  # one of them is not there
        return False


def export_to_file(
    resources: Resources,
    documents: Sequence[Document],
    form: str,
    file: BinaryIO,
    *,
    pictures: Path | None = None,
    options: ShopOptions = ShopOptions(),  # noqa: B008 — immutable
) -> Exported:
    """Write the products of these documents to a binary file; copy their pictures to the folder `pictures`.

    Raises DiskFull, and what `write_products` raises.
    """
    found = _Pictures(missing=[], named=set(), failed={})
    written = write_products(
        _rows(resources, documents, pictures, found),
        form,
        file,
        temporary_folder=resources.settings.temporary_folder,
        options=options,
        outside=outside_export(resources.ledger, documents) if options.since else OutsideExport(),
    )
    unfinished = tuple(document.name for document in documents if document.status is not DocumentStatus.COMPLETED)
    return Exported(
        **dict(written),
        to=None,
        format=form,
        documents=len(documents),
        incomplete=unfinished,
        missing=tuple(found.missing),
        failed_pictures=tuple(found.failed.values()),
        failed_items=tuple(_failed_items(documents)),
        pictures_without_address=len(found.named) if lacks_addresses(form, options) else 0,
    )


def _failed_items(documents: Iterable[Document]) -> Iterator[FailedItems]:
    for document in documents:
        if document.report and (items := document.report.items) and items.failed_items:
            yield FailedItems(id=document.id, name=document.name, failed=items.failed_items, items=items.total_items)


def hints(exported: Exported) -> list[str]:
    """Return in sentences what an export left out, and what to do: for the terminal, and for callers of the service."""
    nothing = not (exported.products or exported.skipped or exported.changes)
    lines = ["There is no product to export."] if nothing else []
    lines += [
        f"No product has {{{clean(name)}}}, which the mapping names: what needs it is empty."
        + (f" Did you mean {{{clean(near)}}}?" if near else "")
        for name, near in exported.unknown_names.items()
    ]
    if exported.pictures_without_address:
        count = plural(exported.pictures_without_address, "picture")
        lines.append(
            f"{exporter(exported.format).fetches.format(count)} Give --pictures-url URL, the address of their folder."
        )
    if exported.prices_without_currency:
        count = plural(exported.prices_without_currency, "price")
        lines.append(f"{count} left out: no currency is known. Give it in the mapping, such as `currency: EUR`.")
    lines += _named(
        f"{name} is not completed: some of its products may be missing. `swatchbook status` says why."
        for name in exported.incomplete
    )
    lines += _named(
        f"{each.failed:,} of {plural(each.items, 'item')} of {clean(each.name)} failed: their products may be missing. "
        f"`swatchbook show {each.id[:8]}` lists them."
        for each in exported.failed_items
    )
    lines += _named(
        f"The picture {name} is missing in the file store. `swatchbook upkeep verify` lists what is missing."
        for name in exported.missing
    )
    lines += _named(f"{clean(each.name)} is left out: {clean(each.reason)}" for each in exported.failed_pictures)
    lines += _named(
        (f"{clean(each.name)} is left out: {clean(each.reason)}." for each in exported.skipped_products),
        exported.skipped,
    )
    if exported.unpriced:
        shown = exporter(exported.format).unpriced
        lines += _named(
            (
                f"{clean(each.name)} is {shown} in the file: {clean(each.reason)}."
                for each in exported.unpriced_products
            ),
            exported.unpriced,
        )
        count = plural(exported.unpriced, "product")
        lines.append(f"{count} not on sale, as the shop would give it away without a price: docs/shops.md.")
    if exported.skipped:
        lines.append(f"{exported.skipped:,} left out. A mapping can fill what is not known: docs/shops.md.")
    return lines


def _named(sentences: Iterable[str], count: int | None = None) -> list[str]:
    """Return the first sentences, and how many more there are of the `count`."""
    listed = list(sentences)
    more = (len(listed) if count is None else count) - _MOST_NAMED
    return listed[:_MOST_NAMED] + ([f"And {more:,} more."] if more > 0 else [])


class _Pictures(NamedTuple):
    """What became of the pictures of products: names without a file, ids of those that are named, and by id those that
    cannot be read."""

    missing: list[str]
    named: set[str]
    failed: dict[str, Skipped]


def outside_export(ledger: Ledger, documents: Sequence[Document]) -> OutsideExport:
    """Return the products of all documents but these, and the names of those, of any owner, that are not finished."""
    exported = {each.id for each in documents}
    kept = [each for each in all_documents(ledger, None) if each.status is not DocumentStatus.DELETING]
    others = (each.id for each in kept if each.id not in exported)
    products = (product for document in others for product in read_products(ledger, document))
    ended = (DocumentStatus.COMPLETED, DocumentStatus.FAILED)
    unfinished = tuple(each.name for each in kept if each.status not in ended)
    return OutsideExport(chain.from_iterable(map(as_rows, products)), unfinished)


def _rows(
    resources: Resources, documents: Iterable[Document], pictures: Path | None, found: _Pictures
) -> Iterator[ProductRow]:
    """Yield the rows, and count what becomes of their pictures."""
    for document in documents:
        for image, name, why in unreadable_pictures(resources.ledger, document.id):
            if len(found.failed) < MOST_SKIPPED:
                found.failed.setdefault(image, Skipped(id=image, name=f"A picture of {name}", reason=why))
        for product in read_products(resources.ledger, document.id):
            if pictures is not None:
                found.missing.extend(copy_pictures(resources.files, product, pictures))
            found.named.update(each.id for each in product.pictures)
            yield from as_rows(product)
