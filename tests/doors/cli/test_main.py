"""The real command, in a process of its own, on a home of its own."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from swatchbook.domain.records import Stage
from swatchbook.domain.settings import Settings
from swatchbook.store.ledger.database import open_ledger
from swatchbook.store.ledger.run_queries import live_runs
from swatchbook.store.ledger.schedule import due_documents
from tests.command import SWATCHBOOK, bare_environment, finish
from tests.tables import rows_of
from tests.waiting import until

Swatchbook = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def swatchbook(home: Path, tmp_path: Path) -> Swatchbook:
    """`swatchbook("ingest", path, …)`: the finished process. Nobody watches: stdout and stderr are files."""

    def run(*words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        return finish([*map(str, words)], bare_environment() | {"SWATCHBOOK_HOME": str(home)} | environment, tmp_path)

    return run


def loaded_by(home: Path, *commands: tuple[str | Path, ...]) -> set[str]:
    """Top-level packages, and modules of ours, that are loaded when one process has run these commands."""
    code = (
        "import json, sys, swatchbook.doors.cli.main\n"
        "for words in json.loads(sys.argv[1]):\n"
        "    sys.argv[1:] = words\n"
        "    try: swatchbook.doors.cli.main.main()\n"
        "    except SystemExit: pass\n"
        "ours = {name for name in sys.modules if name.startswith(('swatchbook.', 'interface.'))}\n"
        "print('\\n'.join(ours | {name.partition('.')[0] for name in sys.modules}), file=sys.stderr)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, json.dumps([[*map(str, words)] for words in commands])],
        env=bare_environment() | {"SWATCHBOOK_HOME": str(home)}, cwd=home.parent, capture_output=True, text=True,
        timeout=60,
    )  # fmt: skip
    assert "Traceback" not in run.stderr, run.stderr
    return set(run.stderr.split())


def test_help_loads_only_what_prints_it(home: Path) -> None:
    home.mkdir()
    assert loaded_by(home, ("--help",)).isdisjoint({"sqlalchemy", "pydantic", "prefect", "torch", "numpy", "PIL"})


def test_reading_commands_load_neither_prefect_nor_torch(home: Path) -> None:
    reading = rows_of(__file__, "lean")
    open_ledger(Settings(home=home).ledger).close()
    loaded = loaded_by(home, *(tuple(command.split()) for command in reading))
    assert "typer" in loaded
    assert loaded.isdisjoint({"prefect", "torch", "lancedb", "pymupdf", "sentence_transformers"})


@pytest.mark.parametrize(
    ("words", "said"),
    [
        *rows_of(__file__, "wrong"),
        (("ingest", "a" * 300), "too long"),
        (("search", "oak\udcff"), "UTF-8"),
        (("search", "oak", "--where", "color=\udcff"), "UTF-8"),
        (("show", "\udcff"), "UTF-8"),
    ],
)
def test_wrong_use_exits_2_and_says_what(swatchbook: Swatchbook, home: Path, words: tuple[str, ...], said: str) -> None:
    open_ledger(Settings(home=home).ledger).close()
    run = swatchbook(*words)
    assert run.returncode == 2, run.stderr
    assert said in run.stderr
    assert "Traceback" not in run.stderr


def test_a_folder_without_pdfs_and_a_traceback_asked(swatchbook: Swatchbook, tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    run = swatchbook("ingest", "pictures")
    assert run.returncode == 1
    assert "no PDF" in run.stderr
    run = swatchbook("--debug", "status", SWATCHBOOK_MAX_PAGES="0")
    assert "Traceback" in run.stderr
    assert run.returncode == 1


def test_config_shows_where_values_come_from(swatchbook: Swatchbook, tmp_path: Path) -> None:
    (tmp_path / "other.env").write_text("SWATCHBOOK_DECODERS=3\nSWATCHBOOK_WEAVIATE__API_KEY=hush\nSWATCHBOOK_HOEM=x\n")
    run = swatchbook("--env-file", "other.env", "config", "--json")
    assert run.returncode == 0
    rows = {row["variable"]: row for row in json.loads(run.stdout)}
    assert rows["SWATCHBOOK_DECODERS"]["value"] == 3
    assert rows["SWATCHBOOK_DECODERS"]["origin"].endswith("other.env")
    assert rows["SWATCHBOOK_HOME"]["origin"] == "environment"
    assert "hush" not in run.stdout
    assert "SWATCHBOOK_HOEM" in run.stderr


def test_missing_collection_is_told_and_not_created(swatchbook: Swatchbook, home: Path) -> None:
    for command in rows_of(__file__, "reading"):
        run = swatchbook(*command.split(), SWATCHBOOK_HOEM="/elsewhere")
        assert (run.returncode, run.stdout) == (2, "")
        assert f"There is no collection in {home}." in run.stderr
        assert "Unknown setting: SWATCHBOOK_HOEM" in run.stderr
        assert not home.exists()


def test_status_finds_no_collection_in_a_new_home(swatchbook: Swatchbook, home: Path) -> None:
    home.mkdir()  # as a volume is made for it
    run = swatchbook("status")
    assert run.returncode == 0
    assert run.stdout.startswith(f"There is no collection in {home}.")
    assert "swatchbook ingest PATH" in run.stdout
    told = json.loads(swatchbook("status", "--json").stdout)
    assert (told["owner"], told["open"], told["counts"]["completed"]) == ("default", [], 0)
    assert told["missing"].startswith(f"There is no collection in {home}.")
    assert list(home.iterdir()) == []
    assert (
        swatchbook("upkeep", "tick", "--json").returncode == 0
    )  # begins one, as an ingest does: buckets may announce the first
    assert json.loads(swatchbook("status", "--json").stdout)["missing"] is None


def test_a_ledger_elsewhere_is_a_collection(swatchbook: Swatchbook, tmp_path: Path) -> None:
    there = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    assert swatchbook("stats", "coverage", SWATCHBOOK_LEDGER_URL=there).returncode == 2
    open_ledger(there).close()
    assert swatchbook("stats", "coverage", SWATCHBOOK_LEDGER_URL=there).returncode == 0


def test_an_empty_collection_has_nothing_to_show(swatchbook: Swatchbook, home: Path) -> None:
    open_ledger(Settings(home=home).ledger).close()
    run = swatchbook("search", "oak")
    assert "is empty" in run.stderr
    assert run.returncode == 0
    assert "no documents yet" in swatchbook("status").stdout
    assert json.loads(swatchbook("status", "--json").stdout)["open"] == []
    assert json.loads(swatchbook("stats", "coverage", "--json").stdout)["total_images"] == 0
    assert json.loads(swatchbook("fill", "failed", "--json").stdout) == []
    assert json.loads(swatchbook("search", "oak", "--json").stdout) == []
    assert "Nothing has been ingested yet" in swatchbook("stats", "coverage", "--owner", "anna").stderr
    assert json.loads(swatchbook("upkeep", "verify", "--json").stdout)["sound"] is True


def test_doctor_tries_every_part_and_advises_on_failures(swatchbook: Swatchbook) -> None:
    run = swatchbook("doctor", "--json", PREFECT_API_URL="http://127.0.0.1:1/api")
    findings = {finding["check"]: finding for finding in json.loads(run.stdout)}
    machine = {"memory"}  # whether it is well is the machine's affair
    assert {name: f["found"] for name, f in findings.items() if not f["ok"] and name not in machine}.keys() == {
        "prefect"
    }
    assert {"extras", "home", "ledger", "files", "index", "models", "decoder", "pdf"} <= findings.keys()
    assert "PREFECT_API_URL" in findings["prefect"]["advice"]
    assert run.returncode == 1


@pytest.mark.stack
@pytest.mark.gate
def test_ingest_search_show_rebuild_delete(
    swatchbook: Swatchbook, home: Path, small_catalogue: Path, tmp_path: Path, prefect_server: str
) -> None:
    (tmp_path / "photo.pdf").write_bytes(b"\xff\xd8")
    first = swatchbook("ingest", "nowhere.pdf", "photo.pdf", small_catalogue, "--json", PREFECT_API_URL=prefect_server)
    (report,) = json.loads(first.stdout)  # the bad paths did not keep the good one from going on
    assert (first.returncode, report["name"], report["status"]) == (1, "small.pdf", "completed")
    assert report["images_found"] == report["images_complete"] > 0
    assert "✗ nowhere.pdf: no such file or folder." in first.stderr
    assert "photo.pdf" in first.stderr
    assert re.search(r"^small.pdf · read pages · 6 pages · [0-9.:]+ (s|min)$", first.stderr, re.MULTILINE)
    assert re.search(rf"^small.pdf · extract images · {report['images_found']} images · ", first.stderr, re.MULTILINE)
    assert re.search(r"^small.pdf · link products · [0-9]+ products · ", first.stderr, re.MULTILINE)
    document = report["document_id"]

    def search(*words: str) -> list[str]:
        return [hit["id"] for hit in json.loads(swatchbook("search", *words, "--json").stdout)]

    again = swatchbook("ingest", small_catalogue)  # no Prefect server any more: none is needed
    assert again.returncode == 0
    assert again.stderr == ""
    assert "unchanged" in again.stdout
    assert f"{report['images_found']} = {report['images_found']} complete" in again.stdout
    assert {"prefect", "numpy"}.isdisjoint(loaded_by(home, ("ingest", small_catalogue)))

    hits = json.loads(swatchbook("search", "oak terrazzo", "--explain", "--json").stdout)
    assert hits[0]["why"]
    assert "small.pdf" in swatchbook("search", "oak terrazzo", "--by", "product", "--explain", "--all-owners").stdout
    for where in ("category=terrazzo", "material=cement white", "product=terrazzo palladio"):
        filtered = json.loads(swatchbook("search", "oak terrazzo", "--where", where, "--json").stdout)
        assert {hit["product"] for hit in filtered} == {"Palladio Terrazzo"}, where
    found = search("oak terrazzo")
    first_image, second_image = found[:2]
    assert search("oak terrazzo", "--offset", "1")[0] == second_image
    assert first_image in search("--like", second_image)
    assert second_image not in search("--like", second_image)  # the example is no answer
    assert search("oak terrazzo", "--not", first_image)[0] != first_image
    assert search("oak terrazzo", "--weights", "text=1") != found
    for command in (("stats", "coverage"), ("search", "oak"), ("review", "list"), ("review", "run")):
        unknown = swatchbook(*command, "--owner", "defualt", "--json")
        assert (unknown.returncode, unknown.stdout) == (2, ""), command
        assert "There is no owner 'defualt'." in unknown.stderr
        assert "Known owners: default." in unknown.stderr

    shown = json.loads(swatchbook("show", "small.pdf", "--json").stdout)
    assert {"document", "page_boxes", "products", "images", "chunks", "entities", "links"} <= shown.keys()
    assert [image["status"] for image in shown["images"]].count("complete") == report["images_found"]
    assert document in swatchbook("show", document[:8]).stdout
    assert document[:8] in swatchbook("status").stdout
    assert "nothing to stop" in swatchbook("cancel", document[:8]).stderr

    assert json.loads(swatchbook("upkeep", "rebuild-index", "--json").stdout)["published"] > 0
    assert json.loads(swatchbook("upkeep", "verify", "--json").stdout)["sound"] is True
    assert [hit["id"] for hit in json.loads(swatchbook("search", "oak terrazzo", "--json").stdout)] == [
        h["id"] for h in hits
    ]

    assert swatchbook("delete", "small.pdf", "--yes").returncode == 0
    assert swatchbook("show", "small.pdf").returncode == 2
    assert json.loads(swatchbook("stats", "coverage", "--json").stdout)["total_images"] == 0
    assert json.loads(swatchbook("upkeep", "verify", "--json").stdout)["sound"] is True


@pytest.mark.stack
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_is_recorded_and_the_same_command_resumes(
    swatchbook: Swatchbook, home: Path, small_catalogue: Path, tmp_path: Path, prefect_server: str, sign: signal.Signals
) -> None:
    """As a terminal does it: the interrupt reaches the whole process group."""
    run = subprocess.Popen(
        [SWATCHBOOK, "ingest", str(small_catalogue)],
        env=bare_environment() | {"SWATCHBOOK_HOME": str(home), "PREFECT_API_URL": prefect_server},
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    ledger = open_ledger(Settings(home=home).ledger)
    until(lambda: any(live.stage not in (None, Stage.REGISTERED) for live in live_runs(ledger)), seconds=60)
    os.killpg(run.pid, sign)
    _, errors = run.communicate(timeout=30)
    assert run.returncode == 130
    assert "run the same command again to resume" in errors
    assert "Traceback" not in errors
    (document,) = due_documents(ledger)
    assert document.status == "waiting"
    assert live_runs(ledger) == []
    ledger.close()

    again = swatchbook("ingest", small_catalogue, "--json", PREFECT_API_URL=prefect_server)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)[0]["status"] == "completed"
