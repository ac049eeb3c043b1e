"""`swatchbook serve setup` on a real Prefect server: twice is as good as once, and what people tune stays theirs."""

import asyncio
import shlex
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import pytest
from prefect import get_client
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.exceptions import ObjectNotFound
from pydantic import SecretStr

from swatchbook.blocks.block_types import BLOCKS, IndexBlock
from swatchbook.deployments.declared import CONTROL, EMBED, ROOT
from swatchbook.domain.errors import Configuration
from swatchbook.domain.extras import DISTRIBUTION
from swatchbook.domain.settings import Settings
from swatchbook_service.pools import Kind
from swatchbook_service.setup import BLOCK, Line, Mode, Outcome, set_up
from tests.command import run, run_json

T = TypeVar("T")
DO, LOOK = Mode(), Mode(check=True)


def ask(question: Callable[[PrefectClient], Awaitable[T]]) -> T:
    async def asked() -> T:
        async with get_client() as client:
            return await question(client)

    return asyncio.run(asked())


async def remove_all(client: PrefectClient) -> None:
    for deployment in await client.read_deployments():
        await client.delete_deployment(deployment.id)
    while flow_runs := await client.read_flow_runs(limit=200):
        for each in flow_runs:
            await client.delete_flow_run(each.id)
    for kind in BLOCKS.values():
        with suppress(ObjectNotFound):
            await client.delete_block_type((await client.read_block_type_by_slug(kind.get_block_type_slug())).id)
    for pool in (CONTROL, EMBED):
        with suppress(ObjectNotFound):
            await client.delete_work_pool(pool)


@pytest.fixture
def bare(prefect_api: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("SWATCHBOOK_SHARDS__IMAGE", "registry.example/swatchbook:1")
    ask(remove_all)
    yield prefect_api
    ask(remove_all)


def set_up_now(
    mode: Mode = DO, kind: Kind | None = None, namespace: str | None = None, **given: Any
) -> dict[str, Line]:
    lines = asyncio.run(set_up(Settings(**given), mode, kind, namespace))
    return {f"{line.what} {line.name}": line for line in lines}


def outcomes(lines: dict[str, Line]) -> set[Outcome]:
    return {line.outcome for line in lines.values()}


@pytest.mark.usefixtures("bare")
def test_setup_twice_is_the_same_as_once() -> None:
    looked = set_up_now(LOOK)
    assert outcomes(looked) == {Outcome.CREATED}
    made = set_up_now()
    assert made == looked, "a look says what will be made, and makes nothing of it"
    assert outcomes(set_up_now()) == {Outcome.SAME}
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=600)
    assert outcomes(set_up_now(LOOK)) == {Outcome.SAME}, "what `prefect deploy` made is accepted"
    lines = set_up_now().values()
    assert {line.what for line in lines if line.outcome is not Outcome.SAME} == {"deployment"}
    assert {said.partition(":")[0] for line in lines for said in line.difference} == {
        "parameter_openapi_schema",
        "version",
    }
    deployed = ask(lambda client: client.read_deployments())
    assert {each.version for each in deployed} == {version(DISTRIBUTION)}
    assert outcomes(set_up_now(LOOK)) == {Outcome.SAME}


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("behind", [0.0, 0.5])
def test_two_setups_at_once_are_one(behind: float) -> None:
    """The second begins together with the first, or while it is at work."""
    settings = Settings()

    async def later() -> list[Line]:
        await asyncio.sleep(behind)
        return await set_up(settings, DO)

    async def both() -> list[list[Line]]:
        return await asyncio.gather(set_up(settings, DO), later())

    one, other = asyncio.run(both())
    assert [line.what for line in one] == [line.what for line in other]
    assert outcomes(set_up_now(LOOK)) == {Outcome.SAME}


@pytest.mark.usefixtures("bare")
def test_saved_blocks_stay_unless_forced_and_hide_secrets() -> None:
    set_up_now()
    changed = {"index": "weaviate", "weaviate": {"api_key": SecretStr("hush")}}
    kept = set_up_now(**changed)
    block = kept[f"block swatchbook-index/{BLOCK}"]
    assert block.outcome is Outcome.KEPT
    assert block.difference == ("index: lance → weaviate", "weaviate_api_key: None → ••••••")
    assert outcomes(kept) == {Outcome.SAME, Outcome.KEPT}
    assert set_up_now(LOOK, **changed) == kept
    forced = set_up_now(Mode(force=True), **changed)
    assert forced[block.what + " " + block.name].outcome is Outcome.UPDATED
    assert "hush" not in str(forced)
    assert outcomes(set_up_now(**changed)) == {Outcome.SAME}
    saved = IndexBlock.load(BLOCK, _sync=True)
    assert saved.index == "weaviate"
    assert saved.weaviate_api_key.get_secret_value() == "hush"


