"""The Helm chart, looked at without Helm: tests/kubernetes/helm_on_kubernetes.py installs it."""

import json
import os
import re
import subprocess
import sys
import tomllib
from textwrap import dedent
from typing import Any

import psycopg
import pytest
import yaml
from jsonschema import Draft7Validator

from devtools.helm import CHART
from swatchbook.domain.settings import FIELDS, PREFIX, is_secret, variable
from tests.fixtures import ROOT
from tests.postgres import RunningPostgres
from tests.tables import rows_of

VALUES: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text())
TEMPLATES = "".join(path.read_text() for path in sorted((CHART / "templates").iterdir()))


def test_chart_has_version_and_user_of_the_image() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert (chart["version"], chart["appVersion"]) == (version, version)
    (user,) = set(re.findall(r"^USER (\d+):\d+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:runAsUser|runAsGroup|fsGroup): (\d+)", TEMPLATES)) == {user}


def test_schema_takes_the_defaults_and_no_wrong_values() -> None:
    Draft7Validator.check_schema(SCHEMA)
    assert [error.message for error in Draft7Validator(SCHEMA).iter_errors(VALUES)] == []
    assert SCHEMA["properties"].keys() - {"global"} == VALUES.keys()
    for name, value in VALUES.items():
        if isinstance(value, dict) and (known := SCHEMA["properties"][name].get("properties")):
            assert known.keys() == value.keys(), name
    for wrong in rows_of(__file__, "wrong"):
        assert not Draft7Validator(SCHEMA).is_valid({**VALUES, **wrong})
    for name in ("ledger_url", *filter(is_secret, FIELDS)):
        settings = {variable(name).removeprefix(PREFIX): "hush"}
        assert not Draft7Validator(SCHEMA).is_valid({**VALUES, "settings": settings}), name


def test_variables_of_the_templates_are_settings() -> None:
    named = set(re.findall(r"SWATCHBOOK_([A-Z_]+)", TEMPLATES)) | VALUES["settings"].keys()
    assert named >= {"LEDGER_URL", "API_KEYS", "WEAVIATE__API_KEY", "INDEX"}
    assert {PREFIX + name for name in named} <= {*map(variable, FIELDS)}


@pytest.mark.stack
def test_prefects_role_compiles_no_queries(postgres: RunningPostgres) -> None:
    (script,) = re.findall(r"- -c\n +- \|\n((?: {14}.*\n)+)", (CHART / "templates" / "prefect.yaml").read_text())
    database = postgres.new_database("chart")
    for url in (database.replace("psycopg", "asyncpg"), "sqlite+aiosqlite:////nowhere"):
        told = {**os.environ, "PREFECT_API_DATABASE_CONNECTION_URL": url}
        subprocess.run([sys.executable, "-c", dedent(script)], env=told, check=True)
    with psycopg.connect(database.replace("+psycopg", "")) as connection:
        assert connection.execute("SHOW jit").fetchone() == ("off",)
    postgres.drop_database("chart")
