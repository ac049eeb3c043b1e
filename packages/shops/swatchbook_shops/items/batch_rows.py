"""Make products of the rows of a table: in the exports of Shopify and WooCommerce several rows are one product."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any

from swatchbook.ingest.sources.field_words import flat
from swatchbook.ingest.sources.item_files import TITLE, is_empty
from swatchbook_shops.items.batch_names import MPN, NAMES
from swatchbook_shops.items.batch_pictures import OF_VARIANT, pictures_in
from swatchbook_shops.items.batch_values import as_price, as_text, price_before
from swatchbook_shops.items.shop_attributes import ANY, attributes_in_columns
from swatchbook_shops.items.woocommerce_columns import NOT_READ, english_columns

Row = Mapping[str, Any]


def products_of_rows(read: Callable[[], Iterator[Row]]) -> tuple[Iterator[Row], Mapping[str, str]]:
    """Return the products of a table, and English name -> name in the file of columns that are named in English here.

    A product is the rows of a handle in Shopify's export, or a product with its variations in WooCommerce's, whose
    columns may be in any language. `read` begins at the first row each time.
    """
    first = next(read(), None)
    if first is None:
        return iter(()), {}
    columns = english_columns(first)
    names = _names_of_shopify(first)
    handle, source = names.get("urlhandle"), names.get("productimageurl")
    in_english = {flat(name): name for name in columns.values()}
    if handle and source:
        return _by_handle(read(), names, handle, source), {}
    if is_of_woocommerce(_renamed(first, columns)):
        plain = partial(_plain, names=in_english)
        products = _with_variations(lambda: (plain(_renamed(row, columns)) for row in read()), in_english)
        return products, {name: own for own, name in columns.items()}
    return read(), {}


def rows_as_variants(rows: Sequence[Row]) -> Row:
    """Return rows of one product as a record: what they differ in is of its variants. Equal rows have none."""
    differing = [name for name in rows[0] if len({str(row.get(name)) for row in rows}) > 1]
    if not differing:
        return rows[0]
    told_apart = {name for kind in ("color", "size", "material") for name in NAMES[kind]}
    if any(flat(name) in told_apart for name in differing):  # then their titles are no names of variants
        differing = [name for name in differing if flat(name) not in NAMES[TITLE]]
    return {**_merged(rows), "variants": [{name: row[name] for name in differing if name in row} for row in rows]}


def used_for_rows(record: Mapping[str, Any]) -> frozenset[str]:
    """Return the flat names of columns of which a product is made, though none of its fields is read from them."""
    if _is_of_shopify(record):
        return _USED_OF_SHOPIFY
    return _USED_OF_WOOCOMMERCE if is_of_woocommerce(record) else frozenset()


def passed_over(record: Mapping[str, Any]) -> frozenset[str]:
    """Return the flat names of columns that the export of a record's shop is known to have, and that are not read."""
    if _is_of_shopify(record):
        return _NOT_READ_OF_SHOPIFY
    return NOT_READ if is_of_woocommerce(record) else frozenset()


def is_of_woocommerce(record: Mapping[str, Any]) -> bool:
    """Return whether a record with English names is of WooCommerce's export.

    Without the column Parent, which a shop without variations may leave out, it is known by other columns and its type.
    """
    names = {flat(str(name)): name for name in record}
    if not names.keys() >= {"type", "sku"}:
        return False
    return "parent" in names or (
        not names.keys().isdisjoint(_ONLY_OF_WOOCOMMERCE) and _TYPES.issuperset(_kinds(record, names["type"]))
    )


def _is_of_shopify(record: Mapping[str, Any]) -> bool:
    return not {"handle", "urlhandle"}.isdisjoint(flat(str(name)) for name in record)


IDLE_SALE = "sale is not used"
"""A field with the SKU of an article whose sale price is 0, or not below its regular one."""
_USED_OF_WOOCOMMERCE = frozenset({"type", "parent", "sku", "id", "published", flat(IDLE_SALE)})
_ONLY_OF_WOOCOMMERCE = ("published", "visibilityincatalog", "backordersallowed", "datesalepricestarts")
_TYPES = frozenset({"simple", "variable", "variation", "grouped", "external", "virtual", "downloadable"})
VARIATION_OF = "variation of "
"""As what the shop sells a variation whose product is not in the file. The name of that follows."""
_NOT_OURS = ("external", "grouped")  # of another shop, or several products
_RENAMED_BY_SHOPIFY = {
    "handle": "urlhandle",
    "published": "publishedononlinestore",
    "variantsku": "sku",
    "variantbarcode": "barcode",
    "variantprice": "price",
    "variantcompareatprice": "compareatprice",
    "variantgrams": "weightvaluegrams",
    "variantinventorytracker": "inventorytracker",
    "variantinventoryqty": "inventoryquantity",
    "variantinventorypolicy": "continuesellingwhenoutofstock",
    "imagesrc": "productimageurl",
    "variantimage": "variantimageurl",
}
"""The flat names of columns in Shopify's files before 2024 -> those since then."""

