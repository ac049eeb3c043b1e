"""Finding a Weaviate server, starting it, and saying what is wrong when that fails."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from devtools.weaviate import VERSION, Image, _command, find_server, free_ports, main, start
from swatchbook.domain.errors import Configuration, IndexDown
from swatchbook.index.weaviate import WeaviateIndex
from tests.command import bare_environment
from tests.fixtures import ROOT


@pytest.fixture
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No programs on the PATH but those in the folder returned, and an empty cache."""
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return programs


def program(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!{sys.executable}\n{script}")
    path.chmod(0o755)
    return path


def test_the_path_comes_first_then_the_cache_then_docker_then_go(bare_machine: Path, tmp_path: Path) -> None:
    with pytest.raises(Configuration, match=r"on the PATH, start a Docker daemon, or install Go"):
        find_server()
    go = (
        "import os, pathlib; pathlib.Path(os.environ['GOBIN'], 'weaviate-server').write_text(os.environ['CGO_ENABLED'])"
    )
    program(bare_machine / "go", go)
    built = find_server()
    assert isinstance(built, Path)
    assert built.is_relative_to(tmp_path / "cache")
    assert built.read_text() == "0"
    built.unlink()
    program(bare_machine / "docker", "")
    assert isinstance(find_server(), Image)
    built.write_text("")
    assert find_server() == built
    on_path = program(bare_machine / "weaviate-server", "")
    assert find_server() == on_path


GO = """
import os, pathlib
with open({log!r}, "a") as log:
    print("began", file=log)
open({gate!r}).read()
pathlib.Path(os.environ["GOBIN"], "weaviate-server").write_text("")
"""


def test_of_two_builds_the_second_waits(bare_machine: Path, tmp_path: Path) -> None:
    log, gate = tmp_path / "log", tmp_path / "gate"
    os.mkfifo(gate)
    program(bare_machine / "go", GO.format(log=str(log), gate=str(gate)))
    cache = tmp_path / "cache" / "swatchbook" / f"weaviate-{VERSION}"
    (cache / "tmpleft").mkdir(parents=True)  # by a build that was killed
    command = [sys.executable, "-m", "devtools.weaviate", "path"]

    def build() -> subprocess.Popen[str]:
        return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    first = build()
    with gate.open("w"):  # once Go reads from it
        second = build()
        assert second.stderr
        assert "Another process builds it" in second.stderr.readline()
    assert [each.communicate(timeout=60)[0] for each in (first, second)] == [f"{cache / 'weaviate-server'}\n"] * 2
    assert log.read_text() == "began\n"
    assert [each.name for each in cache.iterdir() if each.is_dir()] == []


def test_a_build_that_fails_says_why_and_leaves_nothing(bare_machine: Path, tmp_path: Path) -> None:
    program(bare_machine / "go", "import sys; sys.exit('no such module')")
    with pytest.raises(Configuration, match="no such module"):
        find_server()
    assert [*(tmp_path / "cache").rglob("weaviate-server")] == []


def test_the_key_is_in_the_environment_and_not_in_the_arguments(tmp_path: Path) -> None:
    for found in (Path("/bin/weaviate-server"), Image("some/image:1")):
        command, environment = _command(found, tmp_path, port=1, grpc_port=2, api_key="sesame")
        assert "sesame" not in " ".join(command)
        assert environment["AUTHENTICATION_APIKEY_ALLOWED_KEYS"] == "sesame"
        assert environment["AUTOSCHEMA_ENABLED"] == "false"


def test_a_server_that_dies_shows_the_end_of_its_log(bare_machine: Path, tmp_path: Path) -> None:
    program(bare_machine / "weaviate-server", "import sys; sys.exit('the disk is on fire')")
    port, grpc_port = free_ports(2)
    with pytest.raises(IndexDown, match="the disk is on fire"):
        start(tmp_path / "data", port=port, grpc_port=grpc_port)


def test_a_port_is_given_once_though_nothing_listens_at_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that starts slowly, and all ports that it is told, in this process and in others."""
    ports = free_ports(4)
    monkeypatch.setattr("devtools.weaviate._PORTS", [*ports, *(port + 1 for port in ports)])
    assert not set(free_ports(2)) & set(ports)
    other = f"import devtools.weaviate as w; print([w._reservations().take(port) for port in {ports}])"
    done = subprocess.run([sys.executable, "-c", other], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == f"{[False] * 4}\n"


def test_a_server_elsewhere_is_not_started_here(
    bare_machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SWATCHBOOK_WEAVIATE__URL", "http://index.example:8080")
    assert main(["start"]) == 1
    assert "index.example" in capsys.readouterr().err


@pytest.mark.stack
def test_make_weaviate_runs_until_stopped(tmp_path: Path) -> None:
    port, grpc_port = free_ports(2)
    settings = {"HOME": tmp_path, "WEAVIATE__URL": f"http://127.0.0.1:{port}", "WEAVIATE__GRPC_PORT": grpc_port}
    given = {f"SWATCHBOOK_{name}": str(value) for name, value in settings.items()}
    making = subprocess.Popen(
        ["make", "weaviate"], cwd=ROOT, env=bare_environment() | given, start_new_session=True, stdout=subprocess.PIPE
    )
    assert making.stdout
    try:
        said = next((line for line in making.stdout if b"at http" in line), b"").decode()
        if said:
            WeaviateIndex(f"http://127.0.0.1:{port}", grpc_port=grpc_port, api_key=None).probe()
    finally:
        os.killpg(making.pid, signal.SIGTERM)  # Ctrl-C would be ignored where tests run in the background
        making.communicate(timeout=60)
    assert f"at http://127.0.0.1:{port}" in said
    with pytest.raises(IndexDown):
        WeaviateIndex(f"http://127.0.0.1:{port}", grpc_port=grpc_port, api_key=None).probe()
