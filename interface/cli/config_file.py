"""Read a YAML file with settings (`--config FILE`), such as `device: cpu`.

It may also have the folders `references_dir` and `scraped_dir`, and `batch_size`. Unknown keys and wrong values are
errors of usage that name the line. The file takes precedence over the environment and .env, and the command line over
the file.
"""

import difflib
import json
import os
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from swatchbook.errors import InvalidReference, reason_of
from swatchbook.records import BatchSize, Record
from swatchbook.settings import PREFIX, Settings, find_problems
from swatchbook.yaml_problem import yaml_problem


class Config(Record):
    """The keys of a file that are no settings."""

    references_dir: Path | None = None
    scraped_dir: Path | None = None
    batch_size: BatchSize | None = None


_KNOWN = frozenset(Settings.model_fields) | Config.model_fields.keys()


def use_config(file: Path) -> Config:
    """Read the file and set the environment variables of its settings, for this process and its children.

    Raises InvalidReference, with a line for each problem, and then sets nothing.
    """
    values, where = _read(file)
    problems = [_unknown(key, where[key]) for key in values.keys() - _KNOWN]
    problems += [f"{where[key]}: {key} has no value." for key, value in values.items() if value is None]
    given = {key: value for key, value in values.items() if value is not None}
    settings = {key: value for key, value in given.items() if key in Settings.model_fields}
    problems += find_problems(settings, where)
    config = Config()
    try:
        config = Config.model_validate({key: given[key] for key in given.keys() & Config.model_fields.keys()})
    except ValidationError as error:
        problems += [f"{where[str(e['loc'][0])]}: {e['loc'][0]}: {e['msg'].lower()}." for e in error.errors()]
    if problems:
        raise InvalidReference("\n".join(problems), advice="Correct it; `swatchbook config` lists all settings.")
    os.environ.update({PREFIX + key.upper(): _as_text(value) for key, value in settings.items()})
    return config


def _read(file: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the keys of a YAML file with their values and places. Raises InvalidReference."""
    try:
        text = file.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except OSError as error:
        raise InvalidReference(f"{file}: {reason_of(error)}.", advice="Check it.") from error
    except UnicodeDecodeError as error:
        raise InvalidReference(f"{file}: it is not UTF-8.", advice="Save it as UTF-8.") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # an impossible date is a ValueError
        raise InvalidReference(yaml_problem(file, error), advice="Correct it.") from error
    if content is None:
        return {}, {}
    if not isinstance(content, dict):
        raise InvalidReference(f"{file}: it does not hold keys with values.", advice="Write lines such as device: cpu.")
    where = {str(key): str(file) for key in content}
    seen = set[str]()
    for key, _ in node.value:
        place = f"{file}, line {key.start_mark.line + 1}"
        if key.value in seen:
            raise InvalidReference(f"{place}: {key.value} is there twice.", advice="Remove one of them.")
        seen.add(key.value)
        where[key.value] = place
    return {str(key): value for key, value in content.items()}, where


def _unknown(key: str, where: str) -> str:
    near = difflib.get_close_matches(key.lower().removeprefix(PREFIX.lower()), sorted(_KNOWN), n=1)
    return f"{where}: there is no setting {key}." + (f" Did you mean {near[0]}?" if near else "")


def _as_text(value: Any) -> str:
    """Return a value as an environment variable has it."""
    return value if isinstance(value, str) else json.dumps(value)
