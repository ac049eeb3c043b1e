"""Read a YAML file that maps columns or fields, and describe in words what is wrong with it."""

from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from swatchbook.domain.did_you_mean import did_you_mean
from swatchbook.domain.errors import InvalidReference, reason_of
from swatchbook.domain.records import Record
from swatchbook.domain.wrong_value import what_it_must_be
from swatchbook.domain.yaml_problem import load_yaml, yaml_problem

_MAX_MAPPING = 1 << 20  # bytes

Mapped = TypeVar("Mapped", bound=Record)


def read_mapping_file(file: Path, model: type[Mapped], kinds: Any, *, advice: str) -> Mapped:
    """Return a mapping. `kinds` is a Literal of the kinds of columns. Raises InvalidReference."""
    try:
        with file.open("rb") as opened:
            text = opened.read(_MAX_MAPPING + 1)
        if len(text) > _MAX_MAPPING:
            raise InvalidReference(f"{file}: it is larger than 1 MiB.", advice=advice)
        content = load_yaml(text)
    except OSError as error:
        raise InvalidReference(f"{file}: {reason_of(error)}.", advice="Check the path.") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # an impossible date is a ValueError
        raise InvalidReference(yaml_problem(file, error), advice=advice) from error
    return check_mapping(content, str(file), model, kinds, advice=advice)


def check_mapping(content: Any, where: str, model: type[Mapped], kinds: Any, *, advice: str) -> Mapped:
    """Return the mapping that a file or a program gave. `where`: the source that its problems name.

    Raises InvalidReference, with a line for each problem.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        problems = "\n".join(f"{where}: {mapping_problem(each, model, kinds)}" for each in error.errors())
        raise InvalidReference(problems, advice=advice) from error


def mapping_problem(error: ErrorDetails, model: type[Record], kinds: Any) -> str:
    """Return the problem of a mapping in a sentence for the person who wrote it."""
    names = [str(part) for part in error["loc"] if part != "[key]"]
    where = ".".join(names)
    if error["type"] == "missing":
        return f"{where} is missing."
    if error["type"] == "extra_forbidden":
        return f"there is no key {where}; there are {', '.join(model.model_fields)}." + did_you_mean(
            names[-1], model.model_fields
        )
    if error["type"] == "literal_error":
        return f"there is no {where}; there are {', '.join(get_args(kinds))}." + did_you_mean(
            names[-1], get_args(kinds)
        )
    if not where:
        is_ours = error["type"] == "value_error"
        return f"{what_it_must_be(error)}." if is_ours else "it does not hold keys with values."
    return f"{where}: {what_it_must_be(error)}."
