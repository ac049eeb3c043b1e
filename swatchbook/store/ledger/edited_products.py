"""Save a document's products and links with the edits that people made by hand; make, undo and list these edits.

An edit is saved in one transaction with the products, links and publishing that it changes, and with what stage 7 found
before it. A running ingest saves its products with the edit, whichever comes first.
`swatchbook/domain/product_edits.py` applies edits.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, func, insert, select, update

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.product_edits import apply_edits
from swatchbook.domain.records import COUNTED, Assembly, DocumentStatus, Edit, Link, LinkKind, Product, StoredEdit
from swatchbook.store.ledger.bulk_rows import lock_document_rows, upsert_rows
from swatchbook.store.ledger.database import Ledger, Source, db_now, execute_in, reading, select_in
from swatchbook.store.ledger.dirty import mark_changed
from swatchbook.store.ledger.product_codes import replace_codes
from swatchbook.store.ledger.runs import Run, writing
from swatchbook.store.ledger.stored_documents import PDF, Document, get_document
from swatchbook.store.ledger.tables import assemblies, chunks, hand_edits, images, links, placements, products

# --- products and links -----------------------------------------------------------------------------------------------


def save_assembly(ledger: Ledger, run: Run, assembled: Sequence[Product], linked: Sequence[Link]) -> None:
    """Save stage 7: products and links with the edits by hand, and mark what they change for publishing.

    Raises RunRevoked.
    """
    with writing(ledger, run) as connection:
        distinct = tuple({product.id: product for product in assembled}.values())
        edited = edit_assembly(connection, run.document, Assembly(products=distinct, links=tuple(linked)))
        replace_assembly(connection, run.document, run.generation, edited)


def replace_assembly(connection: Connection, document: str, generation: str, assembly: Assembly) -> None:
    """Save all products and links of a document instead of those that it has, and mark what they change."""
    saved = select(links.c.kind, links.c.source, links.c.target).where(links.c.document == document)
    replace_products(
        connection,
        document,
        generation,
        dict(enumerate(assembly.products)),
        assembly.links,
        before={i: row.record for i, row in lock_document_rows(connection, products, document).items()},
        old={(row.kind, row.source, row.target) for row in connection.execute(saved)},
    )


def replace_products(
    connection: Connection,
    document: str,
    generation: str,
    assembled: Mapping[int, Product],
    linked: Sequence[Link],
    *,
    before: Mapping[str, Mapping[str, Any]],
    old: Collection[tuple[str, str, str]],
) -> None:
    """Save products (by their place in the document) and links instead of others, and mark what they change.

    `before`: product -> its record; `old`: links as (kind, source, target).
    """
    records = {p.id: p.model_dump(mode="json") for p in assembled.values()}
    published_fields = ("name", "category", "metadata")
    changed = {
        i
        for i in before.keys() | records.keys()
        if i not in before
        or i not in records
        or any(before[i][field] != records[i][field] for field in published_fields)
    }
    new = {(link.kind.value, link.source, link.target): link for link in linked}
    moved = set(old) ^ new.keys() | {link for link in {*old, *new} if link[2] in changed}
    rows = [
        {"id": p.id, "document": document, "generation": generation, "ordinal": n, "name": p.name,
         "record": records[p.id]}
        for n, p in assembled.items()
    ]  # fmt: skip
    upsert_rows(connection, products, rows)
    execute_in(connection, delete(products), products.c.id, before.keys() - records.keys())
    replace_codes(connection, document, before, records)
    common = {"document": document, "generation": generation}
    upsert_rows(connection, links, [common | link.model_dump(mode="json") for link in new.values()])
    delete_links(connection, document, set(old) - new.keys())

    sources = {kind: {source for k, source, _ in moved if k == kind} for kind in LinkKind}
    placed = select_in(connection, select(placements.c.image), placements.c.id, sources[LinkKind.IMAGE_PRODUCT])
    mark_changed(connection, images, {row.image for row in placed})
    mark_changed(connection, chunks, sources[LinkKind.CHUNK_PRODUCT])


def delete_links(connection: Connection, document: str, ends: Collection[tuple[str, str, str]]) -> None:
    """Delete links of a document, given as (kind, source, target)."""
    names = ("kind", "source", "target")
    this = links.c.document == document, *(links.c[name] == bindparam(f"of_{name}") for name in names)
    if rows := [{f"of_{name}": end for name, end in zip(names, each, strict=True)} for each in sorted(ends)]:
        connection.execute(delete(links).where(*this), rows)


# --- edits ------------------------------------------------------------------------------------------------------------


EDIT: Final[TypeAdapter[Edit]] = TypeAdapter(Edit)


def list_edits(source: Source, document: str) -> list[StoredEdit]:
    """Return the edits of a document in order, undone ones and those that change nothing now included."""
    query = select(hand_edits).where(hand_edits.c.document == document).order_by(hand_edits.c.number)
    names = list(StoredEdit.model_fields)
    return [StoredEdit.model_validate({name: row[name] for name in names}) for row in source.execute(query).mappings()]


def read_found(source: Source, document: str) -> Assembly:
    """Return what stage 7 found: what is saved, unless edits have changed that."""
    kept = select(assemblies.c.record).where(assemblies.c.document == document)
    ordered = select(products.c.record).where(products.c.document == document).order_by(products.c.ordinal)
    linked = select(*(links.c[name] for name in Link.model_fields)).where(links.c.document == document)
    with reading(source) as connection:
        record = connection.execute(kept).scalar_one_or_none()
        if record is not None:
            return Assembly.model_validate(record)
        return Assembly(
            products=tuple(Product.model_validate(record) for record in connection.execute(ordered).scalars()),
            links=tuple(Link.model_validate(dict(row._mapping)) for row in connection.execute(linked)),
        )


def edit_assembly(connection: Connection, document: str, found: Assembly) -> Assembly:
    """Return what was found with the document's edits, and record what was found and which edits change nothing."""
    standing = [each for each in list_edits(connection, document) if each.undone_at is None]
    if not standing:
        connection.execute(delete(assemblies).where(assemblies.c.document == document))
        return found
    upsert_rows(connection, assemblies, [{"document": document, "record": found.model_dump(mode="json")}])
    edited, problems = apply_edits(
        found,
        {each.number: each.edit for each in standing},
        document=document,
        page_of=_first_pages(connection, document),
    )
    for each in standing:
        if each.problem != (problem := problems.get(each.number)):
            connection.execute(update(hand_edits).where(is_edit(document, each.number)).values(problem=problem))
    return edited


