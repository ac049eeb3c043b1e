"""Read a record from a JSON file that a person or a program wrote, and say in one line what is wrong with it."""

from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from swatchbook.domain.errors import InvalidReference, reason_of
from swatchbook.domain.records import Record

R = TypeVar("R", bound=Record)


def read_record(kind: type[R], file: Path, *, advice: str) -> R:
    """Return the record in a file. Raises InvalidReference with the first fault and the advice."""
    try:
        return parse_record(kind, file.read_bytes(), str(file), advice=advice)
    except OSError as error:
        raise InvalidReference(f"{file} cannot be read: {reason_of(error)}.") from error


def parse_record(kind: type[R], data: bytes, source: str, *, advice: str) -> R:
    """Return the record in JSON. `source`: its name in messages. Raises InvalidReference, as `read_record`."""
    try:
        return kind.model_validate_json(data)
    except ValidationError as error:
        raise InvalidReference(f"{source}: {first_fault(error)}", advice=advice) from error


def first_fault(error: ValidationError) -> str:
    """Return where the first fault is and what it is, in one line."""
    first = error.errors()[0]
    place = ".".join(map(str, first["loc"]))
    return " ".join(f"{place and place + ': '}{first['msg']}.".split())
