"""Show every setting with its value (secrets masked) and source."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from rich.table import Table

from swatchbook.domain.records import Record
from swatchbook.domain.redact import REDACTED, redact
from swatchbook.domain.setting_values import ApiKey, WebhookSource
from swatchbook.domain.settings import FIELDS, Settings, value_of, variable
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
