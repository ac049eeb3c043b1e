"""The images that compose.yaml names: the official ones where a registry serves them, else made here from Debian.

Without a registry: a base by debootstrap, PostgreSQL from Debian, and the Weaviate server that the other tests run.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from devtools.weaviate import IMAGE as WEAVIATE
from devtools.weaviate import VERSION, find_server
from tests.containers.engine import Engine
from tests.fixtures import ROOT

HERE = Path(__file__).parent
SUITE = "bookworm"

BASE, POSTGRES = "python:3.11-slim", "postgres:15"
OUR_BASE = f"swatchbook-test/base:{SUITE}"
OUR_POSTGRES = f"swatchbook-test/postgres:{SUITE}"
OUR_WEAVIATE = f"swatchbook-test/weaviate:{VERSION}"
SWATCHBOOK = "swatchbook-test/swatchbook"

_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


def images(engine: Engine) -> Mapping[str, str]:
    """`BASE_IMAGE`, `POSTGRES_IMAGE` and `WEAVIATE_IMAGE`, each there. Raises RuntimeError where one cannot be had."""
    return {"BASE_IMAGE": base(engine), "POSTGRES_IMAGE": _postgres(engine), "WEAVIATE_IMAGE": _weaviate(engine)}


def base(engine: Engine) -> str:
    if engine.can_pull(BASE):
        return BASE
    if not engine.has(OUR_BASE):
        _bootstrap(engine)
    return OUR_BASE


def _postgres(engine: Engine) -> str:
    if engine.can_pull(POSTGRES):
        return POSTGRES
    return _build(engine, OUR_POSTGRES, HERE / "postgres")


def _weaviate(engine: Engine) -> str:
    if engine.can_pull(WEAVIATE):
        return WEAVIATE
    with tempfile.TemporaryDirectory() as context:
        server = find_server()
        assert isinstance(server, Path), "a registry that serves this image would have been taken above"
        shutil.copytree(HERE / "weaviate", context, dirs_exist_ok=True)
        shutil.copy2(server, Path(context) / "weaviate-server")
        return _build(engine, OUR_WEAVIATE, Path(context))


def build_swatchbook(engine: Engine, variant: str = "light") -> str:
    """The name of this checkout's image, built as `make up` does: a second where only code has changed."""
    name = f"{SWATCHBOOK}:{variant}"
    given = [f"--build-arg=BASE_IMAGE={base(engine)}", f"--build-arg=VARIANT={variant}"]
    given += [f"--secret=id=ca,src={bundle}" for bundle in certificates().values()]
    engine.run("build", "--quiet", *given, f"--tag={name}", ROOT)
    return name


def _bootstrap(engine: Engine) -> None:
    """A minimal Debian with Python 3.11, from this machine's own mirror."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        included = "--include=ca-certificates,python3,python3-venv"
        _call("debootstrap", "--variant=minbase", included, SUITE, root, *_mirror())
        left_out = [f"--exclude=./{path}" for path in ("dev", "proc", "sys", "var/cache/apt", "var/lib/apt/lists")]
        _call("tar", "--create", f"--file={folder}/base.tar", f"--directory={root}", *left_out, ".")
        engine.run("import", f"{folder}/base.tar", OUR_BASE)


def _mirror() -> list[str]:
    targets = ["apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages", f"Codename: {SUITE}"]
    done = subprocess.run(targets, capture_output=True, text=True, check=False)
    return done.stdout.split()[:1]


def _build(engine: Engine, name: str, folder: Path) -> str:
    engine.run("build", "--quiet", f"--build-arg=BASE_IMAGE={base(engine)}", f"--tag={name}", folder)
    return name


def _call(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}:\n{(done.stderr or done.stdout)[-4000:]}")


def certificates() -> Mapping[str, str]:
    """For `make up`: whom this machine trusts, as what it fetches may come by a proxy that only it knows."""
    return {"CA_BUNDLE": os.fspath(_CERTIFICATES)} if _CERTIFICATES.is_file() else {}