@pytest.mark.usefixtures("bare")
@pytest.mark.gate
def test_setup_restores_declared_values_and_keeps_schedules_paused() -> None:
    set_up_now()

    async def meddle(client: PrefectClient) -> None:
        from prefect.client.schemas.actions import DeploymentUpdate

        found = await client.read_deployment_by_name("retry_failed/retry_failed")
        await client.update_deployment_schedule(found.id, found.schedules[0].id, active=False)
        await client.update_deployment(found.id, DeploymentUpdate(description="Mine.", concurrency_limit=9))

    ask(meddle)
    line = set_up_now()["deployment retry_failed/retry_failed"]
    assert line.outcome is Outcome.UPDATED
    assert [each.split(":")[0] for each in line.difference] == ["description", "concurrency_limit"]
    found = ask(lambda client: client.read_deployment_by_name("retry_failed/retry_failed"))
    assert [(each.slug, each.active) for each in found.schedules] == [("every-15-minutes", False)]
    assert outcomes(set_up_now()) == {Outcome.SAME}


@pytest.mark.usefixtures("bare")
def test_tuned_limit_stays_and_limit_of_shards_follows() -> None:
    set_up_now()
    for pool in (CONTROL, EMBED):
        ask(lambda client, pool=pool: client.update_work_pool(pool, WorkPoolUpdate(concurrency_limit=1)))
    changed = {"shards": {"image": "swatchbook:next", "slots": 3}}
    looked = set_up_now(LOOK, **changed)
    assert looked[f"pool {CONTROL}"].difference == ("concurrency_limit: 1 → 6",)
    line = looked[f"pool {EMBED}"]
    assert line.outcome is Outcome.UPDATED
    assert [each.split(":")[0] for each in line.difference] == ["template.job_configuration.image", "concurrency_limit"]
    assert set_up_now(**changed) == looked
    pool = ask(lambda client: client.read_work_pool(EMBED))
    assert (pool.base_job_template["job_configuration"]["image"], pool.concurrency_limit) == ("swatchbook:next", 3)
    assert ask(lambda client: client.read_work_pool(CONTROL)).concurrency_limit == 1
    assert set_up_now(Mode(force=True), **changed)[f"pool {CONTROL}"].outcome is Outcome.UPDATED
    assert ask(lambda client: client.read_work_pool(CONTROL)).concurrency_limit == 6


@pytest.mark.usefixtures("bare")
def test_pool_of_another_kind_is_made_and_kept() -> None:
    asked = Kind.KUBERNETES, "catalogues"
    assert set_up_now(LOOK, *asked)[f"pool {EMBED}"].outcome is Outcome.CREATED
    set_up_now(DO, *asked)
    pool = ask(lambda client: client.read_work_pool(EMBED))
    assert (pool.type, pool.base_job_template["job_configuration"]["namespace"]) == ("kubernetes", "catalogues")
    assert outcomes(set_up_now(LOOK)) == {Outcome.SAME}, "its kind and namespace are remembered"
    changed = pool.base_job_template
    changed["job_configuration"]["job_manifest"]["spec"]["backoffLimit"] = 6
    changed["job_configuration"]["env"] = {"PASSWORD": "hush"}
    ask(lambda client: client.update_work_pool(EMBED, WorkPoolUpdate(base_job_template=changed)))
    line = set_up_now()[f"pool {EMBED}"]
    assert line.outcome is Outcome.KEPT
    assert line.difference == (
        "template.job_configuration.job_manifest.spec.backoffLimit: 6 → 0",
        "template.job_configuration.env.PASSWORD: •••••• → None",
    )
    assert set_up_now(LOOK, Kind.KUBERNETES)[f"pool {EMBED}"].outcome is Outcome.UPDATED
    set_up_now(DO, Kind.KUBERNETES)
    assert outcomes(set_up_now()) == {Outcome.SAME}


@pytest.mark.usefixtures("bare")
def test_pool_of_unchangeable_or_unusable_type_is_refused() -> None:
    set_up_now()
    with pytest.raises(Configuration, match=f"The work pool {EMBED} has the type docker, not process"):
        set_up_now(DO, Kind.PROCESS)
    ask(lambda client: client.delete_work_pool(EMBED))
    ask(lambda client: client.create_work_pool(WorkPoolCreate(name=EMBED, type="vertex-ai")))
    with pytest.raises(Configuration, match=f"The work pool {EMBED} has the type vertex-ai, not docker"):
        set_up_now()


def test_check_lists_planned_changes_and_setup_needs_prefect(bare: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = run_json("serve", "setup", "--check", expect=3)
    assert {line["outcome"] for line in lines} == {"created"}
    monkeypatch.delenv("PREFECT_API_URL")
    run("serve", "setup", expect=1)


@pytest.mark.parametrize("kind", ["kubernetes", "process"])
def test_commands_of_the_pages_make_their_pools(bare: str, kind: str) -> None:
    page = (ROOT / "docs" / f"pool-{kind}.md").read_text()
    (command,) = [line for line in page.splitlines() if line.startswith("$ swatchbook serve setup")]
    made = run_json(*shlex.split(command)[2:])
    assert {line["outcome"] for line in made} == {"created"}
    assert ask(lambda client: client.read_work_pool(EMBED)).type == kind
