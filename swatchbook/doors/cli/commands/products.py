"""`swatchbook products DOCUMENT`: list a document's products and the edits of them, and the commands that edit: rename,
merge, split, hide, set-fact, undo. What an edit changes: `swatchbook/domain/product_edits.py`.
`swatchbook export` writes products to files.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from swatchbook.doors.cli.shared_arguments import (
    All,
    AllOwners,
    Json,
    OwnerName,
    Reference,
    ReferenceOrAll,
    check_text,
    choose_document,
    choose_documents,
    choose_owner,
    login_name,
    opened_resources,
)
from swatchbook.doors.cli.terminal import cell, note, out, owner_flag, say_json, table
from swatchbook_base.one_line import clean, shorten
from swatchbook_base.truncate import page_numbers, plural

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from swatchbook.domain.records import Edited, ProductDetails, StoredEdit
    from swatchbook.doors.export import Exported
    from swatchbook.resources import Resources
    from swatchbook.store.ledger.stored_documents import Document


# options of the group may stand at the end of the line, as those of other commands
_ANYWHERE = {"allow_interspersed_args": True, "ignore_unknown_options": True}

app = typer.Typer(
    invoke_without_command=True,
    subcommand_metavar="[EDIT …]",
    context_settings=_ANYWHERE,
    help="List a catalogue's products; rename, merge, split and hide them; set their facts.",
)

Product = Annotated[str, typer.Argument(metavar="PRODUCT", help="Id, unique id prefix, or name of a product.")]
Products = Annotated[list[str], typer.Argument(metavar="PRODUCT…", help="Ids, unique id prefixes, or names.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the product.")]
Fact = Annotated[str, typer.Argument(metavar="FACT", help="Name of a fact, such as size or price.")]


class Asked(NamedTuple):
    """The document that an edit is for, and what was given with it."""

    document: str
    owner: str | None
    all_owners: bool
    as_json: bool


@app.callback()
def list_products(
    context: typer.Context,
    document: Reference,
    owner: OwnerName = None,
    all_owners: AllOwners = False,
    as_json: Json = False,
) -> None:
    """List a catalogue's products with the edits of them, or edit them.

    An edit is kept by the place of its products and pictures: it still holds when the document is ingested again.
    """
    context.obj = Asked(document, owner, all_owners, as_json)
    if context.invoked_subcommand is not None:
        return
    with opened_resources() as resources:
        from swatchbook.store.ledger.edited_products import list_edits
        from swatchbook.upkeep.export.product_rows import read_products

        row = choose_document(resources.ledger, document, choose_owner(resources.ledger, owner, all_owners))
        products, edits = list(read_products(resources.ledger, row.id)), list_edits(resources.ledger, row.id)
        say_json({"products": products, "edits": edits}) if as_json else out().print(draw_products(products, edits))


def draw_products(products: "Sequence[ProductDetails]", edits: "Sequence[StoredEdit]") -> RenderableType:
    """Return tables of products and edits."""
    figures = ("pictures", "is a product")
    rows = table("id", "product", "category", "code", "pages", *figures, "variants", "facts", "to check", right=figures)
    for product in products:
        named = ", ".join(" ".join(filter(None, (each.name, each.code))) for each in product.variants)
        facts = ", ".join(f"{name}: {value}" for name, value in product.metadata.items())
        rows.add_row(
            cell(product.id[:8], "dim"), cell(product.name, "bold"), cell(product.category or ""),
            cell(product.code or ""), cell(page_numbers(product.pages)), cell(len(product.pictures)),
            cell(f"{product.confidence:.0%}"), cell(f"{len(product.variants)}: {shorten(named, 80)}" if named else ""),
            cell(shorten(facts, 120), "dim"), cell(" ".join(product.look_at), "yellow"),
        )  # fmt: skip
    parts: list[RenderableType] = [rows if products else Text("No products.", "dim")]
    parts += [_edit_line(each) for each in edits]
    return Group(*parts)


@app.command("rename")
def rename_product(context: typer.Context, product: Product, name: Name) -> None:
    """Give PRODUCT another NAME."""
    _edit(context, {"action": "rename", "product": product, "name": name})


@app.command("merge")
def merge_products(context: typer.Context, products: Products) -> None:
    """Make one product of PRODUCT PRODUCT…: the first one, with the pages, pictures and texts of all."""
    _edit(context, {"action": "merge", "products": products})


@app.command("split")
def split_product(
    context: typer.Context,
    product: Product,
    page: Annotated[int, typer.Argument(metavar="PAGE", help="First page of the second product.")],
    name: Name,
) -> None:
    """Make two of PRODUCT: from PAGE on it is NAME, with the pictures and texts of these pages."""
    _edit(context, {"action": "split", "product": product, "page": page, "name": name})


@app.command("hide")
def hide_product(context: typer.Context, product: Product) -> None:
    """Hide PRODUCT, which is not a product; its pictures then belong to no product. `undo` shows it again."""
    _edit(context, {"action": "hide", "product": product})


@app.command("set-fact")
def set_fact(
    context: typer.Context,
    product: Product,
    fact: Fact,
    value: Annotated[str, typer.Argument(metavar="VALUE", help='Its value, as people read it; "" removes the fact.')],
) -> None:
    """Give the FACT of PRODUCT another VALUE, or add it: `size`, `price`, `material`, `category`, `code` …"""
    _edit(context, {"action": "set_fact", "product": product, "fact": fact, "value": value})


@app.command("undo")
def undo(
    context: typer.Context, number: Annotated[int, typer.Argument(metavar="NUMBER", help="Number of the edit.")]
) -> None:
    """Undo the edit NUMBER. It stays in the list."""
    from swatchbook.ingest.edit_products import undo_edit

    _change(context, lambda resources, document, by: undo_edit(resources, document, number, by=by))


def export(
    document: ReferenceOrAll = None,
    every: All = False,
    owner: OwnerName = None,
    all_owners: AllOwners = False,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="csv|jsonl|xlsx|parquet|shopify|woocommerce|…",
            help="Format, of a shop (docs/shops.md) or plugin, too; by default that of PATH's suffix, csv without one.",
        ),
    ] = None,
    to: Annotated[Path | None, typer.Option(metavar="PATH", help="File to write; stdout if not given.")] = None,
    pictures: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Also copy the products' pictures into this folder.")
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option(metavar="FILE", help="YAML file that fills the fields of a shop's format.")
    ] = None,
    pictures_url: Annotated[
        str | None, typer.Option(metavar="URL", help="Address of the folder where a shop finds the pictures.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Earlier export to a shop: only what is new, changed or gone is written."),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Also when more than half of the records of --since are gone.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written as JSON; needs --to.")] = False,
) -> None:
    """Export products, one row each, with the names of their pictures: as CSV, JSON lines, Excel or Parquet.

    The formats of shops are made for their importers. What a format needs and a product lacks, a mapping can fill.

    In CSV, a cell that begins with = + - @ and is no number gets an apostrophe in front: no spreadsheet runs it.
    """
    if as_json and to is None:
        raise typer.BadParameter("the export itself goes to stdout: add --to PATH", param_hint="--json")
    with opened_resources() as resources:
        from swatchbook.domain.errors import Configuration
        from swatchbook.doors.cli.terminal import COMPLETED, OPEN
        from swatchbook.doors.export import export as write
        from swatchbook.doors.export import exportable, find_format
        from swatchbook.upkeep.export.formats import exporter, shop_options
        from swatchbook.upkeep.export.shop_mapping import read_shop_mapping

        try:
            chosen = find_format(form, to)
            is_text = exporter(chosen).is_text
        except Configuration as failure:
            raise typer.BadParameter(str(failure), param_hint="--format") from failure
        if to is None and not is_text:
            raise typer.BadParameter(f"{chosen} is written to a file: add --to PATH", param_hint="--format")
        filled = read_shop_mapping(mapping) if mapping else None
        options = shop_options(chosen, filled, pictures_url, since, accept_gone=yes)
        documents = choose_documents(resources.ledger, document, every, owner, all_owners)
        shown = exportable(documents, every=every)
        exported = write(resources, shown, chosen, to=to, pictures=pictures, options=options)
        say_json(exported) if as_json else note_exported(exported)
    raise typer.Exit(COMPLETED if exported.is_whole else OPEN)


def note_exported(exported: "Exported") -> None:
    """Say on stderr how much was written, and what is not complete."""
    from swatchbook.doors.export import hints

    into = f" → {exported.to}" if exported.to else ""
    variants = f" with {plural(exported.variants, 'variant')}" if exported.variants else ""
    whole = f"{plural(exported.products, 'product')}{variants} of {plural(exported.documents, 'document')}"
    note(f"{whole} compared" if exported.changes else f"{whole}{into}")
    if changes := exported.changes:
        note(
            f"Since the earlier file: {changes.new} new, {changes.changed} changed, {changes.gone} gone{into}; "
            f"{changes.unchanged} unchanged are left out."
        )
        if changes.elsewhere:
            count = plural(changes.elsewhere, "record")
            note(f"Left as they are: {count} of the earlier file, of documents outside this export.")
    for hint in hints(exported):
        note(hint)


def _edit(context: typer.Context, fields: dict[str, Any]) -> None:
    from pydantic import TypeAdapter, ValidationError

    from swatchbook.domain.records import EditRequest
    from swatchbook.ingest.edit_products import make_edit

    for name, value in fields.items():
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str):
                check_text(text, name.upper())
    adapter: TypeAdapter[EditRequest] = TypeAdapter(EditRequest)
    try:
        request = adapter.validate_python(fields)
    except ValidationError as error:
        first = error.errors()[0]
        raise typer.BadParameter(first["msg"], param_hint=str(first["loc"][-1]).upper()) from error
    _change(context, lambda resources, document, by: make_edit(resources, document, request, by=by))


def _change(context: typer.Context, change: "Callable[[Resources, str, str], Edited]") -> None:

    asked: Asked = context.obj
    with opened_resources() as resources:
        whose = choose_owner(resources.ledger, asked.owner, asked.all_owners)
        row = choose_document(resources.ledger, asked.document, whose)
        done = change(resources, row.id, login_name())
        say_json(done) if asked.as_json else out().print(draw_edited(done, row))


def draw_edited(done: "Edited", document: "Document") -> RenderableType:
    """Return the edit that was made or undone, and what is left to do."""
    line = _edit_line(done.edit)
    if done.published:
        return line
    later = f"It is not published yet: swatchbook fill failed {document.id[:13]}{owner_flag(document.owner)}"
    return Group(line, Text(later, "dim"))


def _edit_line(stored: "StoredEdit") -> Text:
    from swatchbook.domain.product_edits import describe_edit

    what = f"{stored.number}. {clean(describe_edit(stored.edit))} · {clean(stored.by)}"
    if stored.undone_at is not None:
        return Text(f"{what} · undone by {clean(stored.undone_by or '')}", "dim")
    if stored.problem is not None:
        return Text(f"{what} · changes nothing: {clean(stored.problem)}", "yellow")
    return Text(what)


COMMANDS = {"Everyday": {"products": app, "export": export}}
