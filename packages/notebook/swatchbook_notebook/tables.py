"""Products, images and facts of documents as pyarrow tables, for notebooks. pandas, polars and DuckDB read them."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from swatchbook.domain.records import NO_PAGE, ProductDetails
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.queries.document import image_rows
from swatchbook.store.ledger.stored_documents import Document
from swatchbook.upkeep.export.formats import Rows, parquet_schema, parquet_tables
from swatchbook.upkeep.export.product_rows import as_rows, read_products

if TYPE_CHECKING:
    import pyarrow as pa


def product_table(ledger: Ledger, documents: Iterable[Document], temporary_folder: Path) -> "pa.Table":
    """Return a row for each product, and for each of its variants, with the columns of an export as Parquet."""
    import pyarrow as pa

    rows = (row for document in documents for product in read_products(ledger, document.id) for row in as_rows(product))
    with Rows(rows, temporary_folder) as spooled:
        schema = parquet_schema(spooled)
        return pa.Table.from_batches(
            [batch for table in parquet_tables(spooled, schema) for batch in table.to_batches()], schema
        )


def image_table(ledger: Ledger, documents: Iterable[Document]) -> "pa.Table":
    """Return a row for each image in each document, in reading order, also for hidden and decorative ones.

    Sizes are pixels. `path`: of a picture of a folder or batch; `products`: ids of the products that it shows.
    """
    import pyarrow as pa

    texts = ("id", "document_id", "document", "state", "content_key", "path", "caption")
    analysed = ("material", "finish", "pattern", "application")
    fields = [
        *((name, pa.string()) for name in texts), ("width", pa.int32()), ("height", pa.int32()),
        ("pages", pa.list_(pa.int32())), ("products", pa.list_(pa.string())), ("quality", pa.float64()),
        ("needs_review", pa.bool_()), *((name, pa.string()) for name in analysed), ("colors", pa.list_(pa.string())),
    ]  # fmt: skip
    rows = [row for document in documents for row in _image_rows(ledger, document)]
    return pa.Table.from_pylist(rows, schema=pa.schema(fields))


def fact_table(ledger: Ledger, documents: Iterable[Document]) -> "pa.Table":
    """Return a row for each fact of each product, such as its size, as printed.

    `page`, `label` and `rule` say where it was found and why ("by hand": a person set it); they are null for a fact
    that came with an item.
    """
    import pyarrow as pa

    texts = ("product_id", "product", "document_id", "document", "fact", "value", "label", "rule")
    schema = pa.schema([*((name, pa.string()) for name in texts), ("page", pa.int32())])
    rows = [row for each in documents for product in read_products(ledger, each.id) for row in _fact_rows(product)]
    return pa.Table.from_pylist(rows, schema=schema)


def _image_rows(ledger: Ledger, document: Document) -> Iterator[dict[str, Any]]:
    shown_by: dict[str, list[str]] = {}
    for product in read_products(ledger, document.id):
        for picture in product.pictures:
            shown_by.setdefault(picture.id, []).append(product.id)
    with ledger.read() as connection:
        rows = image_rows(connection, document.id)
    for row in rows:
        places, analysis = row.pop("placements"), row.pop("analysis") or {}
        yield {
            **row,
            **analysis,
            "state": row["status"],
            "document_id": document.id,
            "document": document.name,
            "path": next((place["path"] for place in places if place["path"]), None),
            "caption": next((place["caption"] for place in places if place["caption"]), None),
            "pages": sorted({place["page"] for place in places} - {NO_PAGE}),
            "products": shown_by.get(row["id"], []),
            "quality": row["quality"],
            "colors": [color["name"] for color in analysis.get("colors", ())],
        }


def _fact_rows(product: ProductDetails) -> Iterator[dict[str, Any]]:
    found = {(fact.key, fact.value): fact for fact in reversed(product.facts)}
    for name, value in product.metadata.items():
        place = found.get((name, value))
        yield {
            "product_id": product.id,
            "product": product.name,
            "document_id": product.document_id,
            "document": product.document,
            "fact": name,
            "value": value,
            **({"label": place.label, "rule": place.rule, "page": place.page} if place else {}),
        }
