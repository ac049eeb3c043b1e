"""The pool of shards: what Prefect's own Docker worker makes of its template, whatever a flow run asks for; that of
Kubernetes satisfies the schemas of its worker and its API.
"""

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
from prefect.types.entrypoint import EntrypointType
from prefect_docker.worker import DockerWorker, DockerWorkerJobConfiguration
from test_setup import ask, remove_all

from swatchbook.deployments.declared import EMBED
from swatchbook.domain.errors import Configuration
from swatchbook.domain.settings import Settings, flatten, replace
from swatchbook.flows.embed_shard import embed_shard
from swatchbook_service.pools import SETTINGS_FILE, Kind, require_usable, shard_arguments, shard_job, shard_pool
from swatchbook_service.setup import Mode, set_pool
from tests.tables import rows_of

HERE = Path(__file__).parent
GIVEN: dict[str, Any] = dict(rows_of(__file__, "given"))
ASKED: dict[str, Any] = dict(rows_of(__file__, "asked"))
"""Everything that a run may wish for."""


@pytest.fixture
def shards(prefect_api: str) -> Iterator[Any]:
    async def make(client: PrefectClient) -> Any:
        await set_pool(client, shard_pool(Kind.DOCKER, Settings(**GIVEN)), Mode())
        made = await embed_shard.ato_deployment(
            name="embed_shard", work_pool_name=EMBED, entrypoint_type=EntrypointType.MODULE_PATH
        )
        return await made.aapply()

    yield ask(make)
    ask(remove_all)


async def _rendered(client: PrefectClient, run: FlowRun) -> dict[str, Any]:
    pool = await client.read_work_pool(EMBED)
    job = await DockerWorkerJobConfiguration.resolve_for_flow_run(
        run, client=client, work_pool=pool, worker_name="worker"
    )
    return job.model_dump()


@pytest.mark.gate
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
    assert host["Binds"] == list(GIVEN["shards"]["volumes"])
    assert host["Init"] is True
    assert host["CapDrop"] == ["ALL"]
    assert told["healthcheck"] == {"test": ["NONE"]}


def test_template_has_only_what_worker_and_settings_say() -> None:
    job = shard_job(Settings(**GIVEN))
    assert "{{" not in str(job)
    assert "hush" not in str(job)
    assert job.keys() <= DockerWorker.get_default_base_job_template()["job_configuration"].keys()
    assert "env" not in job, "Prefect would lay a run's own over it"
    job = shard_job(Settings(shards={"cpus": 0, "gpus": 0, "network": ""}))
    assert "network_mode" not in job
    assert job["container_create_kwargs"].keys() == {"init", "healthcheck", "cap_drop", "security_opt"}
    assert "OMP_NUM_THREADS" not in job["command"]
    program, *given = shlex.split(shard_job(Settings(**GIVEN))["command"])
    assert (program, given[-3:]) == ("env", ["python3", "-m", "prefect.engine"])
    assert {"PREFECT_HOME=/tmp/prefect", f"SWATCHBOOK_ENV_FILE={SETTINGS_FILE}", "OMP_NUM_THREADS=2"} < {*given}


ELSEWHERE: dict[str, Any] = dict(rows_of(__file__, "elsewhere"))


def made(**changed: Any) -> dict[str, Any]:
    """The job of a pool on Kubernetes, with these settings."""
    return shard_pool(Kind.KUBERNETES, replace(Settings(**ELSEWHERE), flatten(changed)), "catalogues").job


def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((HERE / name).read_text())
    return found


def test_job_satisfies_its_workers_schema() -> None:
    worker = schema("kubernetes_worker.json")["job_configuration"]
    assert errors_of(made(), worker) == []
    assert made().keys() <= worker["properties"].keys()
    assert errors_of({**made(), "name": {"a": "b"}}, worker)


def test_template_is_closed_and_has_no_secret() -> None:
    pool = shard_pool(Kind.KUBERNETES, Settings(**ELSEWHERE), "catalogues")
    assert pool.template["variables"] == {"type": "object", "properties": {}, "additionalProperties": False}
    for forbidden in ("{{", "$", "hush"):
        assert forbidden not in str(pool.template)
    assert "env" not in pool.job, "Prefect would lay a run's own over it"
    assert pool.concurrency_limit == 3


def test_kubernetes_job_satisfies_the_published_schema() -> None:
    """The worker demands two fields of the pod that Kubernetes has for the job alone; its API ignores them there."""
    job, worker = made(shards={"gpus": 1}), schema("kubernetes_worker.json")
    assert holds(job["job_manifest"], worker["demanded_of_job_manifest"])
    pod = job["job_manifest"]["spec"]["template"]["spec"]
    published = schema("kubernetes_job.schema.json")
    demanded = {name: pod.pop(name) for name in ("parallelism", "completions")}
    assert demanded.items() <= worker["demanded_of_job_manifest"]["spec"]["template"]["spec"].items()
    assert errors_of(job["job_manifest"], published) == []
    for wrong in ({"containers": "one"}, {"restartPolicy": 3}, {"memory": "3Gi"}):
        assert errors_of({"spec": {"template": {"spec": {**pod, **wrong}}}}, published)
    (container,) = pod["containers"]
    assert container["args"] == shard_arguments(Settings(**ELSEWHERE))
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    written = ["/var/lib/swatchbook", "/tmp"]
    assert [mount["mountPath"] for mount in container["volumeMounts"]] == [*written, SETTINGS_FILE]
    assert container["resources"] == {
        "requests": {"cpu": "1500m", "memory": "3000Mi"},
        "limits": {"cpu": "1500m", "memory": "3000Mi", "nvidia.com/gpu": "1"},
    }
    assert "cpu" not in str(made(shards={"cpus": 0})["job_manifest"]).partition("'limits'")[2][:40]


def test_namespace_that_is_not_given_again_is_kept() -> None:
    settings = Settings(**ELSEWHERE)
    assert shard_pool(Kind.KUBERNETES, settings, current=made()).job == made()
    by_worker = shard_pool(Kind.KUBERNETES, settings, current={"namespace": "{{ namespace }}"}).job
    assert by_worker["namespace"] == by_worker["job_manifest"]["metadata"]["namespace"] == "swatchbook"


@pytest.mark.parametrize(("kind", "namespace", "image", "says"), rows_of(__file__, "wrong"))
def test_what_cannot_be_right_is_refused(kind: str, namespace: str | None, image: str, says: str) -> None:
    settings = replace(Settings(**ELSEWHERE), {"shards.image": image or ELSEWHERE["shards"]["image"]})
    with pytest.raises(Configuration, match=says):
        require_usable(Kind(kind), settings, namespace)


def test_gpus_without_a_number_are_refused() -> None:
    with pytest.raises(Configuration, match="all GPUs"):
        made(shards={"gpus": -1})


def errors_of(given: Any, schema: Any) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in Draft202012Validator(schema).iter_errors(given)]


def holds(given: Any, demanded: Any) -> bool:
    """Whether all that is demanded stands in what is given, however deep."""
    if isinstance(demanded, dict):
        return all(name in given and holds(given[name], value) for name, value in demanded.items())
    if isinstance(demanded, list):
        return len(given) == len(demanded) and all(map(holds, given, demanded))
    return bool(given == demanded)
