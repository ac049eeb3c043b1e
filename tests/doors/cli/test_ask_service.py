"""`swatchbook search` and `facets` where they ask a running service, over a real socket."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from swatchbook.domain.settings import load_settings
from swatchbook.doors.cli.main import app
from tests.command import attempt
from tests.doors.conftest import ANNA
from tests.doors.service.served import Served, answering, served
from tests.fixtures import free_port
from tests.tables import rows_of

OAK = ("search", "oak", "--owner", "anna")


@pytest.fixture
def service(home: Path, keys: None) -> Iterator[Served]:
    with served(load_settings()) as service:
        yield service


def ask(url: str, *arguments: str, key: str | None = ANNA) -> tuple[int, str]:
    """(exit status, stderr in one line) of a command that asks the service at this address."""
    environment = {"SWATCHBOOK_SERVICE_URL": url} | ({"SWATCHBOOK_SERVICE_KEY": key} if key else {})
    status, out, err = attempt(*(arguments or OAK), **environment)
    assert not out
    assert "Traceback" not in err
    return status, " ".join(err.split())


def in_process(*words: str, **environment: str) -> str:
    """What a command prints: models are loaded once for all of them."""
    done = CliRunner(env=environment).invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def as_json(*words: str, **environment: str) -> Any:
    return json.loads(in_process(*words, "--json", **environment))


def test_it_says_what_a_search_here_says(filled: Path, keys: None, tmp_path: Path) -> None:
    picture = next(file for file in sorted((filled / "files").rglob("*")) if file.suffix in (".jpg", ".png"))
    asked = (
        ("oak", "--owner", "anna", "-k", "3", "--weights", "keyword=1,visual=0.5"),
        ("oak", "--owner", "anna", "--by", "product", "--where", "page=2", "--where", "price_max=1000000"),
        ("oak", "--owner", "anna", "--by", "product", "--where", "currency=eur"),
        ("--image", str(picture), "--owner", "anna"),
        ("oak", "--owner", "anna", "--by", "chunk", "--where", "material=rovere"),
        ("--owner", "anna", "--by", "product", "-k", "1", "--offset", "1", "--editions", "all"),
    )
    counted = ("oak", "--owner", "anna", "--by", "product", "--where", "color=grey", "--where", "price_max=90")
    here = [as_json("search", *arguments) for arguments in asked]
    assert all(here[n] for n in (0, 2, 3, 4, 5))
    table = in_process("search", *asked[0], "--explain")
    document = ("--where", f"document={here[0][0]['document_id']}")
    like = ("--like", here[3][0]["id"], "--not", here[3][1]["id"], "--owner", "anna", *document)
    alike = as_json("search", *like)
    facets = as_json("stats", "facets", *counted[1:])
    assert facets["total"] == 1
    with served(load_settings()) as service:
        there = {"SWATCHBOOK_SERVICE_URL": service.url, "SWATCHBOOK_SERVICE_KEY": ANNA}
        there["SWATCHBOOK_HOME"] = str(tmp_path / "empty")
        assert [as_json("search", *arguments, **there) for arguments in asked] == here
        assert in_process("search", *asked[0], "--explain", **there) == table
        assert as_json("search", *like, **there) == alike
        assert as_json("stats", "facets", *counted[1:], **there) == facets
        missed = attempt("search", "tile", "--owner", "anna", "--where", "material=oack", **there)
        assert (missed[0], "Nothing has material=oack. Nearest: European oak on spruce core" in missed[2]) == (0, True)


@pytest.mark.parametrize(("key", "owner"), [(None, "anna"), ("unknown-0123456789", "anna"), (ANNA, "bert")])
def test_refused_key_is_named_with_what_to_do(service: Served, key: str | None, owner: str) -> None:
    for command in ("search", "facets"):
        status, said = ask(service.url, command, "oak", "--owner", owner, key=key)
        assert status == 1
        assert f"The service at {service.url} denied access" in said
        assert "Set SWATCHBOOK_SERVICE_KEY to one of its SWATCHBOOK_API_KEYS" in said
        assert not key or key not in said


def test_what_the_service_refuses_is_said(service: Served, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_text("no picture")
    (tmp_path / "large.png").write_bytes(bytes((load_settings().max_image_mb << 20) + 1))
    for arguments, status, words in (
        (("search", "a" * 1_001), 2, "query.text: must have at most 1000 characters"),
        (("search", "--image", str(tmp_path / "broken.png"), "--owner", "anna"), 1, "not a picture of a known kind"),
        (("search", "--image", str(tmp_path / "large.png"), "--owner", "anna"), 1, "25 are allowed"),
        (("search", "--image", str(tmp_path / "none.png"), "--owner", "anna"), 2, "none.png: no such file"),
        (("search", "oak", "--where", "document=a.pdf"), 2, "needs the full document id"),
    ):
        found, said = ask(service.url, *arguments)
        assert (found, words in said) == (status, True), said


def test_service_that_is_away_is_named_with_what_to_do() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    assert ask(url) == (
        1,
        f"✗ No answer from {url}: connection refused. Start it with `swatchbook serve`, correct "
        "SWATCHBOOK_SERVICE_URL, or unset SWATCHBOOK_SERVICE_URL to search on this machine.",
    )


@pytest.mark.parametrize(("status", "body", "words"), rows_of(__file__, "answers"))
def test_other_answers_are_named_with_what_to_do(status: int, body: str, words: str) -> None:
    with answering(status, body.encode()) as url:
        code, said = ask(url)
    assert code == 1
    assert words in said
    assert "unset SWATCHBOOK_SERVICE_URL to search on this machine" in said


@pytest.mark.parametrize(("url", "key", "words"), rows_of(__file__, "settings"))
def test_what_is_wrong_with_its_settings_is_said(url: str, key: str | None, words: str) -> None:
    status, said = ask(url, key=key)
    assert status == 1
    assert words in said
    assert "Set SWATCHBOOK_SERVICE_URL to" in said
    assert "secret" not in said
    assert not key or key not in said
