"""A control plane of Kubernetes on this machine, without nodes: etcd, API server and controllers, built once with Go.

`python -m devtools.kubernetes` builds them into the cache folder (40 minutes on two busy cores), and makes an
environment with Prefect's Kubernetes worker there. Tests bring the node: tests/kubernetes/node.py.
"""

import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import httpx
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from devtools.weaviate import HOST, free_ports

VERSION = "1.31.4"
ETCD = "3.5.13"
WORKER = "prefect-kubernetes==0.8.0"
START_SECONDS = 180  # all three took 5 s on two busy cores

_UV = str(Path(sys.executable).with_name("uv"))

_STAGING = (
    "api apiextensions-apiserver apimachinery apiserver cli-runtime client-go cloud-provider cluster-bootstrap "
    "code-generator component-base component-helpers controller-manager cri-api cri-client csi-translation-lib "
    "dynamic-resource-allocation endpointslice kms kube-aggregator kube-controller-manager kube-proxy kube-scheduler "
    "kubectl kubelet metrics mount-utils pod-security-admission sample-apiserver sample-cli-plugin sample-controller"
)
"""Modules that k8s.io/kubernetes has in its own tree, and that are published as modules of their own."""

_PROGRAMS = {
    "etcd": "go.etcd.io/etcd/server/v3",
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
}


def folder() -> Path:
    """Return where the built programs are kept."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return root / "swatchbook" / f"kubernetes-{VERSION}"


def worker_python() -> Path:
    """Return the Python of the environment with Prefect's Kubernetes worker, which ours lacks."""
    return folder() / "worker" / "bin" / "python"


def is_built() -> bool:
    """Return whether every program and the worker are there."""
    return all((folder() / name).is_file() for name in _PROGRAMS) and worker_python().exists()


def build() -> None:
    """Make what is missing. Raises CalledProcessError."""
    _compile()
    if not worker_python().exists():
        packages = [f"prefect=={version('prefect')}", WORKER, "fastapi<0.151", "sqlalchemy<2.1"]
        subprocess.run([_UV, "venv", "--quiet", "--clear", folder() / "worker"], check=True)
        subprocess.run([_UV, "pip", "install", "--quiet", "--python", worker_python(), *packages], check=True)


def _compile() -> None:
    """Compile the programs as a module that requires Kubernetes; each is moved into the cache atomically."""
    folder().mkdir(parents=True, exist_ok=True)
    replaced = "\n".join(f"\tk8s.io/{name} => k8s.io/{name} v0{VERSION[1:]}" for name in _STAGING.split())
    required = f"\tk8s.io/kubernetes v{VERSION}\n\tgo.etcd.io/etcd/server/v3 v{ETCD}"
    with tempfile.TemporaryDirectory(dir=folder()) as scratch:
        module = Path(scratch)
        (module / "go.mod").write_text(
            f"module swatchbook/kubernetes\n\ngo 1.23.0\n\nrequire (\n{required}\n)\n\nreplace (\n{replaced}\n)\n"
        )
        environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=mod -buildvcs=false"}
        stamp = f"-s -w -X k8s.io/component-base/version.gitVersion=v{VERSION}"
        for name, package in _PROGRAMS.items():
            if not (folder() / name).is_file():
                command = ["nice", "go", "build", "-ldflags", stamp, "-o", name, package]
                subprocess.run(command, cwd=module, env=environment, check=True)
                (module / name).replace(folder() / name)


