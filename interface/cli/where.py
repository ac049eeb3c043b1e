"""`--where KEY=VALUE`: the keys of search filters on the command line; values of a repeated key are alternatives.
How a filter matches is in `index/rules.py`; how the document of `document=` is found by a part of its id or name, in
`ledger/documents.py`.
"""

from collections.abc import Sequence

from pydantic import ValidationError

from swatchbook.errors import InvalidReference
from swatchbook.index.base import Where

KEYS = {
    "document": "documents",
    "product": "products",
    "category": "category",
    "brand": "brand",
    "size": "size",
    "condition": "condition",
    "currency": "currency",
    "host": "host",
    "material": "material",
    "color": "colors",
    "page": "pages",
    "price_min": "price_min",
    "price_max": "price_max",
}
"""Key on the command line -> field of Where. `document` is an id or name; `product` is an id, or words of its name."""

_SINGLE_VALUED = {"price_min", "price_max"}
_ADVICE = "docs/filters.md lists the filters."


def parse_filters(arguments: Sequence[str]) -> tuple[Where, tuple[str, ...]]:
    """Return the filters, and the document references as given. Values of a repeated key are alternatives.

    Raises InvalidReference for an unknown key, a missing `=`, or a value of the wrong kind.
    """
    fields: dict[str, list[str]] = {}
    for argument in arguments:
        key, sign, value = (part.strip() for part in argument.partition("="))
        if not sign or not value or key not in KEYS:
            known = ", ".join(KEYS)
            raise InvalidReference(f"{argument!r}: use KEY=VALUE, where KEY is one of {known}.", advice=_ADVICE)
        if key in _SINGLE_VALUED and key in fields:
            raise InvalidReference(f"{key} may be given only once.", advice=_ADVICE)
        fields.setdefault(KEYS[key], []).append(value)
    documents = tuple(fields.pop("documents", ()))
    try:
        where = Where.model_validate({name: v[0] if name in _SINGLE_VALUED else v for name, v in fields.items()})
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidReference(
            f"{first['loc'][0]}={first['input']}: {first['msg'].lower()}.", advice=_ADVICE
        ) from error
    return where, documents
