"""What people give by mistake, through the real command: a clear error that says what to do, and the right status."""

import os
import shutil
import subprocess
from pathlib import Path

import pymupdf
import pytest

from tests.command import SWATCHBOOK, attempt, run, run_json
from tests.servers.halfway import fill
from tests.tables import rows_of

FAILED, USAGE = 1, 2
NOBODY = 65534


@pytest.fixture(autouse=True)
def server(prefect_server: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", prefect_server)


def blank(pages: int, path: Path, **save: object) -> Path:
    with pymupdf.open() as pdf:
        for _ in range(pages):
            pdf.new_page()
        pdf.save(path, **save)
    return path


def write_bad(path: Path) -> Path:
    match path.stem:
        case "notes":
            path.write_text("Dear reader, this is no PDF.")
        case "empty":
            path.touch()
        case "huge":
            with path.open("wb") as file:
                file.write(b"%PDF-1.7\n")
                file.truncate(300 << 20)  # sparse
        case "pageless":
            path.write_bytes(
                b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n"
                b"trailer<</Root 1 0 R/Size 3>>\n%%EOF\n"
            )
        case "long":
            blank(5_000, path)
        case "locked":
            blank(1, path, encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw="secret", owner_pw="owner")
        case "cut":
            whole = blank(30, path).read_bytes()
            path.write_bytes(whole[: len(whole) // 40])
    return path


@pytest.mark.parametrize(("stem", "expected", "says"), rows_of(__file__, "files"))
@pytest.mark.gate
def test_bad_file_is_a_clear_error(stem: str, expected: int, says: str, tmp_path: Path) -> None:
    status, out, err = attempt("ingest", str(write_bad(tmp_path / f"{stem}.pdf")))
    assert status == expected, out + err
    assert says.lower() in " ".join((out + err).lower().split())
    assert "Traceback" not in out + err


def as_stranger(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command by a user whom file modes bind: root gives up its right to pass them over."""
    bound = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"]
    return subprocess.run(
        [*(bound if os.geteuid() == 0 else []), SWATCHBOOK, *arguments],
        env={**os.environ, **environment}, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def give_away(path: Path, mode: int) -> None:
    path.chmod(mode)
    if os.geteuid() == 0:
        os.chown(path, NOBODY, NOBODY)


def test_file_without_read_permission_is_a_clear_error(tmp_path: Path, small_catalogue: Path) -> None:
    secret = Path(shutil.copy(small_catalogue, tmp_path / "secret.pdf"))
    give_away(secret, 0o600 if os.geteuid() == 0 else 0)
    done = as_stranger("ingest", str(secret))
    assert done.returncode in {FAILED, USAGE}, done.stdout + done.stderr
    assert "permission denied" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_home_without_the_right_to_write_says_so(tmp_path: Path, small_catalogue: Path) -> None:
    home = tmp_path / "theirs"
    home.mkdir()
    give_away(home, 0o555)
    done = as_stranger("ingest", str(small_catalogue), SWATCHBOOK_HOME=str(home))
    assert done.returncode == FAILED, done.stdout + done.stderr
    assert "SWATCHBOOK_HOME" in done.stderr
    assert "Traceback" not in done.stderr


def test_home_that_is_a_file_says_so(tmp_path: Path, small_catalogue: Path) -> None:
    home = tmp_path / "home"
    home.touch()
    status, out, err = attempt("ingest", str(small_catalogue), SWATCHBOOK_HOME=str(home))
    assert status == FAILED, out + err
    assert "Set SWATCHBOOK_HOME to a folder" in err
    assert "Traceback" not in out + err


@pytest.mark.stack
@pytest.mark.parametrize("room", [7, 11, 15], ids=["Prefect's database", "pages", "pictures"])
def test_full_disk_is_named_in_one_line(small_disk: Path, small_catalogue: Path, room: int) -> None:
    """`room`: MiB left, so that the disk becomes full while different parts of the home are written."""
    subprocess.run(["mount", "-o", "remount,size=40m", str(small_disk)], check=True)
    there = {"SWATCHBOOK_HOME": str(small_disk / "home"), "PREFECT_API_URL": ""}
    run("status", **there)
    (small_disk / "ballast").write_bytes(bytes((40 - room) << 20))
    status, out, err = attempt("ingest", str(small_catalogue), **there)
    assert status == FAILED, out + err
    assert "Traceback" not in out + err
    assert len((out + err).splitlines()) < 60  # with the account of what is done
    assert "full" in out + err
    fill(small_disk / "more")
    (listed,) = run_json("status", **there)["open"]
    assert listed["status"] == "blocked"
    assert "is full" in listed["message"]
    if room == 7:
        for ballast in ("ballast", "more"):
            (small_disk / ballast).unlink()
        subprocess.run(["mount", "-o", "remount,size=300m", str(small_disk)], check=True)
        run("fill", "failed", listed["id"], **there)
