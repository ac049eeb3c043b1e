"""Mends are reverted in a history that the test writes, and judged by the tests of its last commit."""

import json
import subprocess
from pathlib import Path

import pytest

from devtools.reverted_mends import main

HALVES = "def half(n):\n    return n {} 2\n"
TEST = "from swatchbook.{name} import {of}\n\n\ndef test_{name}():\n    assert {of}({given}) == {wanted}\n"


def commit(root: Path, subject: str, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    for command in (["add", "."], ["-c", "user.name=t", "-c", "user.email=t", "commit", "-q", "-m", subject]):
        subprocess.run(["git", *command], cwd=root, check=True)


def write_history(root: Path) -> None:
    """Six mends: no test sees the second, the code of the third is gone, a server's test sees the fourth, the fifth
    only adds a docstring, and other code uses the last.
    """
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    commit(
        root,
        "Begin",
        {
            "pyproject.toml": "[tool.mypy]\npackages = ['swatchbook']\n",
            "swatchbook/__init__.py": "",
            "swatchbook/halves.py": HALVES.format("/"),
            "swatchbook/names.py": "def clean(name):\n    return name\n",
            "swatchbook/sums.py": "def total(a):\n    return a[0]\n",
        },
    )
    halves = TEST.format(name="halves", of="half", given=7, wanted=3)
    names = TEST.format(name="names", of="clean", given="'a '", wanted="'a'")
    sums = TEST.format(name="sums", of="total", given="[1, 2]", wanted=3)
    commit(root, "A half is never a fraction", {"swatchbook/halves.py": HALVES.format("//"), "tests/test_h.py": halves})
    clean = "def clean(name):\n    return name.strip()\n"
    commit(root, "No blank ends a name", {"swatchbook/names.py": clean, "tests/test_n.py": names})
    whole = "def total(a):\n    return sum(a)\n"
    commit(root, "No number is lost", {"swatchbook/sums.py": whole, "tests/test_s.py": sums})
    signs = TEST.format(name="signs", of="sign", given="'x'", wanted="'x.'").replace("def t", "@mark.stack\ndef t")
    commit(root, "Sign", {"swatchbook/signs.py": "def sign(name):\n    return name\n"})
    signed = {
        "swatchbook/signs.py": "def sign(name):\n    return name + '.'\n",
        "tests/test_g.py": f"from pytest import mark\n{signs}",
    }
    commit(root, "No sign is lost", signed)
    tops = {"swatchbook/signs.py": '"""Signs."""\n\n', "tests/test_g.py": "# of signs\n"}
    commit(root, "No sign without its words", {name: tops[name] + text for name, text in signed.items()})
    rounded = {"swatchbook/rounded.py": "def near(n):\n    return round(n)\n", "tests/test_r.py": "import swatchbook\n"}
    commit(root, "Round", {"swatchbook/rounded.py": "def _near(n):\n    return int(n)\n"})
    commit(root, "A half is not cut", rounded)
    subprocess.run(["git", "mv", "swatchbook/halves.py", "swatchbook/parts.py"], cwd=root, check=True)
    commit(
        root,
        "Rename the module of halves, weaken the test of names, and count in floats",
        {
            "tests/test_h.py": halves.replace("swatchbook.halves", "swatchbook.parts"),
            "tests/test_n.py": names.replace("== 'a'", "!= 'b'"),
            "swatchbook/user.py": "from swatchbook.rounded import near as near\n",
            "swatchbook/sums.py": "import math\n\n\ndef total(a):\n    return math.fsum(a)\n",
        },
    )


@pytest.mark.nightly
def test_mends_are_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # importing them takes longer than these tests
    write_history(tmp_path)
    assert main(["3", "--json"], tmp_path) == 1
    outcomes = {row["mend"]: (row["outcome"], row["test"]) for row in json.loads(capsys.readouterr().out)}
    assert outcomes == {
        "A half is never a fraction": ("caught", "tests/test_h.py::test_halves"),
        "No blank ends a name": ("not caught", ""),
        "No number is lost": ("does not apply", ""),
        "No sign is lost": ("needs --stack", ""),
        "No sign without its words": ("does not apply", ""),
        "A half is not cut": ("does not fit", "mypy"),
    }
    assert not list(tmp_path.glob(".git/worktrees/*"))
