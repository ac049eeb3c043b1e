"""Shards as Jobs of a real Kubernetes API server with its controllers, started by Prefect's Kubernetes worker, while
pods, the worker and the API server die. The node is a stand-in: tests/kubernetes/node.py.

By `make test-kubernetes`, which builds what is missing; SWATCHBOOK_TEST_FIGURES names a file that is told the figures.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from devtools.kubernetes import ControlPlane, is_built, worker_python
from devtools.kubernetes import start as start_kubernetes
from swatchbook_service.pools import Kind, shard_pool
from tests.containers.pool import SHARED
from tests.kubernetes.node import Node, make_namespace
from tests.ledger_audit import count_writes
from tests.servers.halfway import conclude, half_way
from tests.servers.stack import Part, Stack, running_stack, worker_part

pytestmark = pytest.mark.timeout(900)

POOL = "embed-on-kubernetes"
NAMESPACE = "swatchbook"
IN_SHARDS: dict[str, Any] = {"execution": "pool", "batch_size": 12}
AWAY_SECONDS = 15.0


@dataclass(frozen=True)
class Cluster:
    stack: Stack
    plane: ControlPlane
    node: Node
    worker: Part

    def pods(self) -> list[dict[str, Any]]:
        with self.plane.client() as client:
            found: list[dict[str, Any]] = client.get(f"/api/v1/namespaces/{NAMESPACE}/pods").json()["items"]
        return found

    def jobs(self) -> list[dict[str, Any]]:
        with self.plane.client() as client:
            answer = client.get(f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs")
        found: list[dict[str, Any]] = answer.json()["items"]
        assert found
        return found

    def running(self) -> dict[str, Any]:
        return next(pod for pod in self.pods() if pod["status"]["phase"] == "Running")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    if not is_built():
        pytest.skip("needs `make test-kubernetes`, which builds Kubernetes")
    where = tmp_path_factory.mktemp("kubernetes")
    with running_stack(_made(where / "stack")) as stack:
        count_writes(stack.resources.ledger)
        plane = start_kubernetes(where / "plane")
        environment = stack.environment
        kept = ("PATH", "HOME", "LANG", "PYTHONPATH", "SWATCHBOOK_TEST_TROUBLE", "VIRTUAL_ENV")
        image = {name: environment[name] for name in kept if name in environment}
        image["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{image['PATH']}"
        node = Node(plane, where / "node", image)
        settings = "".join(f"SWATCHBOOK_{name}={environment[f'SWATCHBOOK_{name}']}\n" for name in SHARED)
        password = environment["PREFECT_API_AUTH_STRING"]
        make_namespace(plane, NAMESPACE, {"swatchbook-shards": {"shards.env": settings}, "prefect": {"auth": password}})
        pool = shard_pool(Kind.KUBERNETES, stack.settings, NAMESPACE)
        given = {"name": POOL, "type": pool.type, "concurrency_limit": 2, "base_job_template": pool.template}
        stack.ask_prefect("POST", "/work_pools/", json=given)
        deployment = stack.ask_prefect("GET", "/deployments/name/embed_shard/embed_shard")
        stack.ask_prefect("PATCH", f"/deployments/{deployment['id']}", json={"work_pool_name": POOL})
        worker = _worker(stack, plane)
        node.start()
        worker.start()
        try:
            yield Cluster(stack, plane, node, worker)
        finally:
            worker.stop()
            node.stop()
            plane.stop()


def _made(path: Path) -> Path:
    path.mkdir()
    return path


def _worker(stack: Stack, plane: ControlPlane) -> Part:
    own = {name: value for name, value in stack.environment.items() if not name.startswith("SWATCHBOOK_")}
    secret = "PREFECT_INTEGRATIONS_KUBERNETES_WORKER_API_AUTH_STRING_SECRET"
    environment = {
        **own,
        "PYTHONPATH": "",
        "KUBECONFIG": str(plane.kubeconfig),
        f"{secret}_NAME": "prefect",
        f"{secret}_KEY": "auth",
    }
    part = worker_part(stack.folder, environment, "kubernetes-worker", ())
    start = ("-m", "prefect", "worker", "start", "--pool", POOL, "--type", "kubernetes", "--with-healthcheck")
    part.command = [str(worker_python()), *start]
    part.forks = False
    return part


def process_killed(cluster: Cluster) -> None:
    """As for want of memory: the container ends with 137, the pod fails."""
    uid = cluster.running()["metadata"]["uid"]
    os.kill(cluster.node.pods[uid].process.pid, signal.SIGKILL)


def pod_evicted(cluster: Cluster) -> None:
    """As when a spot machine is taken back: SIGTERM, and SIGKILL after the pod's grace."""
    pod = cluster.running()
    with cluster.plane.client() as client:
        client.delete(f"/api/v1/namespaces/{NAMESPACE}/pods/{pod['metadata']['name']}").raise_for_status()


def worker_killed(cluster: Cluster) -> None:
    """Its jobs go on, and the next worker takes what is left."""
    cluster.worker.kill(family=True)
    cluster.worker.start()


def api_server_killed(cluster: Cluster) -> None:
    """Pods go on; worker and controllers find it again."""
    cluster.plane.kill("kube-apiserver")
    time.sleep(AWAY_SECONDS)
    cluster.plane.start("kube-apiserver")


DEATHS = [process_killed, pod_evicted, worker_killed, api_server_killed]


@pytest.mark.parametrize("die", DEATHS, ids=lambda die: die.__name__)
def test_burst_ends_whole_whatever_dies(cluster: Cluster, tmp_path: Path, die: Callable[[Cluster], None]) -> None:
    document = half_way(cluster.stack, tmp_path / f"{die.__name__}.pdf", **IN_SHARDS)
    die(cluster)
    cluster.stack.trouble(seconds=0.2)
    conclude(cluster.stack, f"kubernetes: {die.__name__}", document)
    cluster.stack.wait_until(lambda: not _live(cluster), "all pods have ended")
    assert cluster.stack.environment["PREFECT_API_AUTH_STRING"] not in json.dumps(cluster.jobs())


def _live(cluster: Cluster) -> list[dict[str, Any]]:
    return [pod for pod in cluster.pods() if pod["status"]["phase"] in ("Pending", "Running")]
