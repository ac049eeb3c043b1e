"""A local MinIO, a server of S3, for tests: found or built, started on loopback, stopped by pid.

`python -m devtools.minio` prints where its program is, and builds it where it is not there.
"""

import os
import shutil
import subprocess
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from devtools.weaviate import HOST, READY_SECONDS, build_with_go, end
from swatchbook.domain.errors import Configuration, FilesDown

VERSION = "20260212201848"  # the date of its last commit: its releases have no versions of Go modules
MODULE = f"github.com/minio/minio@v0.0.0-{VERSION}-7aac2a2c5b7c"
USER, PASSWORD = "swatchbook-tests", "a-password-for-tests"


@dataclass(frozen=True)
class MinioServer:
    """A running server. `stop` ends it; its data stays in the folder."""

    process: subprocess.Popen[bytes]
    url: str

    def stop(self) -> None:
        """End the server, by force after a while."""
        end(self.process)


def find_server() -> Path:
    """Return a binary on PATH, else the one built before, else build one with Go (4 min). Raises Configuration."""
    if on_path := shutil.which("minio"):
        return Path(on_path)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    target = cache / "swatchbook" / f"minio-{VERSION}" / "minio"
    if target.is_file():
        return target
    if not shutil.which("go"):
        raise Configuration("No MinIO server found, and no Go to build one.", advice="Put minio on the PATH.")
    return build_with_go(target, MODULE, advice="Put minio on the PATH.")


def start(folder: Path, *, port: int, environment: dict[str, str] | None = None) -> MinioServer:
    """Start a server with its data in `folder`, and wait until it answers. Raises Configuration and FilesDown."""
    folder.mkdir(parents=True, exist_ok=True)
    options = ["--address", f"{HOST}:{port}", "--quiet", "--anonymous"]
    secrets = {"MINIO_ROOT_USER": USER, "MINIO_ROOT_PASSWORD": PASSWORD, "MINIO_BROWSER": "off"}
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [find_server(), "server", folder / "data", *options],
            env={**os.environ, **secrets, **(environment or {})},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    server = MinioServer(process, f"http://{HOST}:{port}")
    deadline = time.monotonic() + READY_SECONDS
    while not _answers(server):
        if process.poll() is not None or time.monotonic() > deadline:
            server.stop()
            raise FilesDown(f"MinIO did not start:\n{(folder / 'server.log').read_text(errors='replace')[-2000:]}")
        time.sleep(0.1)
    return server


def _answers(server: MinioServer) -> bool:
    try:
        with urllib.request.urlopen(f"{server.url}/minio/health/ready", timeout=5) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except OSError:  # a URLError, too
        return False


if __name__ == "__main__":
    print(find_server())  # noqa: T201