def is_edit(document: str, number: int) -> ColumnElement[bool]:
    return and_(hand_edits.c.document == document, hand_edits.c.number == number)


def _first_pages(connection: Connection, document: str) -> dict[str, int]:
    """Return the first page of each shown placement and each chunk."""
    placed = select(placements.c.id, placements.c.page).where(
        placements.c.document == document, placements.c.state.in_(COUNTED)
    )
    cut = select(chunks.c.id, chunks.c.record).where(chunks.c.document == document, ~chunks.c.gone)
    pages = dict(connection.execute(placed).tuples().all())
    return pages | {row.id: min(row.record["pages"], default=0) for row in connection.execute(cut)}


def record_edit(ledger: Ledger, document: str, edit: Edit, *, by: str) -> StoredEdit:
    """Make an edit of a document's products. Raises InvalidReference where it cannot be made."""
    with ledger.write() as connection:
        row = _require_editable(connection, document)
        last = select(func.coalesce(func.max(hand_edits.c.number), 0)).where(hand_edits.c.document == document)
        number = 1 + connection.execute(last).scalar_one()
        values = {
            "document": document,
            "number": number,
            "edit": EDIT.dump_python(edit, mode="json"),
            "by": by,
            "at": db_now(),
        }
        connection.execute(insert(hand_edits).values(**values))
        stored = _edit_again(connection, row)[number]
        if stored.problem:
            raise InvalidReference(stored.problem)
        return stored


def undo_edit(ledger: Ledger, document: str, number: int, *, by: str) -> StoredEdit:
    """Undo an edit; it stays in the list. Later edits of what it changed may find nothing to change any more.

    Raises InvalidReference for an unknown edit, and for one that is undone already.
    """
    with ledger.write() as connection:
        row = _require_editable(connection, document)
        undone = (
            update(hand_edits)
            .where(is_edit(document, number), hand_edits.c.undone_at.is_(None))
            .values(undone_at=db_now(), undone_by=by, problem=None)
        )
        if not connection.execute(undone).rowcount:
            raise InvalidReference(f"{row.name} has no edit {number} that could be undone.")
        return _edit_again(connection, row)[number]


def require_catalogue(connection: Connection, document: str) -> Document:
    """Return a catalogue, locked. Raises InvalidReference for one that is being deleted, and for other documents."""
    row = get_document(connection, document, lock=True)
    if row.status == DocumentStatus.DELETING:
        raise InvalidReference(f"{row.name} is being deleted.")
    if row.kind != PDF:
        raise InvalidReference(
            f"{row.name} is no catalogue: its products are the items of a {row.kind}.",
            advice="Change them where they come from, and ingest it again.",
        )
    return row


def _require_editable(connection: Connection, document: str) -> Document:
    row = require_catalogue(connection, document)
    if row.generation is None:
        raise InvalidReference(f"{row.name} has no products yet.", advice="Wait until it is ingested.")
    return row


def _edit_again(connection: Connection, document: Document) -> dict[int, StoredEdit]:
    """Apply all edits to what was found, save the result, and return the edits by number."""
    assert document.generation is not None  # noqa: S101 - _require_editable
    edited = edit_assembly(connection, document.id, read_found(connection, document.id))
    replace_assembly(connection, document.id, document.generation, edited)
    return {each.number: each for each in list_edits(connection, document.id)}
