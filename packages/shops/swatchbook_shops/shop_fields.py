"""Fill the fields of a shop's format by a person's mapping, and refuse what a field cannot hold."""

import re
from collections.abc import Collection, Mapping
from types import MappingProxyType

from swatchbook.domain.did_you_mean import did_you_mean
from swatchbook.domain.errors import InvalidReference
from swatchbook.upkeep.export.shop_mapping import COMMON, PLACEHOLDER, ShopMapping, ShopOptions, Template
from swatchbook_shops.items.batch_values import as_availability
from swatchbook_shops.price_units import CODES, unit_code, unit_named

AVAILABILITY = ("in_stock", "out_of_stock", "preorder", "backorder")
CONDITIONS = ("new", "used", "refurbished")
OFF_SALE = ("draft", "archived", "hidden", "private", "unlisted")
"""Values of the field `status` of what a shop does not sell (`draft`, `archived`), shows to no customer (`hidden` in
Shopify, `private` in WooCommerce), or only to those who have its address (`unlisted`)."""

Allowed = Mapping[str, tuple[str, ...]]
"""Column -> the values that it may have, in lower case; AMOUNT for any number."""
AMOUNT: tuple[str, ...] = ()

_DIGITS = re.compile(r"[0-9]+(\.[0-9]+)?")


class NotExportable(Exception):
    """A product lacks what the format requires. Every export catches it: the product is left out and named."""


def check_fields(
    mapping: ShopMapping,
    form: str,
    columns: Collection[str],
    prefixes: tuple[str, ...] = (),
    *,
    allowed: Allowed = MappingProxyType({}),
) -> None:
    """Raise InvalidReference for a field that neither all formats nor this one has, and for a value that is not allowed
    in it, unless it depends on the product: then `filled` refuses it.
    """
    for name in mapping.fields:
        if name not in COMMON and name not in columns and not (prefixes and name.startswith(prefixes)):
            own = ", ".join(columns) or "none"
            raise InvalidReference(
                f"The mapping has the field {name!r}, which {form} does not have."
                + did_you_mean(name, (*COMMON, *columns)),
                advice=f"Fields of every format: {', '.join(COMMON)}. Of {form}: {own}.",
            )

    for name, template in mapping.fields.items():
        for each in template if isinstance(template, tuple) else (template,):
            value = fill(each, {})
            if value and (words := _what_it_may_be(name, value, allowed)) is not None:
                near = did_you_mean(value, words)
                raise InvalidReference(
                    f"The mapping has the value {value!r} for {name!r}.{near}",
                    advice=f"It may be {', '.join(words) or 'a number such as 12.50'}.",
                )


def _what_it_may_be(name: str, value: str, allowed: Allowed) -> tuple[str, ...] | None:
    """Return the values that a field may have, None if this is one of them."""
    if name == "availability":
        return None if availability_of(value) else AVAILABILITY
    if name == "condition":
        return None if value.casefold() in CONDITIONS else CONDITIONS
    if name == "unit":
        return None if unit_code(unit_named(value)) else tuple(CODES)
    if name == "status":
        return None if value.casefold() in ("active", *OFF_SALE) else ("active", *OFF_SALE)
    words = allowed.get(name)
    fits = words is None or (value.casefold() in words if words else bool(_DIGITS.fullmatch(value)))
    return None if fits else words


def availability_of(text: str) -> str:
    """Return in_stock, out_of_stock, preorder or backorder, however it is written; "" for any other text."""
    return as_availability(text) or ""


def with_common_names(options: ShopOptions, columns: Mapping[str, str]) -> ShopOptions:
    """Return options whose mapping has the common field instead of a column of the format with the same content.

    `columns`: column -> common field. Rows refer to each other by these fields.
    """
    fields = {columns.get(name, name): template for name, template in options.mapping.fields.items()}
    return options.model_copy(update={"mapping": options.mapping.model_copy(update={"fields": fields})})


def filled(
    mapping: ShopMapping,
    values: Mapping[str, str],
    columns: Collection[str],
    prefixes: tuple[str, ...] = (),
    *,
    allowed: Allowed = MappingProxyType({}),
) -> dict[str, str]:
    """Return those of a format's columns that a mapping fills, in the format's order; then those with a prefix.

    Raises NotExportable for a value that is not allowed.
    """
    fields = mapping.fields
    names = [name for name in columns if name in fields]
    names += [name for name in fields if prefixes and name.startswith(prefixes)]
    cells = {name: fill(fields[name], values) for name in names}
    for name, value in cells.items():
        if value and (words := _what_it_may_be(name, value, allowed)) is not None:
            raise NotExportable(f"{name} is {value!r}, and may be {', '.join(words) or 'a number'}")
    return cells


def fill(template: Template, values: Mapping[str, str]) -> str:
    """Return a template with the values of its fields; "" if one of them is not known."""
    if template is None:
        return ""
    if isinstance(template, tuple):
        return next(filter(None, (fill(each, values) for each in template)), "")
    text = str(template).lower() if isinstance(template, bool) else str(template)
    if any(not values.get(name.strip()) for name in PLACEHOLDER.findall(text)):
        return ""
    return PLACEHOLDER.sub(lambda found: values[found[1].strip()], text)
