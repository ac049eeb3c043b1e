"""The pool of shards: what Prefect's own Docker worker makes of its template, whatever a flow run asks for; that of the
other kinds satisfies the schemas of their workers and providers.
"""

import json
import os
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator
from docker.models.containers import _create_container_args
from jsonschema import Draft202012Validator
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun
from prefect.types.entrypoint import EntrypointType
from prefect_docker.worker import DockerWorker, DockerWorkerJobConfiguration

from swatchbook.deployments.declared import EMBED, SETTINGS_FILE, room, shard_arguments, shard_job
from swatchbook.deployments.setup import Mode, set_pool
from swatchbook.deployments.shard_pools import Kind, require_usable, shard_pool
from swatchbook.domain.errors import Configuration
from swatchbook.domain.settings import Settings, flatten, replace
from swatchbook.flows.embed_shard import embed_shard
from tests.deployments.test_setup import ask, remove_all
from tests.tables import rows_of

HERE = Path(__file__).parent
GIVEN: dict[str, Any] = dict(rows_of(__file__, "given"))
ASKED: dict[str, Any] = dict(rows_of(__file__, "asked"))
"""Everything that a run may wish for."""


@pytest.fixture
def shards(prefect_api: str) -> Iterator[Any]:
    async def make(client: PrefectClient) -> Any:
        await set_pool(client, shard_pool(Kind.DOCKER, Settings(**GIVEN), {}), Mode())
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


def test_template_has_only_what_the_worker_and_settings_say() -> None:
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


def test_room_is_counted_by_memory_and_by_processors() -> None:
    settings = Settings(shards={"memory_mb": 3072, "cpus": 1.5})
    found = room(settings, free_memory=10 << 30, cpus=8)
    assert (found.by_memory, found.by_cpus) == (3, 5)
    assert room(Settings(shards={"cpus": 0}), free_memory=1 << 30, cpus=8).model_dump() == {
        "by_memory": 0,
        "by_cpus": 8,
    }


VALUES: dict[Kind, dict[str, str]] = {Kind(kind): given for kind, given in dict(rows_of(__file__, "values")).items()}
"""Kind -> what `--with` gives."""

ELSEWHERE: dict[str, Any] = dict(rows_of(__file__, "elsewhere"))


def made(kind: Kind, **changed: Any) -> dict[str, Any]:
    """The job of a pool of this kind, with the given values and settings."""
    return shard_pool(kind, replace(Settings(**ELSEWHERE), flatten(changed)), VALUES[kind]).job


def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((HERE / name).read_text())
    return found


WORKERS = {Kind.KUBERNETES: "kubernetes_worker", Kind.ECS: "ecs_worker", Kind.CLOUD_RUN: "cloud_run_worker"}


@pytest.mark.parametrize("kind", WORKERS)
def test_job_satisfies_its_workers_schema(kind: Kind) -> None:
    worker = schema(f"{WORKERS[kind]}.json")["job_configuration"]
    job = made(kind)
    assert errors_of(job, worker) == []
    assert job.keys() <= worker["properties"].keys()
    assert errors_of({**job, "name": {"a": "b"}}, worker)


@pytest.mark.parametrize("kind", WORKERS)
def test_template_is_closed_and_has_no_secret(kind: Kind) -> None:
    pool = shard_pool(kind, Settings(**ELSEWHERE), VALUES[kind])
    assert pool.template["variables"] == {"type": "object", "properties": {}, "additionalProperties": False}
    for forbidden in ("{{", "$", "hush"):
        assert forbidden not in str(pool.template).replace('exec "$@"', "")
    assert "env" not in pool.job, "Prefect would lay a run's own over it"
    assert pool.concurrency_limit == 3


def test_kubernetes_job_satisfies_the_published_schema() -> None:
    """The worker demands two fields of the pod that Kubernetes has for the job alone; its API ignores them there."""
    job, worker = made(Kind.KUBERNETES, shards={"gpus": 1}), schema("kubernetes_worker.json")
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
    assert "cpu" not in str(made(Kind.KUBERNETES, shards={"cpus": 0})["job_manifest"]).partition("'limits'")[2][:40]


def test_ecs_requests_satisfy_amazons_model() -> None:
    """botocore validates what boto3 would send: unknown fields, types, and what is required."""
    job = made(Kind.ECS)
    session = botocore.session.Session().get_service_model("ecs")
    task, request = job["task_definition"], job["task_run_request"]
    for operation, sent in (
        ("RegisterTaskDefinition", task),
        ("RunTask", {**request, "taskDefinition": task["family"]}),
    ):
        shape = session.operation_model(operation).input_shape
        assert not ParamValidator().validate(sent, shape).has_errors()
        assert ParamValidator().validate({**sent, "colour": "grey"}, shape).has_errors()
    (container,) = task["containerDefinitions"]
    assert (task["cpu"], task["memory"]) == ("2048", "4096"), "the next size that Fargate has"
    assert request["networkConfiguration"]["awsvpcConfiguration"]["subnets"] == ["subnet-1", "subnet-2"]
    assert container["secrets"] == [{"name": "SHARDS_ENV", "valueFrom": VALUES[Kind.ECS]["secret"]}]
    assert "taskRoleArn" not in task


