"""`swatchbook products DOCUMENT`: what it lists, what its edits change, and what it says of those that it refuses."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from swatchbook.domain.errors import InvalidReference
from swatchbook.doors.cli.main import app
from tests.tables import rows_of

pytestmark = pytest.mark.usefixtures("filled")


@pytest.fixture(autouse=True)
def person(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "ruth")


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["products", "small.pdf", *words, "--owner", "anna"])


def listed() -> dict[str, Any]:
    result = run("--json")
    assert result.exit_code == 0, result.output
    told: dict[str, Any] = json.loads(result.stdout)
    return told


def edit(*words: str) -> str:
    result = run(*words)
    assert result.exit_code == 0, result.output + str(result.exception)
    return result.stdout


def products() -> dict[str, list[int]]:
    return {product["name"]: product["pages"] for product in listed()["products"]}


def test_every_edit_changes_the_list() -> None:
    oak, terrazzo = listed()["products"]
    first, second = oak["pages"]
    assert "1. rename Nordvik Oak (page 3) to Larch · ruth" in edit("rename", oak["id"][:8], "Larch")
    edit("split", "Larch", str(second), "Larch, wide")
    assert products() == {"Larch": [first], "Larch, wide": [second], terrazzo["name"]: terrazzo["pages"]}
    edit("set-fact", "Larch, wide", "Slip rating", "R10")
    edit("set-fact", "Larch, wide", "material", "Oak")
    assert "5. remove material of Larch, wide" in edit("set-fact", "Larch, wide", "material", "")
    (wide,) = [product for product in listed()["products"] if product["name"] == "Larch, wide"]
    assert wide["metadata"]["slip_rating"] == "R10"
    assert "material" not in wide["metadata"]
    edit("merge", "Larch", "Larch, wide")
    edit("hide", terrazzo["name"])
    assert products() == {"Larch": oak["pages"]}
    assert "undone by ruth" in edit("undo", "1")
    table = edit()
    assert "Nordvik Oak" in table
    assert "changes nothing" not in table, "the place of a product finds it under its old name"
    edit("undo", "2")
    assert "changes nothing: These are one product already" in edit()
    edit("undo", "7")
    assert terrazzo["name"] in products()


def test_what_cannot_be_is_refused_and_changes_nothing() -> None:
    before = listed()
    for wrong in rows_of(__file__, "wrong"):
        assert run(*wrong).exit_code == 2, wrong
    for unknown in rows_of(__file__, "unknown"):
        assert isinstance(run(*unknown).exception, InvalidReference), unknown
    assert listed() == before
