"""Read a YAML file that maps the columns of a table or batch, and describe in words what is wrong with it."""

from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from swatchbook.errors import Configuration, InvalidReference, reason_of
from swatchbook.records import Record
from swatchbook.yaml_problem import load_yaml, yaml_problem

_MAX_MAPPING = 1 << 20  # bytes

Mapped = TypeVar("Mapped", bound=Record)


def read_mapping_file(file: Path, model: type[Mapped], kinds: Any, *, advice: str) -> Mapped:
    """Return a mapping. `kinds` is a Literal of the kinds of columns. Raises InvalidReference, Configuration."""
    try:
        with file.open("rb") as opened:
            return model.model_validate(load_yaml(opened.read(_MAX_MAPPING)))
    except OSError as error:
        raise InvalidReference(f"{file}: {reason_of(error)}.", advice="Check the path.") from error
    except (yaml.YAMLError, UnicodeError, RecursionError) as error:
        raise Configuration(yaml_problem(file, error), advice=advice) from error
    except ValidationError as error:
        problems = "\n".join(f"{file}: {mapping_problem(each, model, kinds)}." for each in error.errors())
        raise Configuration(problems, advice=advice) from error


def mapping_problem(error: ErrorDetails, model: type[Record], kinds: Any) -> str:
    """Return the problem of a mapping in words for the person who wrote it."""
    where = ".".join(str(part) for part in error["loc"] if part != "[key]")
    if error["type"] == "missing":
        return f"{where} is missing"
    if error["type"] == "extra_forbidden":
        return f"there is no key {where}; there are {', '.join(model.model_fields)}"
    if error["type"] == "literal_error":
        return f"there is no {where}; there are {', '.join(get_args(kinds))}"
    if not where:
        return "it does not hold keys with values"
    return f"{where}: {error['msg'][0].lower()}{error['msg'][1:]}"
