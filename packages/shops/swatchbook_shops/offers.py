"""Products as shops sell them: fields that a mapping fills, one price with its currency and unit, and variants with the
options in which they differ. Every format of a shop writes these.

Nothing is made up: a range of prices is no price, a currency that the print leaves open is that of the mapping or
unknown, and a field that is not known is empty.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from urllib.parse import quote

from swatchbook.domain.records import identity
from swatchbook.upkeep.export.product_rows import ProductRow
from swatchbook.upkeep.export.shop_mapping import COMMON, ShopMapping, ShopOptions
from swatchbook_base.one_line import one_line, shorten
from swatchbook_base.printed_prices import currency_of, is_lowest, may_be_in, price_of
from swatchbook_shops.article_weights import grams_of
from swatchbook_shops.items.batch_values import as_day
from swatchbook_shops.items.shop_attributes import ANY
from swatchbook_shops.price_units import unit_named, unit_of
from swatchbook_shops.shop_fields import OFF_SALE, NotExportable, availability_of, fill

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MOST_VALUE = 190  # characters of an option's value; with a code and number it stays below the 255 of Shopify
_HANDLED = (
    "price", "currency", "regular_price", "sale_starts", "sale_ends", "description", "url", "brand", "gtin",
    "availability", "condition", "handle", "status", "taxonomy", "categories", "shop_attributes", "sku", "sold_as",
    "digital", "mpn", "shop_id", "short_description", "tags", "stock", "backorders", "visibility",
    "item_id",
)  # fmt: skip
"""Metadata for which there is a field: they are not listed as further properties."""
_OF_PRICES = {"price", "regular_price", "sale_starts", "sale_ends"}
VARIES = {"color": "color", "colour": "color", "size": "size", "material": "material", "pattern": "pattern"}
"""Names of options that Google's and schema.org's attributes have -> the attribute."""
NO_PRICE = "price is not known, and other variants have one"
_MOST_GTIN = 14  # digits
_BETWEEN_GTINS = re.compile(r"[;,|/\n]")


@dataclass(frozen=True, slots=True)
class Sale:
    """A reduced price. Amounts are digits with two decimals. `starts`, `ends`: its days, "" where they are open."""

    amount: str
    regular: str
    starts: str
    ends: str
    is_on: bool


@dataclass(frozen=True, slots=True)
class Price:
    """An amount as digits with two decimals. `currency` is None where the print leaves it open; `unit`: what it is for.

    `highest` is the other end of a printed range; then `amount` is the lowest, as it is if the price `is_lowest` of
    several. `sale`: the price is, will be or was reduced; `amount` is what counts today. `printed`: as it is printed.
    """

    amount: str
    currency: str | None
    unit: str | None
    highest: str | None = None
    printed: str = ""
    is_lowest: bool = False
    sale: Sale | None = None

    @property
    def regular(self) -> str:
        """Return the amount before a reduction that counts today, "" without one."""
        return self.sale.regular if self.sale and self.sale.is_on else ""


@dataclass(frozen=True, slots=True)
class Offer:
    """A product, or a variant of one. `values`: the fields in braces of a mapping; `fields`: those that it fills.

    `key`: its id without hyphens. `options`: of a product names, of a variant their values. `properties`: what else is
    known of it, by name.
    """

    row: ProductRow
    key: str
    values: Mapping[str, str]
    fields: Mapping[str, str]
    price: Price | None
    pictures: tuple[str, ...]
    properties: Mapping[str, str]
    options: tuple[str, ...] = ()
    variants: tuple["Offer", ...] = ()

    def code_beside(self, *known: str) -> str:
        """Return its code, "" where that is one of these, its GTIN, or what its shop names it by itself."""
        code, others = self.values["code"], (*known, self.values.get("handle"), self.values.get("shop_id"))
        return "" if code in others or _bare(code) == _bare(self.fields["gtin"]) else code

    def options_of(self, product: "Offer") -> dict[str, str]:
        """Return name -> value of the options of a product that it is a variant of, without those that may be any."""
        named = zip(product.options, self.options, strict=True)
        return {name: value for name, value in named if value != ANY}

    @property
    def single_price(self) -> Price | None:
        """Return its price, None where that is a range or the lowest of several."""
        return None if self.price is None or self.price.highest or self.price.is_lowest else self.price

    @property
    def grams(self) -> float | None:
        """Return its weight, None where it is not known."""
        return grams_of(self.values.get("weight", ""))

    @property
    def tags(self) -> list[str]:
        """Return the words that a shop gave it."""
        return list(filter(None, self.values.get("tags", "").split("; ")))

    @property
    def availability(self) -> str:
        """Return in_stock, out_of_stock, preorder or backorder, however it is written; "" if it is not known."""
        return availability_of(self.fields["availability"])

    @property
    def off_sale(self) -> str:
        """Return draft, archived, hidden, private or unlisted, "" for what everybody is offered."""
        status = self.fields["status"].casefold()
        return status if status in OFF_SALE else ""

    @property
    def unpriced(self) -> tuple["Offer", ...]:
        """Return its variants without a price, where another variant has one."""
        found = tuple(each for each in self.variants if each.price is None)
        return found if len(found) < len(self.variants) else ()

    @property
    def why_unpriced(self) -> str:
        """Return why it has no single price; of a product with variants why the first such has none."""
        lacking = next((each for each in self.variants if each.single_price is None), self)
        whose = f" of {lacking.values['variant']}" if lacking is not self else ""
        return f"the price{whose} is a range" if lacking.price else f"no price{whose} above 0 is known"

    @property
    def prices_without_currency(self) -> int:
        """Return how many of its prices, or of its variants, have no currency. A range is one price."""
        return sum(each.price is not None and each.price.currency is None for each in self.variants or (self,))

    def require_on_sale(self) -> None:
        """Raise NotExportable for what not everybody is offered."""
        if self.off_sale:
            raise NotExportable(f"its status is {self.off_sale}")

    def with_sold_variants(self) -> "Offer":
        """Return a product with those of its variants that are on sale. Raises NotExportable where none of them is."""
        sold = tuple(each for each in self.variants if not each.off_sale)
        if self.variants and not sold:
            raise NotExportable("none of its variants is on sale")
        return replace(self, variants=sold)

    def require_sold_here(self) -> None:
        """Raise NotExportable for what is no article of the shop: a product of another shop, a group, a gift card."""
        if kind := self.values.get("sold_as"):
            raise NotExportable(f"the shop sells it as {kind}")

    def needed(self, name: str, *, most: int | None = None) -> str:
        """Return a field that the format requires. Raises NotExportable if it is empty."""
        if not self.fields[name]:
            raise NotExportable(f"{name} is not known")
        return shortened(self.fields[name], most)


def clean(text: str) -> str:
    """Return a text without the characters that no XML may contain; its line ends are LF."""
    return _NOT_IN_XML.sub("", text).replace("\r\n", "\n").replace("\r", "\n")


def shortened(text: str, most: int | None) -> str:
    """Return a text of at most `most` characters; a longer one ends with "…"."""
    return text if most is None or len(text) <= most else text[: most - 1].rstrip() + "…"


def offers(groups: Iterable[Sequence[ProductRow]], options: ShopOptions) -> Iterator[Offer]:
    """Yield the products of rows, each with its variants. A group is the row of a product, then those of its variants.

    Only one product is in memory. Sales count today (UTC).
    """
    day = datetime.now(UTC).date()
    for product, *variants in groups:
        made = _offer(product, product, options, day)
        yield _with_variants(made, variants, options, day) if variants else made


def picture_urls(offer: Offer, options: ShopOptions) -> list[str]:
    """Return the addresses of an offer's pictures, none where their place is not given."""
    base = options.pictures_url
    return [f"{base.rstrip('/')}/{quote(name)}" for name in offer.pictures] if base else []


