"""A node for the tests: binds pods, runs the command of their container as a process of this machine, and reports.

It does what a kubelet does for one container: environment, secrets as files and variables, phases, exit codes, SIGTERM,
grace and SIGKILL. The image is this checkout; paths of mounted secrets are replaced in the command.
"""

import base64
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psutil

from devtools.kubernetes import ControlPlane

NAME = "tests"
_SLEEP = 0.3


@dataclass
class Running:
    """The process of a pod; `kill_at`: when its grace is over."""

    process: subprocess.Popen[bytes]
    started: str
    kill_at: float | None = None
    told: str = ""


@dataclass
class Node:
    """Started by `start`; `room`: pods at a time; `image`: the environment that the image has.

    `folders`: variables of the image that name a folder of the container, which a volume may take the place of.
    """

    plane: ControlPlane
    folder: Path
    image: Mapping[str, str]
    room: int = 2
    folders: Mapping[str, str] = field(default_factory=dict)
    pods: dict[str, Running] = field(default_factory=dict)
    ended_by: dict[str, int] = field(default_factory=dict)  # uid -> exit code
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.plane.client() as client:
            client.post("/api/v1/nodes", json={"apiVersion": "v1", "kind": "Node", "metadata": {"name": NAME}})
        self._thread = threading.Thread(target=self._run, name="node", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        if self._thread:
            self._thread.join(30)
        for running in self.pods.values():
            _kill(running.process)

    def _run(self) -> None:
        with self.plane.client() as client:
            while not self._over.wait(_SLEEP):
                with suppress(httpx.HTTPError):  # the API server is away: processes go on
                    self._round(client)

    def _round(self, client: httpx.Client) -> None:
        answer = client.get("/api/v1/pods")
        answer.raise_for_status()
        pods = {pod["metadata"]["uid"]: pod for pod in answer.json()["items"]}
        for uid in self.pods.keys() - pods.keys():  # deleted by force
            _kill(self.pods[uid].process)
            del self.pods[uid]
        for uid, pod in pods.items():
            if uid in self.pods:
                self._watch(client, pod, self.pods[uid])
            elif pod["spec"].get("nodeName") == NAME and pod["status"]["phase"] == "Pending":
                if pod["metadata"].get("deletionTimestamp"):
                    _delete(client, pod)
                else:
                    self._begin(client, pod)
        self._bind(client, list(pods.values()))

    def _bind(self, client: httpx.Client, pods: list[dict[str, Any]]) -> None:
        live = [pod for pod in pods if pod["status"]["phase"] in ("Pending", "Running")]
        bound = sum(pod["spec"].get("nodeName") == NAME for pod in live)
        for pod in [pod for pod in live if not pod["spec"].get("nodeName")][: max(0, self.room - bound)]:
            target = {"apiVersion": "v1", "kind": "Node", "name": NAME}
            binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": pod["metadata"]["name"]}}
            client.post(f"{_path(pod)}/binding", json={**binding, "target": target})

    def _begin(self, client: httpx.Client, pod: dict[str, Any]) -> None:
        (container,) = pod["spec"]["containers"]
        uid = pod["metadata"]["uid"]
        home = self.folder / uid
        home.mkdir()
        mounted = self._mount(client, pod, container, home)
        arguments = [_here(each, mounted) for each in container["args"]]
        told = {**self.folders, **self._variables(client, pod, container)}
        environment = {**self.image, **{name: _here(value, mounted) for name, value in told.items()}}
        with (self.folder / f"{pod['metadata']['name']}.log").open("ab") as out:
            process = subprocess.Popen(
                arguments, env=environment, cwd=home, stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
        self.pods[uid] = Running(process, _now())
        self._watch(client, pod, self.pods[uid])

    def _mount(self, client: httpx.Client, pod: Any, container: Any, home: Path) -> dict[str, Path]:
        """Write mounted secrets into files, make other volumes. Return path in the container -> path here."""
        volumes = {each["name"]: each for each in pod["spec"].get("volumes", [])}
        files = {}
        for mount in container.get("volumeMounts", []):
            volume = volumes[mount["name"]]
            if "secret" not in volume:
                claim = volume.get("persistentVolumeClaim", {}).get("claimName")
                folder = (self.folder / claim if claim else home / mount["name"]) / mount.get("subPath", "")
                folder.mkdir(parents=True, exist_ok=True)
                files[mount["mountPath"]] = folder
                continue
            secret = _secret(client, pod, volume["secret"]["secretName"])
            file = home / mount["subPath"]
            file.touch(mode=0o600)
            file.write_text(secret[mount["subPath"]])
            files[mount["mountPath"]] = file
        return files

    def _variables(self, client: httpx.Client, pod: Any, container: Any) -> dict[str, str]:
        found = {}
        for each in container.get("env", []):
            if reference := each.get("valueFrom", {}).get("secretKeyRef"):
                found[each["name"]] = _secret(client, pod, reference["name"])[reference["key"]]
            else:
                found[each["name"]] = each.get("value", "")
        return found

    def _watch(self, client: httpx.Client, pod: dict[str, Any], running: Running) -> None:
        """Report a change; end the process of a deleted pod, first with SIGTERM."""
        code = running.process.poll()
        if code is None and pod["metadata"].get("deletionTimestamp"):
            if running.kill_at is None:
                grace = pod["metadata"].get("deletionGracePeriodSeconds") or 0
                running.kill_at = time.monotonic() + grace
                running.process.send_signal(signal.SIGTERM)
            elif time.monotonic() > running.kill_at:
                _kill(running.process)
            return
        phase = "Running" if code is None else "Failed" if code else "Succeeded"
        if phase != running.told:
            status = _status(pod, running, phase, code)
            client.patch(
                f"{_path(pod)}/status", json={"status": status},
                headers={"Content-Type": "application/merge-patch+json"},
            ).raise_for_status()  # fmt: skip
            running.told = phase
        if code is not None:
            self.ended_by[pod["metadata"]["uid"]] = code
            if pod["metadata"].get("deletionTimestamp"):
                _delete(client, pod)


def make_namespace(plane: ControlPlane, name: str, secrets: Mapping[str, Mapping[str, str]]) -> None:
    """Make a namespace with these secrets: name -> key -> value."""
    with plane.client() as client:

        def post(path: str, kind: str, named: str, **content: object) -> None:
            made = {"apiVersion": "v1", "kind": kind, "metadata": {"name": named}, **content}
            client.post(path, json=made).raise_for_status()

        post("/api/v1/namespaces", "Namespace", name)
        for secret, content in secrets.items():
            data = {key: base64.b64encode(value.encode()).decode() for key, value in content.items()}
            post(f"/api/v1/namespaces/{name}/secrets", "Secret", secret, data=data)


def _status(pod: dict[str, Any], running: Running, phase: str, code: int | None) -> dict[str, Any]:
    state: dict[str, Any] = {"running": {"startedAt": running.started}}
    if code is not None:
        number = 128 - code if code < 0 else code
        times = {"startedAt": running.started, "finishedAt": _now()}
        state = {"terminated": {"exitCode": number, "reason": "Error" if number else "Completed", **times}}
    (container,) = pod["spec"]["containers"]
    shown = {"name": container["name"], "image": container["image"], "imageID": "", "restartCount": 0}
    ready = {"type": "Ready", "status": "True" if code is None else "False", "lastTransitionTime": _now()}
    return {
        "phase": phase,
        "startTime": running.started,
        "conditions": [ready],
        "containerStatuses": [{**shown, "ready": code is None, "state": state}],
    }


def _here(text: str, mounted: Mapping[str, Path]) -> str:
    """Return a text with the paths of mounts as they are on this machine."""
    paths = "|".join(re.escape(path) for path in sorted(mounted, key=len, reverse=True))
    return re.sub(rf"(?<![\w.-])({paths})(?![\w.-])", lambda found: str(mounted[found[0]]), text) if paths else text


def _secret(client: httpx.Client, pod: dict[str, Any], name: str) -> dict[str, str]:
    answer = client.get(f"/api/v1/namespaces/{pod['metadata']['namespace']}/secrets/{name}")
    answer.raise_for_status()
    return {key: base64.b64decode(value).decode() for key, value in answer.json()["data"].items()}


def _delete(client: httpx.Client, pod: dict[str, Any]) -> None:
    client.delete(_path(pod), params={"gracePeriodSeconds": 0})


def _path(pod: dict[str, Any]) -> str:
    return f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}"


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the process with all that it has started, as the end of a container does."""
    with suppress(psutil.NoSuchProcess, ProcessLookupError):
        for child in psutil.Process(process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                child.kill()
        os.kill(process.pid, signal.SIGKILL)
    process.wait()
