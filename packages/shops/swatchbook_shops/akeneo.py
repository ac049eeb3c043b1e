"""The product CSV of Akeneo PIM: `;` between the cells, a column for each attribute by its code, a row for each
variant.

Which attributes a PIM has, only a mapping knows: each field of it is a column, except the title, which is `name`.
"""

import re
from collections.abc import Iterator
from functools import partial
from typing import BinaryIO, Final

from swatchbook.domain.errors import InvalidReference
from swatchbook.upkeep.export.formats import Exporter, Rows
from swatchbook.upkeep.export.shop_mapping import ADVICE, COMMON, ShopOptions
from swatchbook_shops.offers import Offer
from swatchbook_shops.shop_csv import Cells, pack, read_rows, sku_key, unpack, write_rows
from swatchbook_shops.shop_fields import fill
from swatchbook_shops.shop_file import Contents, ShopFormat, ShopRecord, write_shop_file

COLUMNS: Final = ("sku", "family", "parent", "groups", "categories", "enabled", "name", "description")
ALWAYS: Final = ("sku", "enabled")
ATTRIBUTE: Final = re.compile(r"[A-Za-z0-9_]{1,100}(-[A-Za-z0-9_]+){0,2}")
"""A column: the code of an attribute, and behind it locale, channel or currency: `description-en_US-web`."""
_NO_COLUMNS = ("title", "sku", "handle", "availability", "status")


class Akeneo(ShopFormat):
    """The format. A record is a row: a product without variants, or a variant."""

    def __init__(self, options: ShopOptions) -> None:
        self._mapped = {name: each for name, each in options.mapping.fields.items() if name not in _NO_COLUMNS}
        for name in self._mapped:
            if not ATTRIBUTE.fullmatch(name):
                raise InvalidReference(
                    f"The mapping has the field {name!r}, which is no attribute code.", advice=ADVICE
                )

    def records(self, offer: Offer) -> list[ShopRecord]:
        offer.require_on_sale()
        rows = [self._row(each) for each in offer.variants or (offer,)]
        return [ShopRecord(sku_key(row["sku"]), pack([row]), row["sku"]) for row in rows]

    def _row(self, offer: Offer) -> dict[str, str]:
        price = offer.single_price
        found = {"name": offer.needed("title"), "description": offer.fields["description"]}
        if price and price.currency:
            found[f"price-{price.currency}"] = price.amount
        mapped = {name.partition("-")[0] for name in self._mapped}
        kept = {name: value for name, value in found.items() if name.partition("-")[0] not in mapped}
        named = {
            name: offer.fields[name] if name in COMMON else fill(template, offer.values)
            for name, template in self._mapped.items()
        }
        return {"sku": offer.needed("sku"), "enabled": "1"} | kept | named

    def keys(self, offer: Offer) -> list[str]:
        return [sku_key(each.fields["sku"]) for each in offer.variants or (offer,)]

    def name_left_out(self, rows: Rows, offer: Offer) -> None:
        """Count prices that are left out for want of a currency, unless the mapping fills the price."""
        if "price" not in {name.partition("-")[0] for name in self._mapped}:
            rows.prices_without_currency += offer.prices_without_currency

    def read(self, file: BinaryIO) -> Iterator[ShopRecord]:
        for row in read_rows(file, ALWAYS, is_gone=self._is_gone, delimiter=";"):
            yield ShopRecord(sku_key(row.get("sku", "")), pack([row]))

    def _is_gone(self, row: Cells) -> bool:
        """Return whether a row disables a product; only rows of changes do, unless the mapping fills that."""
        return row.get("enabled") == "0" and "enabled" not in self._mapped

    def gone(self, content: str) -> str:
        """Return the product as disabled."""
        (row,) = unpack(content)
        return pack([row | {"enabled": "0"}])

    def write(self, contents: Contents, out: BinaryIO, *, whole: bool) -> None:
        write_rows(contents, out, columns=COLUMNS, always=ALWAYS, delimiter=";")


AKENEO: Final = Exporter(partial(write_shop_file, Akeneo), "Akeneo", "csv")