def distinct_skus(product: Offer) -> list[str]:
    """Return the SKUs of a product and its variants, in this order. No two are equal, ignoring case.

    The key replaces a SKU that is missing or already taken, because rows refer to each other by SKU. Raises
    NotExportable if neither the product nor any variant has one.
    """
    group, found = (product, *product.variants), dict[str, str]()
    known = [each.fields["sku"] for each in group]
    if not any(known):
        product.needed("sku")
    for offer, sku in zip(group, known, strict=True):
        own = sku if sku and sku.casefold() not in found else offer.key
        found[own.casefold()] = own
    return list(found.values())


def beside_options(known: Mapping[str, str], options: Mapping[str, Collection[str]]) -> dict[str, str]:
    """Return what is known in addition to the options of variants, by name.

    What has the name of an option is renamed, and left out only where it says no more than the option. What lists just
    the values of an option under another name is left out, too.
    """
    values_of = {name.casefold(): [each.casefold() for each in values] for name, values in options.items()}
    found = dict[str, str]()
    for name, value in known.items():
        values = values_of.get(name.casefold())
        if any(_lists(value.casefold(), set(each)) for each in values_of.values()):
            continue
        if values is None:
            found[name] = value
        elif not all(each in value.casefold() for each in values):
            found[f"{name} (product)"] = value
    return found


