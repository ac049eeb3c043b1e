"""Every deployment of prefect.yaml, started in Chromium from the form that Prefect's own pages show of it.

It leaves a picture of each form in `build/forms`.
"""

from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import numpy as np
import pytest
import yaml
from playwright.sync_api import Page

from swatchbook.domain.records import DocumentStatus
from tests.chrome import started
from tests.fixtures import ROOT
from tests.servers.audit import TERMINAL
from tests.servers.catalogues import make_catalogue, squares
from tests.servers.stack import PREFECT_AUTH, Stack
from tests.servers.test_pool import IN_SHARDS, shards_by_process
from tests.servers.test_prefect import runs_of
from tests.servers.test_stack import state_of

pytestmark = [pytest.mark.stack, pytest.mark.needs("chromium")]

FORMS = ROOT / "build" / "forms"
DEPLOYMENTS = [each["name"] for each in yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]]


@pytest.fixture
def tab(stack: Stack) -> Iterator[Page]:
    password = b64encode(":".join(PREFECT_AUTH).encode()).decode()
    with started() as browser:
        context = browser.new_context(
            base_url=stack.prefect_url.removesuffix("/api"), viewport={"width": 1200, "height": 1600}
        )
        context.add_init_script(f"localStorage.setItem('prefect-password', '{password}')")
        yield context.new_page()


def test_every_deployment_is_started_from_its_form(stack: Stack, inbox: Path, tab: Page, tmp_path: Path) -> None:
    required = {"ingest_catalogue": str(make_catalogue(inbox / "form.pdf", pictures=4)), "ingest_images": str(inbox)}
    (inbox / "oak.png").write_bytes(squares(np.random.default_rng()))
    with shards_by_process(stack):
        document = stack.upload(make_catalogue(tmp_path / "in-shards.pdf", pictures=4), focus=False, **IN_SHARDS)
        stack.wait_for(document, DocumentStatus.COMPLETED)
        required["embed_shard"] = runs_of(stack, "embed_shard")[0]["parameters"]["manifest"]
        ends = {name: start(stack, tab, name, required.get(name)) for name in DEPLOYMENTS}
    assert ends.pop("embed_shard") == "FAILED", "the run that cut the shard is over"
    assert set(ends.values()) == {"COMPLETED"}, ends


def start(stack: Stack, tab: Page, name: str, required: str | None) -> str:
    """Fill in the first field where a value is required, submit the form, and return the state that the run ends in."""
    deployment = stack.ask_prefect("GET", f"/deployments/name/{name}/{name}")["id"]
    before = {run["id"] for run in runs_of(stack, name)}
    tab.goto(f"/deployments/deployment/{deployment}/run")
    submit = tab.get_by_role("button", name="Submit")
    submit.wait_for()
    if required:
        tab.locator("textarea").first.fill(required)
    tab.screenshot(path=FORMS / f"{name}.png", full_page=True)
    submit.click()
    tab.wait_for_url(f"**/deployments/deployment/{deployment}")
    (run,) = {run["id"] for run in runs_of(stack, name)} - before
    ended = list[str]()

    def ends() -> bool:
        with suppress(httpx.HTTPStatusError):  # a busy server's own time-out
            ended[:] = TERMINAL.intersection([state_of(stack, run)])
        return bool(ended)

    stack.wait_until(ends, f"the flow run of {name} ends")
    return ended[0]
