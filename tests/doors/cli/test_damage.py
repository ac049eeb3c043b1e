"""What the commands say of a collection whose ledger or index is damaged, with their exit status."""

from pathlib import Path

import pytest

from tests.command import attempt, run, run_json
from tests.pdf.making import gradient, jpeg
from tests.store.ledger.damage import overwrite_pages


def told(*words: str) -> str:
    status, out, err = attempt(*words)
    assert status == 1, out + err
    return " ".join((out + err).split())


def test_damaged_ledger_is_named_with_what_restores_it(filled: Path) -> None:
    overwrite_pages(filled / "ledger.sqlite")
    for words in (["upkeep", "verify"], ["upkeep", "verify", "--deep"], ["upkeep", "verify", "--repair"], ["doctor"]):
        assert "swatchbook upkeep restore" in told(*words)


def cut_texts(home: Path) -> None:
    (table,) = (home / "index").glob("Text_*.lance")
    for file in (table / "data").iterdir():
        file.write_bytes(file.read_bytes()[:100])


def test_a_repaired_index_answers_as_before_its_damage(filled: Path) -> None:
    search = ["search", "oak", "--owner", "anna"]
    before = run_json(*search)
    cut_texts(filled)
    for words in (search, ["doctor"]):
        assert "swatchbook upkeep rebuild-index" in told(*words)
    assert [each["damaged"] for each in run_json("upkeep", "verify", expect=1)["spaces"]].count(True) == 1
    run("upkeep", "verify", "--repair", expect=1)
    assert run_json("upkeep", "verify")["sound"]
    assert run_json(*search) == before


@pytest.mark.nightly
def test_an_ingest_is_blocked_by_a_damaged_index(filled: Path, tmp_path: Path) -> None:
    cut_texts(filled)
    (tmp_path / "new.jpg").write_bytes(jpeg(gradient(300, 300)))
    said = told("ingest", str(tmp_path / "new.jpg"))
    assert "blocked" in said
    assert "swatchbook upkeep rebuild-index" in said