_USED_OF_SHOPIFY = frozenset({"status", *_RENAMED_BY_SHOPIFY, *_RENAMED_BY_SHOPIFY.values()})
_NOT_READ_OF_SHOPIFY = frozenset(
    flat(name)
    for name in (
        "Image position", "SEO title", "SEO description", "Cost per item", "Gift card",
        "Variant Fulfillment Service", "Fulfillment service", "Variant Requires Shipping", "Requires shipping",
        "Variant Taxable", "Charge tax", "Variant Tax Code", "Tax code", "Variant Weight Unit",
        "Weight unit for display", "Unit price total measure", "Unit price total measure unit",
        "Unit price base measure", "Unit price base measure unit", "Google Shopping / Gender",
        "Google Shopping / Age Group", "Google Shopping / Custom Product",
        *(f"Google Shopping / Custom Label {number}" for number in range(5)),
    )
)  # fmt: skip


def _names_of_shopify(columns: Iterable[str]) -> dict[str, str]:
    """Return flat name -> column. An older column is there by its name of today, too."""
    names = {flat(column): column for column in columns}
    return names | {today: names[older] for older, today in _RENAMED_BY_SHOPIFY.items() if older in names}


def _by_handle(rows: Iterator[Row], names: Mapping[str, str], handle: str, source: str) -> Iterator[Row]:
    together, last = list[Row](), None
    for row in chain(rows, [None]):
        if row is None or (row[handle] != last and not is_empty(row[handle])):
            if together:
                yield _shopify_product(together, names, source)
            together, last = [], row and row[handle]
        if row is not None:
            together.append(row)


def _shopify_product(rows: Sequence[Row], names: Mapping[str, str], source: str) -> Row:
    product, alt = dict(_merged(rows)), names.get("imagealttext", "")
    own_picture = names.get("variantimageurl", "")
    pictures = {str(row[source]): row.get(alt) for row in rows if not is_empty(row.get(source))}
    product.pop(alt, None)
    if kind := as_text(product.pop(names.get("type", ""), None)):
        product["Product type"] = kind  # the shop's own, before its place in Shopify's taxonomy
    if weight := _grams(product.pop(names.get("weightvaluegrams", ""), None)):
        product["Weight"] = weight
    if str(product.pop(names.get("giftcard", ""), "")).lower() == "true":
        product["sold as"] = "gift card"
    # Shopify sells it, but not in its online store.
    published = product.get(names.get("publishedononlinestore", ""))
    is_off_sale = str(product.get(names.get("status", ""))).lower() in ("draft", "archived")
    if str(published).lower() == "false" and not is_off_sale:
        product[names.get("status", "status")] = "hidden"
    options = {
        name: as_text(rows[0].get(names.get(key.replace("value", "name"), ""))) or name
        for key, name in names.items()
        if _OPTION_VALUE.fullmatch(key)
    }
    variants, shown = list[dict[str, Any]](), dict[str, list[str]]()
    for row in rows:
        chosen = {label: text for name, label in options.items() if (text := as_text(row.get(name)))}
        if chosen:  # not of "Default Title", which is a product's only row
            variants.append({"options": chosen} | _sold_as(row, names))
            if picture := as_text(row.get(own_picture)):
                shown.setdefault(picture, []).append(" / ".join(chosen.values()))
    if shown:
        product.pop(own_picture)
    product[source] = _with_variant_names(pictures, shown)
    kept = {name: value for name, value in product.items() if not _OPTION.fullmatch(flat(name))}
    if variants:
        return kept | {"variants": variants}
    only = _sold_as(rows[0], names)
    return kept | {
        "own sku": only["sku"],
        "stock": only["stock"],
        "mpn": only["mpn"],
        "availability": _in_stock(rows[0], names),
    }


def _with_variant_names(pictures: Mapping[str, Any], shown: Mapping[str, Sequence[str]]) -> list[Row]:
    """Return pictures (URL -> caption) and those of variants, which have the variants' names in their captions.

    `shown`: URL -> the names of its variants. A picture of variants that is no picture of the product says so.
    """
    return [
        {"src": url, "alt": ": ".join(filter(None, [as_text(alt), ", ".join(shown.get(url, ()))]))}
        | ({} if url in pictures else {"role": OF_VARIANT})
        for url, alt in (dict(pictures) | {url: pictures.get(url) for url in shown}).items()
    ]