@dataclass
class ControlPlane:
    """Running programs by name. The folder has their data and logs; `kubeconfig` lets clients in."""

    folder: Path
    port: int
    etcd_port: int
    token: str
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.port}"

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    def client(self) -> httpx.Client:
        """Return a client of the API, whose certificate the API server has made itself."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.Client(base_url=self.url, headers=headers, verify=False, timeout=30)  # noqa: S501 — on loopback

    def start(self, name: str) -> None:
        """Start one program; the API server until it is ready. Raises RuntimeError with the end of its log."""
        log = self.folder / f"{name}.log"
        with log.open("ab") as out:
            command = [str(folder() / name), *_ARGUMENTS[name](self)]
            self.processes[name] = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True)
        if name != "kube-apiserver":
            return
        end = time.monotonic() + START_SECONDS
        while not self._is_ready():
            if self.processes[name].poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{name} did not start:\n{log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.2)

    def kill(self, name: str) -> None:
        """End one program with SIGKILL."""
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    def stop(self) -> None:
        """End all programs; nothing of them is needed later."""
        for name in list(self.processes):
            self.kill(name)

    def _is_ready(self) -> bool:
        try:
            with self.client() as client:
                return client.get("/readyz").status_code == 200
        except httpx.HTTPError:
            return False


def start(folder: Path) -> ControlPlane:
    """Start all programs on loopback with their data in `folder`. Raises RuntimeError when one does not start."""
    port, etcd_port = free_ports(2)
    plane = ControlPlane(folder, port, etcd_port, secrets.token_hex(16))
    folder.mkdir(parents=True, exist_ok=True)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    (folder / "accounts.key").write_bytes(private)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / "accounts.pub").write_bytes(public)
    (folder / "tokens.csv").write_text(f'{plane.token},tests,1,"system:masters"\n')
    plane.kubeconfig.write_text(_kubeconfig(plane))
    try:
        for name in _PROGRAMS:
            plane.start(name)
    except BaseException:
        plane.stop()
        raise
    return plane


def _kubeconfig(plane: ControlPlane) -> str:
    return (
        "apiVersion: v1\nkind: Config\ncurrent-context: tests\n"
        f"clusters: [{{name: tests, cluster: {{server: '{plane.url}', insecure-skip-tls-verify: true}}}}]\n"
        f"users: [{{name: tests, user: {{token: '{plane.token}'}}}}]\n"
        "contexts: [{name: tests, context: {cluster: tests, user: tests}}]\n"
    )


def _etcd(plane: ControlPlane) -> Sequence[str]:
    (peers,) = free_ports(1)
    client = f"http://{HOST}:{plane.etcd_port}"
    peer = f"http://{HOST}:{peers}"
    return (
        *(f"--data-dir={plane.folder}/etcd", f"--listen-client-urls={client}", f"--advertise-client-urls={client}"),
        *(f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=default={peer}"),
    )


def _api_server(plane: ControlPlane) -> Sequence[str]:
    return (
        *(f"--etcd-servers=http://{HOST}:{plane.etcd_port}", f"--bind-address={HOST}", f"--secure-port={plane.port}"),
        *(f"--cert-dir={plane.folder}/certificates", f"--token-auth-file={plane.folder}/tokens.csv"),
        *("--authorization-mode=AlwaysAllow", "--disable-admission-plugins=ServiceAccount"),
        *(f"--service-account-issuer={plane.url}", f"--service-account-key-file={plane.folder}/accounts.pub"),
        *(f"--service-account-signing-key-file={plane.folder}/accounts.key", "--service-cluster-ip-range=10.96.0.0/16"),
        *("--allow-privileged=true", "--endpoint-reconciler-type=none"),
    )


def _controllers(plane: ControlPlane) -> Sequence[str]:
    (port,) = free_ports(1)
    wanted = (
        "job-controller,ttl-after-finished-controller,pod-garbage-collector-controller,namespace-controller,"
        "deployment-controller,replicaset-controller,garbage-collector-controller"
    )
    return (
        *(f"--kubeconfig={plane.kubeconfig}", "--leader-elect=false", f"--controllers={wanted}"),
        *(f"--bind-address={HOST}", f"--secure-port={port}", f"--cert-dir={plane.folder}/controllers"),
    )


_ARGUMENTS = {"etcd": _etcd, "kube-apiserver": _api_server, "kube-controller-manager": _controllers}


if __name__ == "__main__":
    build()
    print(folder(), file=sys.stderr)  # noqa: T201
