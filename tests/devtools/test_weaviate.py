"""Finding a Weaviate server, starting it, and saying what is wrong when that fails."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from devtools.weaviate import Image, _command, free_ports
from swatchbook.domain.errors import IndexDown
from swatchbook_weaviate.index import WeaviateIndex
from tests.command import bare_environment
from tests.fixtures import ROOT


def test_key_is_in_environment_and_not_in_arguments(tmp_path: Path) -> None:
    for found in (Path("/bin/weaviate-server"), Image("some/image:1")):
        command, environment = _command(found, tmp_path, port=1, grpc_port=2, api_key="sesame")
        assert "sesame" not in " ".join(command)
        assert environment["AUTHENTICATION_APIKEY_ALLOWED_KEYS"] == "sesame"
        assert environment["AUTOSCHEMA_ENABLED"] == "false"


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
