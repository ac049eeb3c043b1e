"""Rows of products for the tests of shop formats: a floor with two variants and prices per m², a chair without any; and
texts as strangers may print them.
"""

import io
from collections.abc import Sequence
from pathlib import Path

from hypothesis import strategies as st

from swatchbook.domain.records import identity
from swatchbook.upkeep.export.formats import OutsideExport, Written, write_products
from swatchbook.upkeep.export.product_rows import ProductRow
from swatchbook.upkeep.export.shop_mapping import ShopMapping, ShopOptions, Template
from swatchbook_base.printed_prices import highest_of, price_of

PICTURES = "https://cdn.example/pictures/"


def product(name: str, *, code: str | None = None, category: str | None = None, pictures: Sequence[str] = (),
            owner: str = "anna", **metadata: str) -> ProductRow:  # fmt: skip
    """Return the row of a product; its id is that of its name."""
    printed = metadata.get("price", "")
    return ProductRow(
        id=identity("test", name), document_id="d1", document="a.pdf", owner=owner, name=name, category=category,
        code=code, variants=(), pages=(3,), grain="product", parent=None, family=None, confidence=0.9,
        price=price_of(printed), price_to=highest_of(printed), pictures=tuple(pictures), metadata=metadata,
    )  # fmt: skip


def variant(of: ProductRow, name: str, *, code: str | None = None, pictures: Sequence[str] = (), **printed: str
            ) -> ProductRow:  # fmt: skip
    """Return the row of a variant of a product."""
    price = printed.get("price", "")
    own = {
        "id": identity("variant", of.id, name, code), "name": name, "code": code, "grain": "variant", "parent": of.id,
        "price": price_of(price), "price_to": highest_of(price), "pictures": tuple(pictures), "metadata": printed,
    }  # fmt: skip
    return of.model_copy(update=own)


FLOOR = product(
    "Nordvik Oak", code="NO-1", category="Floors > Oak", pictures=("i1.jpg", "i2.jpg", "i 3.png"),
    price="€ 82.50 per m2", brand="Nordvik", material="oak, oiled", description='Planks "A" & <b>more</b>\nsecond line',
)  # fmt: skip
FLOOR_ROWS = (
    FLOOR,
    variant(FLOOR, "Limed", code="NO-101", pictures=("i2.jpg",), price="€ 82.50 per m2", size="14 × 190 mm"),
    variant(FLOOR, "Smoked", code="NO-104", price="€ 96.00 per m2", size="14 × 240 mm"),
)
CHAIR = product("Стул Åse", price="€ 129", url="https://shop.example/chair?a=1&b=2", availability="in_stock")
ROWS = (*FLOOR_ROWS, CHAIR)

FULL = ShopOptions(
    mapping=ShopMapping(
        fields={
            "availability": ("{availability}", "in_stock"), "description": ("{description}", "{name}"),
            "link": ("{url}", "https://shop.example/{key}"), "unit": "piece",
        },
        currency="EUR", supplier="Nordvik AB", catalog_id="2026", language="eng",
    ),
    pictures_url=PICTURES,
)  # fmt: skip
"""What every format needs to hold all products."""


def with_fields(of: ShopOptions = FULL, /, **fields: Template) -> ShopOptions:
    """Return options whose mapping has these fields, too."""
    mapping = of.mapping.model_copy(update={"fields": of.mapping.fields | fields})
    return of.model_copy(update={"mapping": mapping})


hostile = st.one_of(
    st.text(),
    st.sampled_from((
        "=1+1", "-20 °C", "@SUM(A1)", "a\nb\r\nc", '"quoted", and, commas', "]]>", "<!-- & -->", "</script><b>", "\x00",
        "\x0b\x1f", "\ufffe\uffff", "\ud800", "\u2028", "a\\", "a\\,b", "x" * 40_000, "é" * 5_000, "‮abc", "  ",
        "{name}", "{0.__class__}", "\\n", "'=1", "｛＝", "𝕏" * 300,
    )),
).map(lambda text: text.encode("utf-8", "replace").decode())  # fmt: skip
"""Texts as the ledger may hold them: without lone surrogates, which no database stores."""


def shop_file(tmp_path: Path, form: str, rows: Sequence[ProductRow], options: ShopOptions | None = None,
              outside: OutsideExport | None = None) -> tuple[bytes, Written]:  # fmt: skip
    """Return the file of a format, and what the export says about it. Nothing else is left on the disk."""
    out = io.BytesIO()
    folder = tmp_path / "tmp"
    written = write_products(
        iter(rows),
        form,
        out,
        temporary_folder=folder,
        options=options or ShopOptions(),
        outside=outside or OutsideExport(),
    )
    assert list(folder.iterdir()) == []
    return out.getvalue(), written
