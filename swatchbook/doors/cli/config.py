"""Show every setting with its value (secrets masked) and source, and read settings from a YAML file (`--config FILE`).

The file may also have the folders `references_dir` and `scraped_dir`, and `batch_size`. Unknown keys and wrong values
are errors of usage that name the line. It takes precedence over the environment and .env, and the command line over it.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import SecretStr, ValidationError
from rich.table import Table

from swatchbook.domain.did_you_mean import did_you_mean
from swatchbook.domain.errors import InvalidReference, reason_of
from swatchbook.domain.records import BatchSize, Record
from swatchbook.domain.redact import REDACTED, redact
from swatchbook.domain.setting_values import ApiKey, Prompts, Rates, WebhookSource
from swatchbook.domain.settings import FIELDS, PREFIX, Settings, find_problems, flatten, value_of, variable
from swatchbook.domain.yaml_problem import load_yaml, yaml_problem
from swatchbook.doors.cli.terminal import cell, table

WIDE = 140  # columns; from here on the table also shows the descriptions


class Setting(Record):
    """One setting: its variable, its value (secrets masked) and the source of the value."""

    variable: str
    value: str | int | float | list[str | float] | None
    origin: str
    description: str


def describe(settings: Settings, origins: dict[str, str]) -> list[Setting]:
    """Return all settings in the order of their declaration."""
    return [
        Setting(
            variable=variable(name),
            value=shown(value_of(settings, name)),
            origin=origins[name],
            description=field.description or "",
        )
        for name, field in FIELDS.items()
    ]


def shown(value: Any) -> Any:
    """Return a value for display: secrets are masked, passwords in URLs too."""
    if isinstance(value, SecretStr):
        return REDACTED
    if isinstance(value, ApiKey | WebhookSource):
        return f"{value.name} ({REDACTED}): {' '.join(value.owners)}"
    if isinstance(value, Mapping):  # prices of models
        return [f"{model}: {price.input:g} in, {price.output:g} out" for model, price in value.items()]
    if isinstance(value, Rates):
        return [f"{value.calls:,} calls, {value.tokens:,} tokens"]
    if isinstance(value, Prompts):
        return [f"{role}: {' | '.join(phrases)}" for role, phrases in value]
    if isinstance(value, tuple):
        return [shown(part) for part in value]
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, str):
        return redact(value)
    return value


def draw(rows: list[Setting], *, width: int) -> Table:
    """Return the settings as a table, with values that are not defaults marked. Wide terminals show descriptions."""
    description = ["description"] if width >= WIDE else []
    grid = table("setting", "value", "source", *description)
    grid.columns[0].no_wrap = True
    for row in rows:
        value = ", ".join(map(_plain, row.value)) if isinstance(row.value, list) else _plain(row.value)
        chosen = row.origin != "default" and not row.origin.startswith("profile")
        grid.add_row(
            cell(row.variable, "bold" if chosen else ""),
            cell(value or None, "bold cyan" if chosen else ""),
            cell(row.origin, "" if chosen else "dim"),
            *(cell(row.description, "dim") for _ in description),
        )
    return grid


def _plain(value: str | float | None) -> str:
    return f"{value:g}" if isinstance(value, float) else "" if value is None else str(value)


class Config(Record):
    """The keys of a file that are no settings."""

    references_dir: Path | None = None
    scraped_dir: Path | None = None
    batch_size: BatchSize | None = None


_KNOWN = FIELDS.keys() | Config.model_fields.keys()


def use_config(file: Path) -> Config:
    """Read the file and set the environment variables of its settings, for this process and its children.

    Raises InvalidReference, with a line for each problem, and then sets nothing.
    """
    values, where = _read(file)
    where |= {name: where[name.partition(".")[0]] for name in flatten(values)}
    problems = [_unknown(key, where[key]) for key in flatten(values).keys() - _KNOWN]
    problems += [f"{where[key]}: {key} has no value." for key, value in flatten(values).items() if value is None]
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
    os.environ.update({variable(name): _as_text(value) for name, value in flatten(settings).items()})
    return config


def _read(file: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the keys of a YAML file with their values and places. Raises InvalidReference."""
    try:
        text = file.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        content = load_yaml(text)
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
    where |= {key.value: f"{file}, line {key.start_mark.line + 1}" for key, _ in node.value}
    return {str(key): value for key, value in content.items()}, where


def _unknown(key: str, where: str) -> str:
    name = key.lower().removeprefix(PREFIX.lower())
    return f"{where}: there is no setting {key}." + did_you_mean(name, sorted(_KNOWN))


def _as_text(value: Any) -> str:
    """Return a value as an environment variable has it."""
    return value if isinstance(value, str) else json.dumps(value)
