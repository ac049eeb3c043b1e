"""Read search filters on the command line (`--where KEY=VALUE`); values of a repeated key are alternatives.

The filters are declared in `index/base.py`; `ledger/documents.py` finds the document of `document=` by a part of its id
or name.
"""

from collections.abc import Sequence

from pydantic import ValidationError

from swatchbook.errors import InvalidReference
from swatchbook.index.base import FILTERS, MOST_VALUES, Where

_ADVICE = "docs/filters.md lists the filters."


def parse_filters(arguments: Sequence[str]) -> tuple[Where, tuple[str, ...]]:
    """Return the filters, and the document references as given. Values of a repeated key are alternatives.

    Raises InvalidReference for an unknown key, a missing `=`, or a value of the wrong kind.
    """
    fields: dict[str, list[str]] = {}
    for argument in arguments:
        key, sign, value = (part.strip() for part in argument.partition("="))
        if not sign or not value or key not in FILTERS:
            known = ", ".join(FILTERS)
            raise InvalidReference(f"{argument!r}: use KEY=VALUE, where KEY is one of {known}.", advice=_ADVICE)
        given = fields.setdefault(key, [])
        if len(given) == (most := 1 if FILTERS[key].is_limit else MOST_VALUES):
            times = "only once" if most == 1 else f"at most {most} times"
            raise InvalidReference(f"{key} may be given {times}.", advice=_ADVICE)
        given.append(value)
    documents = tuple(fields.pop("document", ()))
    try:
        where = Where.model_validate({name: v[0] if FILTERS[name].is_limit else v for name, v in fields.items()})
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidReference(
            f"{first['loc'][0]}={first['input']}: {first['msg'].lower()}.", advice=_ADVICE
        ) from error
    return where, documents
