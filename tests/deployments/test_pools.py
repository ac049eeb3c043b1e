"""The pool of containers: what Prefect's own Docker worker makes of its template, whatever a flow run asks for."""

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docker.models.containers import _create_container_args
from jsonschema import Draft202012Validator
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import PrefectHTTPStatusError
from prefect.types.entrypoint import EntrypointType
from prefect_docker.worker import DockerWorker, DockerWorkerJobConfiguration

from deployments.declared import EMBED, SETTINGS_FILE, all_pools, room, shard_job
from deployments.setup import Mode, set_pool
from flows.embed_shard import embed_shard
from swatchbook.settings import Settings
from tests.conftest import ROOT
from tests.deployments.test_setup import ask, remove_all

HERE = Path(__file__).parent
GIVEN: dict[str, Any] = {
    "shard_image": "swatchbook:test",
    "shard_memory_mb": 2048,
    "shard_cpus": 1.5,
    "shard_gpus": -1,
    "shard_network": "swatchbook_default",
    "shard_volumes": ("swatchbook:/var/lib/swatchbook", "/srv/shards.env:/var/lib/swatchbook/shards.env:ro"),
    "shard_slots": 3,
    "ledger_url": "postgresql+psycopg://swatchbook:hush-ledger@postgres/swatchbook",
    "weaviate_api_key": "hush-weaviate",
}
ASKED: dict[str, Any] = {
    "command": "sh -c evil",
    "image": "evil",
    "volumes": ["/:/host"],
    "env": {"SWATCHBOOK_LEDGER_URL": "evil", "PATH": "/evil"},
    "env.LD_PRELOAD": "evil",
    "network_mode": "host",
    "networks": ["evil"],
    "privileged": True,
    "labels": {"swatchbook": "evil"},
    "mem_limit": "900g",
    "image_pull_policy": "Always",
    "auto_remove": True,
    "stream_output": False,
    "container_create_kwargs": {"pid_mode": "host"},
    "name": "evil",
}
"""Everything that a run may wish for."""


@pytest.fixture
def shards(prefect_api: str) -> Iterator[Any]:
    """The pool, and the deployment `embed_shard/embed_shard` on it."""

    async def make(client: PrefectClient) -> Any:
        await set_pool(client, next(pool for pool in all_pools(Settings(**GIVEN)) if pool.name == EMBED), Mode())
        made = await embed_shard.ato_deployment(
            name="embed_shard", work_pool_name=EMBED, entrypoint_type=EntrypointType.MODULE_PATH
        )
        return await made.aapply()

    yield ask(make)
    ask(remove_all)


async def _rendered(client: PrefectClient, run: FlowRun) -> dict[str, Any]:
    """What the Docker worker would start for a flow run."""
    pool = await client.read_work_pool(EMBED)
    job = await DockerWorkerJobConfiguration.resolve_for_flow_run(
        run, client=client, work_pool=pool, worker_name="worker"
    )
    return job.model_dump()


def test_a_run_changes_nothing_of_its_container(shards: Any) -> None:
    async def both(client: PrefectClient) -> tuple[dict[str, Any], dict[str, Any]]:
        run = await client.create_flow_run_from_deployment(shards, parameters={"manifest": f"{'0' * 64}.shard"})
        asking = run.model_copy(update={"job_variables": dict(ASKED)})  # as of a server that lets it through
        return await _rendered(client, run), await _rendered(client, asking)

    plain, asked = ask(both)
    assert asked == plain
    assert "evil" not in str(plain)
    assert {"io.prefect.flow-run-id", "io.prefect.work-pool-name"} < plain["labels"].keys()
    assert plain["labels"]["swatchbook"] == "shard"


def test_the_server_refuses_a_run_that_asks_for_another_container(shards: Any) -> None:
    for name, value in ASKED.items():
        with pytest.raises(PrefectHTTPStatusError, match="422"):
            ask(lambda client, name=name, value=value: client.create_flow_run_from_deployment(
                shards, parameters={"manifest": f"{'0' * 64}.shard"}, job_variables={name: value}
            ))  # fmt: skip


def test_the_engine_is_told_every_limit() -> None:
    job = DockerWorkerJobConfiguration(**shard_job(Settings(**GIVEN)))
    told = _create_container_args(
        {
            "image": job.image, "command": job.command, "volumes": job.volumes, "mem_limit": job.mem_limit,
            "memswap_limit": job.memswap_limit, "network_mode": job.get_network_mode(), "version": "1.41",
            **(job.container_create_kwargs or {}),
        }
    )  # fmt: skip
    host = told["host_config"]
    assert host["Memory"] == host["MemorySwap"] == 2048 << 20
    assert host["NanoCpus"] == 1_500_000_000
    assert (host["DeviceRequests"][0]["Count"], host["DeviceRequests"][0]["Capabilities"]) == (-1, [["gpu"]])
    assert host["NetworkMode"] == "swatchbook_default"
    assert host["Binds"] == list(GIVEN["shard_volumes"])
    assert host["Init"] is True
    assert host["CapDrop"] == ["ALL"]
    assert told["healthcheck"] == {"test": ["NONE"]}


