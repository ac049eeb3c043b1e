"""Make products of the rows of a table: in the exports of Shopify and WooCommerce several rows are one product."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from swatchbook.sources.batch_names import flat
from swatchbook.sources.batch_values import as_text, is_empty


def products_of_rows(read: Callable[[], Iterator[Mapping[str, Any]]]) -> Iterator[Mapping[str, Any]]:
    """Yield the products of a table. `read` begins at the first row each time.

    A product is the rows of a handle in Shopify's export, or a product with its variations in WooCommerce's.
    """
    first = next(read(), None)
    if first is None:
        return
    names = {flat(name): name for name in first}
    handle = names.get("handle") or names.get("urlhandle")
    source = names.get("imagesrc") or names.get("productimageurl")  # the second: since 2024
    if handle and source:
        yield from _by_handle(read(), names, handle, source)
    elif {"type", "parent", "sku"} <= names.keys():
        yield from _with_variations(lambda: map(_without_escapes, read()), names)
    else:
        yield from read()


def _by_handle(
    rows: Iterator[Mapping[str, Any]], names: Mapping[str, str], handle: str, source: str
) -> Iterator[Mapping[str, Any]]:
    together, last = list[Mapping[str, Any]](), None
    for row in chain(rows, [None]):
        if row is None or (row[handle] != last and not is_empty(row[handle])):
            if together:
                yield _shopify_product(together, names, source)
            together, last = [], row and row[handle]
        if row is not None:
            together.append(row)


def _shopify_product(rows: Sequence[Mapping[str, Any]], names: Mapping[str, str], source: str) -> Mapping[str, Any]:
    product, alt = dict(_merged(rows)), names.get("imagealttext", "")
    pictures = [{"src": row[source], "alt": row.get(alt)} for row in rows if not is_empty(row.get(source))]
    product[source] = pictures
    product.pop(alt, None)
    options = [name for key, name in names.items() if _OPTION_VALUE.fullmatch(key)]
    variants = [
        {flat(name).removesuffix("value"): row.get(name) for name in options} | _sold_as(row, names)
        for row in rows
        if any(as_text(row.get(name)) for name in options)  # not of "Default Title", which is a product's only row
    ]
    kept = {name: value for name, value in product.items() if not _OPTION.fullmatch(flat(name))}
    return kept | {"variants": variants} if variants else kept


_OPTION = re.compile(r"option[123](?:name|value|linkedto)")
_OPTION_VALUE = re.compile(r"option[123]value")
_ATTRIBUTE_VALUE = re.compile(r"attribute\d+values?")


def _sold_as(row: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return the SKU and the price of a row that is a variant."""

    def first(*keys: str) -> Any:
        return next((row[names[key]] for key in keys if not is_empty(row.get(names.get(key, "")))), None)

    return {
        "sku": first("variantsku", "sku"),
        "price": first("saleprice", "variantprice", "regularprice", "price"),
    }


def _merged(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return several rows as one; a column with several values has a list of these."""
    merged = dict[str, Any](rows[0])
    for name in merged:
        values = list(dict.fromkeys(str(row[name]) for row in rows if not is_empty(row.get(name))))
        if len(values) > 1:
            merged[name] = values
        elif values and is_empty(merged[name]):  # only later rows have it
            merged[name] = values[0]
    return merged


def _without_escapes(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a row of WooCommerce's, which writes a comma within an attribute's value as "\\,"."""
    return {
        name: value.replace("\\,", ",") if isinstance(value, str) and _ATTRIBUTE_VALUE.fullmatch(flat(name)) else value
        for name, value in row.items()
    }


def _with_variations(
    read: Callable[[], Iterator[Mapping[str, Any]]], names: Mapping[str, str]
) -> Iterator[Mapping[str, Any]]:
    """Yield products with the prices and pictures of their variations, and variations that have no product."""
    kind, parent, sku, id = names["type"], names["parent"], names["sku"], names.get("id", names["sku"])
    known = set[str]()
    for row in read():
        if not is_empty(row.get(kind)) and row[kind] != "variation":
            known |= {f"id:{row[id]}", str(row.get(sku))}
    kept = [name for key, name in names.items() if "price" in key or key in ("images", "image")]
    valued = [name for key, name in names.items() if _ATTRIBUTE_VALUE.fullmatch(key)]
    variations = dict[str, list[Mapping[str, Any]]]()
    for row in read():
        if row.get(kind) == "variation" and str(row[parent]) in known:
            values = [str(row[name]) for name in valued if not is_empty(row.get(name))]
            title = " / ".join(values) or row.get(names.get("name", ""))
            own = {name: row.get(name) for name in kept} | {"variant": {"title": title} | _sold_as(row, names)}
            variations.setdefault(str(row[parent]), []).append(own)
    for row in read():
        if row.get(kind) == "variation" and str(row[parent]) in known:
            continue
        of_row = variations.get(f"id:{row[id]}", []) + variations.get(str(row.get(sku)), [])
        if not of_row:
            yield row
            continue
        merged = _merged([{name: row.get(name) for name in kept}, *of_row])
        yield dict(row) | dict(merged) | {"variants": [each["variant"] for each in of_row]}
