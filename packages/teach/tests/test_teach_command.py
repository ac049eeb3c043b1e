"""`swatchbook teach` and `readings`: what a proposal shows, how it is accepted, undone, listed and put into a file."""

import json
import shutil
from pathlib import Path
from typing import Any

import pymupdf
import pytest
from typer.testing import CliRunner, Result

from swatchbook.domain.errors import NoCollection
from swatchbook.domain.records import IngestOptions, TaughtReading, TextRule
from swatchbook.domain.settings import load_settings
from swatchbook.doors.cli.main import app
from swatchbook.resources import open_resources
from swatchbook.store.ledger.stored_documents import list_documents
from swatchbook_teach.kept_readings import accept_reading
from tests.command import bare_environment, finish
from tests.fixtures import SAMPLES
from tests.tables import rows_of

TITLES = ("3:Nordvik Oak", "4:Colours and technical data", "5:Palladio Terrazzo")


def run(*words: str, owner: str = "anna") -> Result:
    return CliRunner().invoke(app, [*words, "--owner", owner])


def answer(*words: str) -> Any:
    result = run(*words, "--json")
    assert result.exit_code == 0, result.output + str(result.exception)
    return json.loads(result.stdout)


def options() -> IngestOptions:
    with open_resources(load_settings()) as resources:
        (document,) = list_documents(resources.ledger)
        return document.options


@pytest.mark.usefixtures("filled")
def test_proposal_shows_changes_and_makes_none() -> None:
    before = options()
    shown = run("teach", "small.pdf", "--page", "3", "--name", "nordvik oak")
    assert shown.exit_code == 0, shown.output + str(shown.exception)
    assert "small.pdf  2 products now → 2, on pages 3–5" in shown.stdout
    assert "Palladio Terrazzo" in shown.stdout
    assert "Nothing has changed. To accept it, add --accept." in shown.stderr
    found = answer("teach", "small.pdf", *(word for title in TITLES for word in ("--name", title)))
    assert (found["products_now"], found["accepted"], found["reports"]) == (2, None, [])
    assert {each["name"]: each["new"] for each in found["proposal"]["names"]} == {
        "Nordvik Oak": False, "Colours and technical data": True, "Palladio Terrazzo": False,
    }  # fmt: skip
    lost = answer("teach", "small.pdf", "--name", "3:Nordvik Oak", "--not", "5:Palladio Terrazzo")
    assert lost["proposal"]["lost"] == [["Palladio Terrazzo", 5]]
    assert [each["right"] for each in lost["proposal"]["reading"]["examples"]] == [True, False]
    assert options() == before
    assert "No reading was taught" in run("readings").stderr


@pytest.mark.usefixtures("filled")
def test_readings_to_choose_from_are_numbered() -> None:
    listed = run("teach", "small.pdf", "--likeliest")
    assert listed.exit_code == 0, listed.output + str(listed.exception)
    assert "Nordvik Oak, Palladio Terrazzo" in listed.stdout
    assert "--use 1 --owner anna" in listed.stderr
    choices = answer("teach", "small.pdf", "--likeliest")
    assert 1 < len(choices) <= 3
    chosen = answer("teach", "small.pdf", "--use", "2")
    assert chosen["proposal"] == choices[1]["proposal"]
    assert run("teach", "small.pdf", "--use", "9").exit_code == 2


@pytest.mark.usefixtures("filled")
def test_a_proposal_says_what_becomes_of_the_pictures(tmp_path: Path) -> None:
    file = tmp_path / "right.yaml"
    file.write_text("side: right\n")
    said = run("teach", "small.pdf", "--reading", str(file)).stdout
    assert "pictures: right of the name" in said
    assert "Products with a picture: 2 → " in said
    assert "least sure" not in said, "nothing was said of names"


@pytest.mark.usefixtures("home")
def test_what_is_not_meant_clearly_is_wrong_usage() -> None:
    assert isinstance(run("readings").exception, NoCollection)
    for words, said in rows_of(__file__, "wrong_usage"):
        result = run("teach", "small.pdf", *words)
        assert result.exit_code == 2
        assert said in " ".join(result.stderr.replace("│", " ").split())


@pytest.mark.usefixtures("filled")
def test_reading_is_listed_and_written_as_a_file(tmp_path: Path) -> None:
    reading = TaughtReading(names=(TextRule(traits={"size": 9.0, "bold": True}),))
    with open_resources(load_settings()) as resources:
        (document,) = list_documents(resources.ledger)
        accept_reading(resources.ledger, document.id, reading, by="ruth")
    listed = run("readings").stdout
    assert all(word in listed for word in ("small.pdf", "ruth", "in use"))
    (kept,) = answer("readings", "small.pdf")
    assert (kept["in_use"], kept["reading"]["names"][0]["traits"]) == (True, {"size": 9.0, "bold": True})
    file = tmp_path / "bold.yaml"
    assert run("readings", "small.pdf", "--export", str(file)).exit_code == 0
    assert "size: 9.0" in file.read_text()
    previewed = answer("teach", "small.pdf", "--reading", str(file))
    assert previewed["proposal"]["reading"] == kept["reading"]
    assert previewed["source"] == "bold.yaml"


@pytest.mark.stack
def test_reading_is_accepted_and_undone(ingested_home: Path, prefect_api: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(ingested_home, home)
    environment = bare_environment() | {"SWATCHBOOK_HOME": str(home), "PREFECT_API_URL": prefect_api}

    def swatchbook(*words: str) -> str:
        done = finish([*words, "--owner", "anna"], environment, tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def products() -> list[str]:
        done = finish(["products", "small.pdf", "--json", "--owner", "anna"], environment, tmp_path)
        return [product["name"] for product in json.loads(done.stdout)["products"]]

    at_first = products()
    shown = ["teach", "small.pdf", *(word for title in TITLES for word in ("--name", title)), "--accept"]
    taught = swatchbook(*shown)
    assert "2 products now → 3" in taught
    assert "small.pdf  ✓ completed" in taught
    assert products() == [title.partition(":")[2] for title in TITLES]
    assert "read so already" in swatchbook(*shown)
    with pymupdf.open(SAMPLES / "small.pdf") as copy:
        copy.select(range(1, len(copy)))
        copy.save(tmp_path / "next.pdf")
    assert "next.pdf looks like small.pdf, which was taught." in swatchbook("ingest", "next.pdf")
    swatchbook("teach", "small.pdf", "--undo")
    assert products() == at_first
    assert "undone" in swatchbook("readings", "small.pdf")