_OPTION = re.compile(r"option[123](?:name|value|linkedto)")
_OPTION_VALUE = re.compile(r"option[123]value")
_ATTRIBUTE_VALUE = re.compile(r"attribute\d+values?")


def _sold_as(row: Row, names: Mapping[str, str]) -> dict[str, Any]:
    """Return the SKU, barcode, prices and weight of a row that is a variant."""

    def first(*keys: str) -> Any:
        return next((row[names[key]] for key in keys if not is_empty(row.get(names.get(key, "")))), None)

    return {
        "sku": first("sku"),
        "own_sku": first("sku"),
        "availability": first("instock") or _in_stock(row, names),
        "gtin": first(*NAMES["gtin"]),
        "mpn": first(*MPN),
        "price": first("saleprice", "regularprice", "price"),
        "compare_at_price": first("compareatprice", "regularprice"),  # so named, it never becomes the price
        "sale_starts": first("datesalepricestarts"),
        "sale_ends": first("datesalepriceends"),
        "stock": first("stock", "inventoryquantity"),
        "weight": _grams(first("weightvaluegrams")),
    }


def _of_woocommerce(row: Row, names: Mapping[str, str]) -> dict[str, Any]:
    """Return what only WooCommerce's variations have: an id, whether they may be ordered later, and measures."""
    found = {"shop id": row.get(names.get("id", ""))}
    if str(later := row.get(names.get("backordersallowed", ""))) in ("1", "notify"):
        found["backorders"] = later
    measures = {match: name for key, name in names.items() if (match := _MEASURE.fullmatch(key))}
    return found | {match[1]: _with_unit(row.get(name), match[2]) for match, name in measures.items()}


_MEASURE = re.compile("(weight|length|width|height)(kg|g|lbs|oz|mm|cm|m|in|yd)")


def _in_stock(row: Row, names: Mapping[str, str]) -> str | None:
    """Return whether a row of Shopify's can be ordered, None where the shop does not count what is in stock."""
    tracker, quantity, policy = (
        as_text(row.get(names.get(key, "")))
        for key in ("inventorytracker", "inventoryquantity", "continuesellingwhenoutofstock")
    )
    if not tracker or quantity is None:
        return None
    if not quantity.startswith(("0", "-")):
        return "in_stock"
    return "backorder" if (policy or "").lower() == "continue" else "out_of_stock"


def _grams(value: Any) -> str | None:
    """Return a weight in grams with its unit, of the rows of a product the first; None where it is 0."""
    return _with_unit(value[0] if isinstance(value, list) else value, "g")


def _with_unit(value: Any, unit: str) -> str | None:
    text = as_text(value)
    return f"{text} {unit}" if text and text.strip("0.,") else None


def _merged(rows: Sequence[Row]) -> Mapping[str, Any]:
    """Return several rows as one; a column with several values has a list of these."""
    merged = dict[str, Any](rows[0])
    for name in merged:
        values = list(dict.fromkeys(str(row[name]) for row in rows if not is_empty(row.get(name))))
        if len(values) > 1:
            merged[name] = values
        elif values and is_empty(merged[name]):  # only later rows have it
            merged[name] = values[0]
    return merged


def _renamed(row: Row, columns: Mapping[str, str]) -> Row:
    return {columns.get(name, name): value for name, value in row.items()}


def _plain(row: Row, names: Mapping[str, str]) -> Row:
    """Return a row of WooCommerce's without the escapes in its values, with its deepest category and all of them."""
    plain = {name: _plain_value(flat(name), value) if isinstance(value, str) else value for name, value in row.items()}
    plain |= _without_idle_sale(row, names)
    for name, value in row.items():
        if flat(name) == "categories" and isinstance(value, str):
            paths = _listed(value)
            plain |= {name: max(paths, key=lambda path: path.count(">"), default="")}
            plain |= {"all categories": "; ".join(paths)} if len(paths) > 1 else {}
    return plain


def _without_idle_sale(row: Row, names: Mapping[str, str]) -> dict[str, Any]:
    """Return what changes in a row whose sale price is not below the regular one, at which the shop then sells it.

    So it is with 0, which is no price: nothing is given away by mistake.
    """
    printed = row.get(names.get("saleprice", ""))
    sale, regular = as_price(printed), as_price(row.get(names.get("regularprice", "")))
    if is_empty(printed) or not regular or (sale and price_before(sale, regular)):
        return {}
    return {names["saleprice"]: "", IDLE_SALE: row.get(names["sku"]) or row.get(names.get("name", ""))}