def test_template_has_only_variables_of_the_worker() -> None:
    job = shard_job(Settings(**GIVEN))
    assert "{{" not in str(job)
    assert "hush" not in str(job)
    assert job.keys() <= DockerWorker.get_default_base_job_template()["job_configuration"].keys()
    assert "env" not in job, "Prefect would lay a run's own over it"


def test_what_is_not_limited_is_not_said() -> None:
    job = shard_job(Settings(shard_cpus=0, shard_gpus=0, shard_network=""))
    assert "network_mode" not in job
    assert job["container_create_kwargs"].keys() == {"init", "healthcheck", "cap_drop", "security_opt"}
    assert "OMP_NUM_THREADS" not in job["command"]


def test_folders_of_the_worker_are_not_those_of_the_container() -> None:
    program, *given = shlex.split(shard_job(Settings(**GIVEN))["command"])
    assert (program, given[-3:]) == ("env", ["python3", "-m", "prefect.engine"])
    assert {"PREFECT_HOME=/tmp/prefect", f"SWATCHBOOK_ENV_FILE={SETTINGS_FILE}", "OMP_NUM_THREADS=2"} < {*given}


def test_room_is_counted_by_memory_and_by_processors() -> None:
    settings = Settings(shard_memory_mb=3072, shard_cpus=1.5)
    found = room(settings, free_memory=10 << 30, cpus=8)
    assert (found.by_memory, found.by_cpus) == (3, 5)
    assert room(Settings(shard_cpus=0), free_memory=1 << 30, cpus=8).model_dump() == {"by_memory": 0, "by_cpus": 8}


def test_on_kubernetes_the_template_is_as_closed_and_says_what_its_worker_demands() -> None:
    template = json.loads((ROOT / "deployments" / "kubernetes.json").read_text())
    job, worker = template["job_configuration"], json.loads((HERE / "kubernetes_worker.json").read_text())
    assert job.keys() <= {*worker["job_configuration"]["properties"]}
    assert holds(job["job_manifest"], worker["demanded_of_job_manifest"])
    assert "{{" not in str(job)
    assert "env" not in job
    docker = next(pool for pool in all_pools(Settings(shard_cpus=2)) if pool.name == EMBED)
    assert template["variables"] == docker.template["variables"]
    (container,) = job["job_manifest"]["spec"]["template"]["spec"]["containers"]
    assert container["args"] == shlex.split(docker.job["command"])
    assert [mount["mountPath"] for mount in container["volumeMounts"]] == [SETTINGS_FILE]


def test_kubernetes_job_satisfies_the_published_schema() -> None:
    """The worker demands two fields of the pod that Kubernetes has for the job alone; its API ignores them there."""
    job = json.loads((ROOT / "deployments" / "kubernetes.json").read_text())["job_configuration"]
    worker = json.loads((HERE / "kubernetes_worker.json").read_text())
    assert errors_of(job, worker["job_configuration"]) == []
    pod = job["job_manifest"]["spec"]["template"]["spec"]
    schema = json.loads((HERE / "kubernetes_job.schema.json").read_text())
    demanded = {name: pod.pop(name) for name in ("parallelism", "completions")}
    assert demanded.items() <= worker["demanded_of_job_manifest"]["spec"]["template"]["spec"].items()
    assert errors_of(job["job_manifest"], schema) == []
    for wrong in ({"containers": "one"}, {"restartPolicy": 3}, {"memory": "3Gi"}):
        assert errors_of({"spec": {"template": {"spec": {**pod, **wrong}}}}, schema)
    assert errors_of({**job, "stream_output": "always"}, worker["job_configuration"])


def errors_of(given: Any, schema: Any) -> list[str]:
    """What a document is not by a schema."""
    return [f"{error.json_path}: {error.message}" for error in Draft202012Validator(schema).iter_errors(given)]


def holds(given: Any, demanded: Any) -> bool:
    """Whether all that is demanded stands in what is given, however deep."""
    if isinstance(demanded, dict):
        return all(name in given and holds(given[name], value) for name, value in demanded.items())
    if isinstance(demanded, list):
        return len(given) == len(demanded) and all(map(holds, given, demanded))
    return bool(given == demanded)