def test_ecs_command_moves_the_secret_into_a_private_file(tmp_path: Path) -> None:
    command = shlex.split(made(Kind.ECS)["command"])
    assert command[-3:] == ["python3", "-m", "prefect.engine"]
    file = tmp_path / "shards.env"
    script = [part.replace("/tmp/shards.env", str(file)) for part in command[:-3]]
    environment = {"PATH": os.environ["PATH"], "SHARDS_ENV": "SWATCHBOOK_INDEX=weaviate\nSWATCHBOOK_LEDGER_URL=a b"}
    done = subprocess.run([*script, "env"], env=environment, capture_output=True, text=True, check=True, timeout=60)
    assert file.read_text() == environment["SHARDS_ENV"] + "\n"
    assert file.stat().st_mode & 0o777 == 0o600
    assert f"SWATCHBOOK_ENV_FILE={file}" in done.stdout.splitlines()
    assert "SHARDS_ENV" not in {line.partition("=")[0] for line in done.stdout.splitlines()}


def test_cloud_run_job_satisfies_googles_schema() -> None:
    job, published = made(Kind.CLOUD_RUN), schema("cloud_run_job.schema.json")
    body = job["job_body"]
    assert errors_of(body, published) == []
    assert errors_of({**body, "colour": "grey"}, published)
    (container,) = body["template"]["template"]["containers"]
    assert container["command"] == shard_arguments(Settings(**ELSEWHERE), "/etc/swatchbook/shards.env")
    assert container["resources"]["limits"] == {"cpu": "2", "memory": "3000Mi"}
    assert "serviceAccount" not in body["template"]["template"]
    assert body["template"]["template"]["vpcAccess"] == {"networkInterfaces": [{"subnetwork": "shards"}]}
    assert "prefect_api_key_secret" not in job
    alone = shard_pool(Kind.CLOUD_RUN, Settings(**ELSEWHERE), {"region": "europe-west1"}).job
    assert "vpcAccess" not in alone["job_body"]["template"]["template"]


def test_no_provider_repeats_a_job_and_all_leave_time_to_end() -> None:
    kubernetes = made(Kind.KUBERNETES)["job_manifest"]["spec"]
    assert (kubernetes["backoffLimit"], kubernetes["template"]["spec"]["restartPolicy"]) == (0, "Never")
    assert kubernetes["template"]["spec"]["terminationGracePeriodSeconds"] == 30
    ecs = made(Kind.ECS)
    assert ecs["task_definition"]["containerDefinitions"][0]["stopTimeout"] == 120
    assert ecs["task_run_request"]["capacityProviderStrategy"] == [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]
    assert made(Kind.CLOUD_RUN)["job_body"]["template"]["template"]["maxRetries"] == 0


def test_values_that_are_not_given_again_are_kept() -> None:
    for kind, values in VALUES.items():
        settings = Settings(**ELSEWHERE)
        first = shard_pool(kind, settings, values).job
        assert shard_pool(kind, settings, {}, current=first).job == first
        by_worker = {"region": "{{ region }}", "namespace": "{{ namespace }}"}
        assert shard_pool(kind, settings, values, current=by_worker).job == first


def test_what_a_pool_lacks_is_named() -> None:
    settings = Settings(**ELSEWHERE)
    with pytest.raises(Configuration, match="needs execution_role, subnets, secret"):
        shard_pool(Kind.ECS, settings, {})
    with pytest.raises(Configuration, match="has no colour"):
        shard_pool(Kind.KUBERNETES, settings, {"colour": "grey"})
    with pytest.raises(Configuration, match="has no GPUs"):
        made(Kind.ECS, shards={"gpus": 1})
    with pytest.raises(Configuration, match="has no size"):
        made(Kind.CLOUD_RUN, shards={"memory_mb": 40_000})
    with pytest.raises(Configuration, match="all GPUs"):
        made(Kind.KUBERNETES, shards={"gpus": -1})


@pytest.mark.parametrize(("kind", "given", "image", "says"), rows_of(__file__, "wrong"))
def test_what_cannot_be_right_is_refused(kind: str, given: dict[str, str], image: str, says: str) -> None:
    settings = replace(Settings(**ELSEWHERE), {"shards.image": image or ELSEWHERE["shards"]["image"]})
    with pytest.raises(Configuration, match=says):
        require_usable(Kind(kind), settings, {**VALUES[Kind(kind)], **given})


def test_push_pools_name_the_block_that_starts_them() -> None:
    settings = Settings(**ELSEWHERE)
    for push, kind, field in (
        (Kind.ECS_PUSH, Kind.ECS, "aws_credentials"),
        (Kind.CLOUD_RUN_PUSH, Kind.CLOUD_RUN, "credentials"),
    ):
        job = shard_pool(push, settings, VALUES[kind]).job
        assert job.pop(field).startswith("{{ prefect.blocks.")
        assert job == made(kind)


def errors_of(given: Any, schema: Any) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in Draft202012Validator(schema).iter_errors(given)]


def holds(given: Any, demanded: Any) -> bool:
    """Whether all that is demanded stands in what is given, however deep."""
    if isinstance(demanded, dict):
        return all(name in given and holds(given[name], value) for name, value in demanded.items())
    if isinstance(demanded, list):
        return len(given) == len(demanded) and all(map(holds, given, demanded))
    return bool(given == demanded)
