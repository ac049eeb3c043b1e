"""The requests of docs/service.md, docs/webhooks.md, docs/deploy.md and its tutorial, as they are printed, against a
service that holds the sample.
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import select

from swatchbook.domain.setting_values import WebhookSource
from swatchbook.store.ledger.tables import documents
from tests.doors.conftest import ALL, ANNA
from tests.doors.served import Served, service
from tests.fixtures import ROOT

__all__ = ["service"]  # a fixture


def requests(page: str) -> str:
    """Return the lines of a page's console blocks that use curl, or set what they use."""
    lines = re.findall(r"^\$ (.*)$", (ROOT / "docs" / page).read_text(), re.MULTILINE)
    return "\n".join(line for line in lines if line.startswith(("curl ", "api=")))


def answers(service: Served, script: str, folder: Path, catalogue: Path) -> list[Any]:
    """Run the lines of a page with this service, key and document; return what each prints as JSON."""
    document = service.resources.ledger.execute(select(documents.c.id)).scalar_one()
    script = re.sub(r"http://127\.0\.0\.1:8420", service.url, script).replace("4f1c…", ANNA).replace("0b7c…", document)
    shutil.copy(catalogue, folder / "catalogue.pdf")
    Image.radial_gradient("L").resize((64, 64)).save(folder / "photo.jpg")
    strict = 'set -eo pipefail; curl() { command curl --fail-with-body "$@"; echo; }\n'
    run = subprocess.run(
        ["bash", "-c", strict + script], cwd=folder, env={**os.environ, "KEY": ANNA}, capture_output=True, text=True
    )
    assert run.returncode == 0, f"{run.stdout}\n{run.stderr}"
    decoder, text, found = json.JSONDecoder(), run.stdout.strip(), list[Any]()
    while text:
        value, end = decoder.raw_decode(text)
        found.append(value)
        text = text[end:].strip()
    return found


@pytest.mark.needs("curl", "jq")
def test_requests_of_the_page_about_the_service(service: Served, tmp_path: Path, small_catalogue: Path) -> None:
    uploaded, *followed, by_text, by_image, facets, retried = answers(
        service, requests("service.md"), tmp_path, small_catalogue
    )
    assert uploaded["status"] == "completed"  # the same file as the sample
    assert followed == ["completed", 100, 14]
    assert [hit["product"] for hit in by_text["hits"]] == ["Palladio Terrazzo"] * 3
    assert all(hit["kind"] == "product" for hit in by_image["hits"])
    assert facets["by"] == "product"
    assert retried["id"] == uploaded["id"]


@pytest.mark.needs("curl")
@pytest.mark.parametrize("page", ["deploy.md", "tutorials/deploy.md"])
def test_requests_of_pages_about_deploying(service: Served, tmp_path: Path, small_catalogue: Path, page: str) -> None:
    script = requests(page).replace("samples/build/small.pdf", "catalogue.pdf")
    uploaded, by_text = answers(service, script, tmp_path, small_catalogue)
    assert uploaded["status"] == "completed"
    assert by_text["hits"][0]["product"] == "Palladio Terrazzo"


@pytest.mark.needs("curl")
def test_file_is_sent_as_the_webhooks_page_says(service: Served, tmp_path: Path, small_catalogue: Path) -> None:
    script = re.findall(r"```bash\n(.*?)```", (ROOT / "docs" / "webhooks.md").read_text(), re.DOTALL)[1]
    shutil.copy(small_catalogue, tmp_path / "spring.pdf")
    done = run_script(script, tmp_path, SWATCHBOOK=service.url, API_KEY=ALL)
    answer = json.loads(done)
    assert (answer["owner"], answer["name"], answer["status"]) == ("alice", "spring.pdf", "queued")


def test_secret_that_is_made_as_printed_signs(tmp_path: Path) -> None:
    (line,) = re.findall(r"`(echo .*?)`", (ROOT / "docs" / "webhooks.md").read_text())
    secret = run_script(line, tmp_path).strip()
    WebhookSource.model_validate({"name": "shop", "secret": secret, "owners": ["alice"]})  # refuses any other


def run_script(script: str, folder: Path, **given: str) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=folder, env={**os.environ, **given}, capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout
