"""Finding a Weaviate server, starting it, and saying what is wrong when that fails."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from devtools.weaviate import Image, _command, find_server, free_ports, start
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