def _offer(row: ProductRow, product: ProductRow, options: ShopOptions, day: date, unit: str | None = None) -> Offer:
    """Return a product, or a variant with what it inherits of its product. `unit`: what the price of that is for."""
    key = row.id.replace("-", "")
    metadata = {clean(name): clean(value) for name, value in (product.metadata | row.metadata).items()}
    if not metadata.get("url", "").startswith(("http://", "https://")):
        metadata.pop("url", None)  # the place of a file on this machine
    if product.pages and row.code:  # printed in a catalogue, which is mostly that of the manufacturer
        metadata.setdefault("mpn", row.code)
    gtins = _gtins(metadata.get("gtin", ""))
    if "gtin" in metadata:
        metadata["gtin"] = _only(gtins)
    price = _price(row, product, options.mapping, day)
    title = row.name if row is product or product.name in row.name else f"{product.name}, {row.name}"
    values = metadata | {f"metadata.{name}": value for name, value in metadata.items()}
    is_variant = row is not product
    values |= {
        "id": row.id,
        "key": key,
        "name": one_line(clean(title)),
        "product": one_line(clean(product.name)),
        "variant": one_line(clean(row.name)) if is_variant else "",
        "product_key": product.id.replace("-", "") if is_variant else "",
        "code": row.code or "",
        "category": product.category or metadata.get("category", ""),
        "family": product.family or "",
        "price": price.amount if price and not price.highest and not price.is_lowest else "",
        "currency": (price and price.currency) or "",
        "picture": next(iter(row.pictures or product.pictures), ""),
        "document": product.document,
        "owner": product.owner,
    }
    values = {name: clean(value).strip() for name, value in values.items()}
    templates = {**COMMON, **options.mapping.fields}
    fields = {name: clean(fill(template, values)).strip() for name, template in templates.items()}
    fields["gtin"] = _only(_gtins(fields["gtin"]))
    if is_variant and "status" not in row.metadata:
        fields["status"] = ""  # that of its product counts there
    if _bare(fields["mpn"]) in {_bare(each) for each in (*gtins, fields["gtin"], metadata.get("handle", ""))}:
        fields["mpn"] = ""
    fields["unit"] = (price and price.unit) or unit or unit_named(fields["unit"])
    return Offer(
        row=row,
        key=key,
        values=values,
        fields=fields,
        price=price and replace(price, unit=fields["unit"] or None),
        pictures=row.pictures,
        properties={
            name.replace("_", " "): value
            for name, value in metadata.items()
            if value and name not in _HANDLED and (name, value) != ("category", fields["category"])
        },
    )


def _gtins(text: str) -> list[str]:
    """Return the different GTINs in a text."""
    return list(dict.fromkeys(filter(None, map(str.strip, _BETWEEN_GTINS.split(text)))))


def _only(gtins: Sequence[str]) -> str:
    """Return the only GTIN, "" where there is none, and where there are several."""
    return gtins[0] if len(gtins) == 1 and len(re.sub(r"\D", "", gtins[0])) <= _MOST_GTIN else ""


def _bare(code: str) -> str:
    """Return a code without spaces, hyphens and leading zeros, which GTINs are printed with and without."""
    return re.sub(r"[\W_]", "", code).lstrip("0")


def _price(row: ProductRow, product: ProductRow, mapping: ShopMapping, day: date) -> Price | None:
    """Return the price of a row, or that of its product where a variant has no price."""
    source = row if row.price is not None else product
    if source.price is None:
        return None
    printed = source.metadata.get("price", "")
    stated = source.metadata.get("currency", product.metadata.get("currency", "")).strip().upper()
    stated = stated if re.fullmatch(r"[A-Z]{3}", stated) else ""
    currencies = (currency_of(printed), stated, mapping.currency)
    amount = _decimal(source.price)
    sale = _sale(source, amount, day)
    return Price(
        amount=sale.regular if sale and not sale.is_on else amount,
        currency=next((each for each in currencies if each and may_be_in(printed, each)), None),
        unit=unit_of(printed),
        highest=None if source.price_to is None else _decimal(source.price_to),
        printed=printed,
        is_lowest=is_lowest(printed),
        sale=sale,
    )


def _decimal(amount: float) -> str:
    """Return an amount with two decimals, or more if it has more: dinars have three."""
    return f"{amount:.2f}" if round(amount, 2) == round(amount, 4) else f"{amount:.4f}".rstrip("0")


