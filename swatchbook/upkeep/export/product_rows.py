"""Products and their variants as rows of an export: their fields, their price as the number that filters compare, and
the file names of their pictures, `<image id>.jpg` or `.png`; and copies of these pictures.
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from swatchbook.domain.errors import FileMissing
from swatchbook.domain.records import ProductDetails, ProductPicture, Record, Variant, variant_id
from swatchbook.store.files.file_store import Files
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.queries.document_parts import list_products
from swatchbook.upkeep.export.atomic_file import atomic_file
from swatchbook_base.printed_prices import highest_of, price_of

_READ_TOGETHER = 200


class ProductRow(Record):
    """A product, or a variant of one, as a row of an export. `parent`: of a variant the id of its product.

    `price`: the first amount in the printed price, which stays in `metadata`. `price_to`: the other
    end where a range is printed. `options`: of a variant what makes it up, as (name, value). `captions`: of the
    pictures, in their order, "" without one; the names of variants that a shop's file added to them are left out.
    `variant_pictures`: those of the pictures that the shop shows for variants, and not with the product.
    """

    id: str
    document_id: str
    document: str
    owner: str
    name: str
    category: str | None
    code: str | None
    variants: tuple[str, ...]
    pages: tuple[int, ...]
    grain: str
    parent: str | None
    family: str | None
    confidence: float
    price: float | None
    price_to: float | None
    pictures: tuple[str, ...]
    metadata: dict[str, str]
    options: tuple[tuple[str, str], ...] = ()
    captions: tuple[str, ...] = ()
    variant_pictures: tuple[str, ...] = ()


def read_products(ledger: Ledger, document: str) -> Iterator[ProductDetails]:
    """Yield the products of a document in order; only a portion of them is in memory."""
    after = None
    while portion := list_products(ledger, document, after=after, limit=_READ_TOGETHER):
        yield from (product for _, product in portion)
        after = portion[-1][0]


def as_rows(product: ProductDetails) -> Iterator[ProductRow]:
    """Yield a product as a row, then its variants and parts."""
    same = ProductRow.model_fields.keys() & ProductDetails.model_fields.keys() - {"pictures", "variants"}
    printed_price = product.metadata.get("price", "")
    names = "|".join(re.escape(each.name) for each in sorted(product.variants, key=lambda each: -len(each.name)))
    behind = re.compile(rf"(^|: )({names})(, ({names}))*$")  # as `products_of_rows` adds them
    captions = {
        each.id: behind.sub("", each.caption or "") if names else each.caption or "" for each in product.pictures
    }
    row = ProductRow(
        **{name: getattr(product, name) for name in same},
        variants=tuple(variant.name for variant in product.variants),
        grain="product",
        parent=None,
        price=price_of(printed_price),
        price_to=highest_of(printed_price),
        pictures=tuple(map(picture_name, product.pictures)),
        captions=tuple(captions[each.id] for each in product.pictures),
        variant_pictures=tuple(picture_name(each) for each in product.pictures if _is_only_of_variants(each, product)),
    )
    yield row
    for variant in product.variants:
        printed = dict(variant.facts) | {
            name: value for name, value in (("size", variant.size), ("price", variant.price)) if value
        }
        shown = [each for each in product.pictures if shows_variant(each, variant)]
        own = {
            "id": variant_id(product.id, variant),
            "name": variant.name,
            "code": variant.code,
            "variants": (),
            "pages": (variant.page,) if variant.page else (),
            "grain": variant.grain,
            "parent": product.id,
            "price": price_of(variant.price or ""),
            "price_to": highest_of(variant.price or ""),
            "pictures": tuple(map(picture_name, shown)),
            "captions": tuple(captions[each.id] for each in shown),
            "variant_pictures": (),
            "metadata": {name: value for name, value in printed.items() if value},
            "options": variant.options,
        }
        yield row.model_copy(update=own)


def _is_only_of_variants(picture: ProductPicture, product: ProductDetails) -> bool:
    """Return whether a shop's file gives a picture to variants alone. Of a catalogue that is not known."""
    is_of_shop = picture.role == "variant" and not product.pages
    return is_of_shop and any(shows_variant(picture, each) for each in product.variants)


def shows_variant(picture: ProductPicture, variant: Variant) -> bool:
    """Return whether the caption of a picture has the words of the variant's name, or its code."""
    named = (key for key in (variant.name, variant.code) if key)
    caption = picture.caption or ""
    return any(re.search(rf"(?<!\w){re.escape(key)}(?!\w)", caption, re.IGNORECASE) for key in named)


def picture_name(picture: ProductPicture) -> str:
    """Return the file name of a picture: the same that `GET /images/{id}/file` gives it."""
    return picture.id + Path(picture.file).suffix


def copy_pictures(files: Files, product: ProductDetails, folder: Path) -> list[str]:
    """Copy a product's pictures into a folder, unless they are there; return the names of those that are missing.

    Raises what `atomic_file` raises, and FilesDown.
    """
    missing = []
    for picture in product.pictures:
        path = folder / picture_name(picture)
        if path.exists():  # named by its content: it is the same picture
            continue
        try:
            with files.local(picture.file) as stored, stored.open("rb") as source, atomic_file(path) as copy:
                shutil.copyfileobj(source, copy)
        except FileMissing:
            missing.append(path.name)
    return missing
