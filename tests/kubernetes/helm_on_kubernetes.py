"""The Helm chart on a real Kubernetes API server with its controllers: linted, rendered, installed, taken away.

The node is a stand-in: tests/kubernetes/node.py. By `make test-kubernetes`, which builds what is missing.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from devtools.helm import CHART, program
from devtools.kubernetes import ControlPlane, is_built, start
from devtools.weaviate import free_ports
from tests.command import bare_environment
from tests.fixtures import ROOT
from tests.kubernetes.node import Node, make_namespace
from tests.servers.stack import answers
from tests.tables import rows_of

pytestmark = pytest.mark.timeout(600)

PAGE = (ROOT / "docs" / "helm.md").read_text()
SECONDS = 300  # all parts were ready after 25 s on two idle cores
KEY, PASSWORD = "a-key-of-the-service-for-tests", "admin:a-password-for-tests"
SECRET = {
    "api-keys": json.dumps([{"name": "admin", "key": KEY, "owners": ["*"]}]),
    "ledger-url": "sqlite:////var/lib/swatchbook/ledger.sqlite",
    "prefect-auth": PASSWORD,
    "prefect-database-url": "sqlite+aiosqlite:////var/lib/prefect/prefect.sqlite",
    "weaviate-key": "a-key-of-weaviate-for-tests",
    "vision": "a-key-of-a-provider-for-tests",
}
SECRETS = {"swatchbook": SECRET}
FULL: dict[str, Any] = dict(rows_of(__file__, "full"))
"""A value for everything that can be set, other than the default."""


def helm(*words: str, plane: ControlPlane | None = None, values: dict[str, Any] | None = None) -> str:
    """What helm prints. Fails with what it complains of."""
    done = _helm(words, plane, values)
    assert done.returncode == 0, done.stderr[-4_000:]
    return done.stdout


def _helm(
    words: tuple[str, ...], plane: ControlPlane | None, values: dict[str, Any] | None
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **({"KUBECONFIG": str(plane.kubeconfig)} if plane else {})}
    given = ("--values", "-") if values is not None else ()
    return subprocess.run(
        [program(), *words, *given], env=environment, input=json.dumps(values), capture_output=True, text=True
    )


def rendered(values: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    objects = yaml.safe_load_all(helm("template", "shop", str(CHART), values=values))
    return {(each["kind"], each["metadata"]["name"]): each for each in objects if each}


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    if not is_built() or not program().is_file():
        pytest.skip("needs `make test-kubernetes`, which builds Kubernetes and Helm")
    running = start(tmp_path_factory.mktemp("plane"))
    try:
        yield running
    finally:
        running.stop()


KINDS = {
    "Deployment": "apis/apps/v1", "ReplicaSet": "apis/apps/v1", "Job": "apis/batch/v1", "Pod": "api/v1",
    "Service": "api/v1", "PersistentVolumeClaim": "api/v1", "NetworkPolicy": "apis/networking.k8s.io/v1",
    "Ingress": "apis/networking.k8s.io/v1",
}  # fmt: skip


def found(plane: ControlPlane, namespace: str) -> set[tuple[str, str]]:
    """(kind, name) of all objects of a namespace but secrets."""
    with plane.client() as client:

        def names(kind: str, path: str) -> list[str]:
            plural = {"NetworkPolicy": "networkpolicies", "Ingress": "ingresses"}.get(kind, f"{kind.lower()}s")
            answer = client.get(f"/{path}/namespaces/{namespace}/{plural}").raise_for_status()
            return [each["metadata"]["name"] for each in answer.json()["items"]]

        return {(kind, name) for kind, path in KINDS.items() for name in names(kind, path)}


def wait_until(holds: Callable[[], bool], what: str, logs: Path | None = None) -> None:
    end = time.monotonic() + SECONDS
    while not holds():
        said = [f"{log.name}: {log.read_text(errors='replace')[-2_000:]}" for log in logs.glob("*.log")] if logs else []
        assert time.monotonic() < end, "\n".join([f"not within {SECONDS} s: {what}", *said])
        time.sleep(0.3)


@pytest.mark.parametrize("values", [{}, FULL], ids=["default", "full"])
def test_chart_is_sound_and_pods_may_write_nothing(plane: ControlPlane, values: dict[str, Any]) -> None:
    helm("lint", "--strict", str(CHART), values=values)
    objects = rendered(values)
    pods = [each["spec"]["template"]["spec"] for (kind, _), each in objects.items() if kind in ("Deployment", "Job")]
    assert len(pods) == (3 if values else 4)
    for pod in pods:
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
        (container,) = pod["containers"]
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["limits"]["memory"]
        assert {mount["mountPath"] for mount in container["volumeMounts"]} >= {"/tmp"}
    text = json.dumps(list(objects.values()))
    assert not [value for value in SECRET.values() if value in text]


def test_server_takes_every_object_and_uninstall_leaves_none(plane: ControlPlane) -> None:
    make_namespace(plane, "full", SECRETS)
    words = ("shop", "--namespace", "full")
    helm("install", *words, str(CHART), "--no-hooks", plane=plane, values=FULL)
    assert {key for key in rendered(FULL) if key[0] != "Job"} <= found(plane, "full")
    helm("upgrade", *words, str(CHART), "--no-hooks", "--set", "service.replicas=3", plane=plane, values=FULL)
    helm("uninstall", *words, plane=plane)
    wait_until(lambda: found(plane, "full") == set(), "nothing is left")


def test_wrong_values_are_refused_by_name() -> None:
    """Those that the schema refuses: tests/deployments/test_chart.py."""
    wrong = {"settings": {"INDEX": "weaviate"}, "persistence": {"enabled": False}}
    done = _helm(("template", "shop", str(CHART)), None, wrong)
    assert done.returncode != 0
    assert "settings.FILES_URL" in done.stderr


LINE = re.compile(r"^\$ (helm .*?)(?: +#.*)?$", re.MULTILINE)


def test_example_of_the_page_is_rendered() -> None:
    values = yaml.safe_load(PAGE.partition("```yaml\n")[2].partition("```")[0])
    objects = rendered(values)
    assert {kind for kind, _ in objects} == {"Deployment", "Service", "Ingress", "Job", "NetworkPolicy"}
    (rule,) = objects["Ingress", "shop-service"]["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    named = path["backend"]["service"]
    assert named["port"]["name"] in {port["name"] for port in objects["Service", named["name"]]["spec"]["ports"]}
    assert "registry.example/swatchbook:1.0" in json.dumps(list(objects.values()))
    for key in (("Deployment", "shop-service"), ("Deployment", "shop-worker"), ("Job", "shop-setup")):
        (container,) = objects[key]["spec"]["template"]["spec"]["containers"]
        assert {each["name"] for each in container["env"]} >= {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}


def test_commands_of_the_page_install_upgrade_and_uninstall(plane: ControlPlane, tmp_path: Path) -> None:
    """With a release that runs: the service is ready, and its Job has set Prefect up."""
    port, prefect = free_ports(2)
    make_namespace(plane, "swatchbook", SECRETS)
    environment = bare_environment()
    environment["PATH"] = os.pathsep.join(
        (str(Path(sys.executable).parent), str(program().parent), environment["PATH"])
    )
    of_image = {"DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    folders = {"SWATCHBOOK_HOME": "/var/lib/swatchbook", "PREFECT_HOME": "/var/lib/swatchbook/prefect"}
    node = Node(plane, tmp_path / "node", environment | of_image, room=10, folders=folders)
    values = {
        "settings": {"INDEX": "lance"},
        "service": {"port": port},
        "prefect": {"port": prefect, "url": f"http://127.0.0.1:{prefect}/api"},  # names of services need a DNS
    }
    (tmp_path / "shop.yaml").write_text(json.dumps(values))
    (tmp_path / "deployments").symlink_to(ROOT / "deployments")
    install, upgrade, uninstall = LINE.findall(PAGE)

    def run(line: str) -> None:
        told = {**environment, "KUBECONFIG": str(plane.kubeconfig)}
        done = subprocess.run(["bash", "-euc", line], cwd=tmp_path, env=told, capture_output=True, text=True)
        assert done.returncode == 0, f"{line}\n{done.stderr[-4_000:]}"

    node.start()
    try:
        run(install)
        wait_until(answers(f"http://127.0.0.1:{port}/ready"), "the service is ready", node.folder)
        bearing = {"Authorization": f"Bearer {KEY}"}
        assert httpx.get(f"http://127.0.0.1:{port}/documents").status_code == 401
        assert httpx.get(f"http://127.0.0.1:{port}/documents", headers=bearing).status_code == 200
        api, (user, password) = f"http://127.0.0.1:{prefect}/api", PASSWORD.split(":")
        made = httpx.post(f"{api}/deployments/filter", json={}, auth=(user, password)).raise_for_status().json()
        assert {"ingest_catalogue", "embed_shard"} <= {each["name"] for each in made}
        run(upgrade)
        run(uninstall)
        kept = {("PersistentVolumeClaim", "shop-files")}
        wait_until(lambda: found(plane, "swatchbook") == kept, "only the data are left", node.folder)
    finally:
        node.stop()
    assert (node.folder / "shop-files" / "ledger.sqlite").is_file()