def _sale(row: ProductRow, amount: str, day: date) -> Sale | None:
    """Return the sale of a row whose price is below its regular one. A day that cannot be read leaves that end open."""
    regular = price_of(row.metadata.get("regular_price", ""))
    if row.price is None or row.price_to is not None or regular is None or regular <= row.price:
        return None
    starts, ends = (as_day(row.metadata.get(name, "")) for name in ("sale_starts", "sale_ends"))
    is_on = (starts or day) <= day <= (ends or day)
    first, last = (each.isoformat() if each else "" for each in (starts, ends))
    return Sale(amount=amount, regular=_decimal(regular), starts=first, ends=last, is_on=is_on)


def _inherited(product: ProductRow, rows: Sequence[ProductRow]) -> ProductRow:
    """Return a product with only what a variant without a value of its own has, too.

    That is no price where any variant has one, as that of the product is the lowest of them; no list of the values of
    the variants; and no GTIN of several variants, as each article has its own.
    """
    own = {name: {row.metadata.get(name) for row in rows} - {None} for name in product.metadata}
    lists = {name for name, value in product.metadata.items() if own[name] and _lists(value, own[name])}
    is_priced = any("price" in row.metadata for row in rows)
    left_out = (
        lists
        | {"sku", "status", "shop_id", "stock", "backorders"}
        | (_OF_PRICES if is_priced else set())
        | ({"gtin", "mpn"} if len(rows) > 1 else set())
    )
    return product.model_copy(
        update={
            "metadata": {name: value for name, value in product.metadata.items() if name not in left_out},
            "price": None if is_priced else product.price,
            "price_to": None if is_priced else product.price_to,
        }
    )


def _lists(text: str, values: Collection[str | None]) -> bool:
    """Return whether the parts of a text are exactly these values."""
    return any({part.strip() for part in text.split(between)} == values for between in ";,/|\n")


def _with_variants(product: Offer, rows: Sequence[ProductRow], options: ShopOptions, day: date) -> Offer:
    """Return a product with its variants; two that are alike in all are one."""
    kept = dict[tuple[object, ...], ProductRow]()
    for row in rows:
        kept.setdefault((row.name, row.code, row.options, *sorted(row.metadata.items())), row)
    ordered = list(kept.values())
    names, values = _options(ordered, options.mapping.option)
    shared = _inherited(product.row, ordered)
    unit = product.price.unit if product.price else None
    seen, variants = set[str](), list[Offer]()
    for row, value in zip(ordered, values, strict=True):
        made = _offer(row, shared, options, day, unit)
        if made.key in seen:  # of the same name and code, in several sizes
            row_id = identity("offer", row.id, *value)
            made = _offer(row.model_copy(update={"id": row_id}), shared, options, day, unit)
        seen.add(made.key)
        variants.append(replace(made, options=value))
    return replace(product, options=names, variants=tuple(variants))


def _options(rows: Sequence[ProductRow], option: str) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the names of the options, and for each variant their values: no two variants have the same.

    They are those of the variants where all have the same names. Else the name of a variant is its option, and its size
    is another where each variant has one and they differ.
    """
    named = [tuple(_option_text(name) for name, _ in row.options) for row in rows]
    if named[0] and set(named) == {named[0]} and len(set(named[0])) == len(named[0]):
        values = [tuple(_option_text(value) for _, value in row.options) for row in rows]
        return named[0], _unique(rows, values)
    sizes = [shorten(one_line(clean(row.metadata.get("size", ""))), _MOST_VALUE) for row in rows]
    names = [_option_text(row.name) for row in rows]
    if all(sizes) and len(set(sizes)) > 1:
        several = len(set(names)) > 1
        axes, values = (
            ((option, "Size") if several else ("Size",)),
            [(name, size) if several else (size,) for name, size in zip(names, sizes, strict=True)],
        )
    else:
        axes, values = (option,), [(name,) for name in names]
    return axes, _unique(rows, values)


def _option_text(text: str) -> str:
    return shorten(one_line(clean(text)), _MOST_VALUE) or "–"


def _unique(rows: Sequence[ProductRow], values: Iterable[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Return the values of variants, in which those that are alike get their code or a number."""
    unique = list[tuple[str, ...]]()
    for row, value in zip(rows, values, strict=True):
        chosen, number = value, 2
        if chosen in unique and row.code:
            chosen = (f"{value[0]} ({shorten(one_line(clean(row.code)), 50)})", *value[1:])
        while chosen in unique:
            chosen, number = (f"{value[0]} ({number})", *value[1:]), number + 1
        unique.append(chosen)
    return unique
