"""Choose format and documents, write their products to a file or stdout, and print a summary (`swatchbook export`)."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import typer

from interface.cli.terminal import COMPLETED, OPEN, note, plural
from swatchbook.errors import Configuration, InvalidReference, reason_of
from swatchbook.export.atomic_file import atomic_file
from swatchbook.export.formats import Format, write_products
from swatchbook.export.product_rows import ProductRow, as_rows, copy_pictures, read_products
from swatchbook.ledger.stored_documents import Document
from swatchbook.plugins import Kind, find
from swatchbook.records import DocumentStatus, Record
from swatchbook.resources import Resources


class Exported(Record):
    """The result of an export. `incomplete`: documents that are not completed; `missing`: pictures without a file."""

    to: str | None
    format: str
    documents: int
    products: int
    variants: int  # and parts
    incomplete: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        return OPEN if self.incomplete or self.missing else COMPLETED


def choose_format(given: str | None, to: Path | None) -> str:
    """Return the format: the given one, which may be a plugin's, else that of the file's suffix, else CSV.

    Raises BadParameter for a format that there is not, and where stdout cannot take it.
    """
    suffix = to.suffix.lower().lstrip(".") if to else ""
    form = given or (suffix if suffix in set(Format) else Format.CSV)
    try:
        find(Kind.EXPORTER, form)
    except Configuration as failure:
        raise typer.BadParameter(str(failure), param_hint="--format") from failure
    if to is None and not (form in set(Format) and Format(form).is_text):
        raise typer.BadParameter(f"{form} is written to a file: add --to PATH", param_hint="--format")
    return form


def exportable(documents: Sequence[Document], *, every: bool) -> list[Document]:
    """Return the documents without those that are being deleted. Raises InvalidReference for one that is named."""
    kept = [document for document in documents if document.status is not DocumentStatus.DELETING]
    if not every and len(kept) < len(documents):
        raise InvalidReference(f"{documents[0].name} is being deleted.")
    return kept


def export(
    resources: Resources, documents: Sequence[Document], form: str, *, to: Path | None, pictures: Path | None
) -> Exported:
    """Write the products of these documents to `to`, or to stdout; copy their pictures to the folder `pictures`.

    Raises InvalidReference for a path that cannot be written, DiskFull, TooLarge, PluginFailed.
    """
    if pictures is not None:
        try:
            pictures.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidReference(f"{pictures}: {reason_of(error)}.", advice="Give a folder.") from error
    missing: list[str] = []
    counts = Counter[str]()
    rows = _rows(resources, documents, pictures, missing=missing, counts=counts)
    temporary = resources.settings.temporary_folder
    if to is None:
        write_products(rows, form, sys.stdout.buffer, temporary_folder=temporary)
        sys.stdout.buffer.flush()
    else:
        with atomic_file(to) as file:
            write_products(rows, form, file, temporary_folder=temporary)
    unfinished = tuple(document.name for document in documents if document.status is not DocumentStatus.COMPLETED)
    return Exported(
        to=str(to) if to else None,
        format=form,
        documents=len(documents),
        products=counts["product"],
        variants=counts.total() - counts["product"],
        incomplete=unfinished,
        missing=tuple(missing),
    )


def note_exported(exported: Exported) -> None:
    """Say on stderr how much was written, and what is not complete."""
    into = f" → {exported.to}" if exported.to else ""
    variants = f" with {plural(exported.variants, 'variant')}" if exported.variants else ""
    note(f"{plural(exported.products, 'product')}{variants} of {plural(exported.documents, 'document')}{into}")
    for name in exported.incomplete:
        note(f"{name} is not completed: some of its products may be missing. `swatchbook status` says why.")
    for name in exported.missing:
        note(f"The picture {name} is missing in the file store. `swatchbook verify` lists what is missing.")


def _rows(
    resources: Resources,
    documents: Iterable[Document],
    pictures: Path | None,
    *,
    missing: list[str],
    counts: Counter[str],
) -> Iterator[ProductRow]:
    """Yield the rows; name the pictures that are missing, and count the rows by grain."""
    for document in documents:
        for product in read_products(resources.ledger, document.id):
            if pictures is not None:
                missing += copy_pictures(resources.files, product, pictures)
            for row in as_rows(product):
                counts[row.grain] += 1
                yield row