def _listed(cell: str) -> list[str]:
    return [each.strip().replace("\\,", ",") for each in re.split(r"(?<!\\),", cell) if each.strip()]


def _plain_value(name: str, value: str) -> Any:
    if _ATTRIBUTE_VALUE.fullmatch(name):
        values = _listed(value)
        return values if len(values) > 1 else "".join(values)
    return value.replace("\\n", "\n") if name.endswith("description") else value


def _with_variations(read: Callable[[], Iterator[Row]], names: Mapping[str, str]) -> Iterator[Row]:
    """Yield products with the prices and pictures of their variations, and variations that have no product."""
    kind, parent, sku, id = names["type"], names.get("parent", ""), names["sku"], names.get("id", names["sku"])
    kept = [name for key, name in names.items() if "price" in key]
    pictured = names.get("images", names.get("image", ""))
    known, variations = set[str](), dict[str, list[Row]]()
    for row in read():
        if _is_variation(row, kind):
            own = {name: row.get(name) for name in kept}
            own |= {"variant": _variation(row, names), "pictures": _places(row.get(pictured))}
            variations.setdefault(str(row.get(parent)), []).append(own)
        elif not is_empty(row.get(kind)):
            known.update(_names_as_parent(row, id, sku))
    published = names.get("published", "")
    for row in read():
        if _is_variation(row, kind) and str(row.get(parent)) in known:
            continue
        product = dict(row) | _status(row.get(published), row.get(names.get("visibilityincatalog", "")))
        product |= {"own sku": row.get(sku), "shop id": row.get(names.get("id", ""))}
        product["shop attributes"] = attributes_in_columns(row, names)
        product["digital"] = _digital(row, kind)
        product["sold as"] = (
            f"{VARIATION_OF}{as_text(row.get(parent)) or 'an unknown product'}"
            if _is_variation(row, kind)
            else next((f"{each} product" for each in _kinds(row, kind) if each in _NOT_OURS), None)
        )
        of_row = [each for name in _names_as_parent(row, id, sku) for each in variations.get(name, [])]
        if of_row:
            product |= dict(_merged([{name: row.get(name) for name in kept}, *of_row]))
            product["variants"] = [each["variant"] for each in of_row]
            shown = dict[str, list[str]]()
            for each in of_row:
                for picture in each["pictures"]:
                    shown.setdefault(picture, []).append(str(each["variant"]["title"]))
            product[pictured] = _with_variant_names(dict.fromkeys(_places(row.get(pictured))), shown)
        yield product


def _names_as_parent(row: Row, id: str, sku: str) -> list[str]:
    """Return by what its variations name a product: "id:44" and its SKU, where it has these."""
    named = (("id:", row.get(id)), ("", row.get(sku)))
    return [f"{prefix}{value}" for prefix, value in named if not is_empty(value)]


def _variation(row: Row, names: Mapping[str, str]) -> dict[str, Any]:
    options = dict[str, str]()
    for key, name in ((key, name) for key, name in names.items() if _ATTRIBUTE_VALUE.fullmatch(key)):
        label, text = as_text(row.get(names.get(re.sub("values?$", "name", key), ""))), as_text(row.get(name))
        if label or text:
            options[label or name] = text or ANY
    title = " / ".join(options.values()) or row.get(names.get("name", ""))
    own = {"options": options, "title": title, "digital": _digital(row, names["type"])}
    own |= {IDLE_SALE: row[IDLE_SALE]} if IDLE_SALE in row else {}
    return own | _sold_as(row, names) | _of_woocommerce(row, names) | _status(row.get(names.get("published", "")))


def _kinds(row: Row, kind: str) -> list[str]:
    """Return the words of a type, such as "simple, virtual"."""
    return [each.strip() for each in str(row.get(kind) or "").split(",")]


def _is_variation(row: Row, kind: str) -> bool:
    return "variation" in _kinds(row, kind)


def _digital(row: Row, kind: str) -> str:
    """Return virtual (it is not shipped) and downloadable, "" for what is neither."""
    return ", ".join(each for each in _kinds(row, kind) if each in ("virtual", "downloadable"))


def _status(published: Any, visibility: Any = None) -> dict[str, Any]:
    if status := _NOT_PUBLISHED.get(str(published)):
        return {"status": status}
    return {"status": "unlisted"} if visibility == "hidden" else {}


_NOT_PUBLISHED = {"0": "private", "-1": "draft"}


def _places(value: Any) -> list[str]:
    return [picture.places[0] for picture in pictures_in(value, None)]
