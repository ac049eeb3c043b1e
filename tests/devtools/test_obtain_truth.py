"""Labelled files come out of any repository at their commit, and only with their SHA-256."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from devtools.obtain_truth import obtain
from swatchbook.domain.records import sha256


@pytest.fixture
def label(tmp_path: Path) -> dict[str, Any]:
    """A label of a file that a later commit of its repository has replaced."""
    repository = tmp_path / "host" / "maker" / "site"
    (repository / "public").mkdir(parents=True)
    commits = []
    for content in (b"%PDF first", b"%PDF second"):
        (repository / "public/list.pdf").write_bytes(content)
        for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "a catalogue"]):
            subprocess.run(
                ["git", "-C", repository, "-c", "user.name=maker", "-c", "user.email=maker@example.com", *words],
                check=True,
            )
        head = subprocess.run(["git", "-C", repository, "rev-parse", "HEAD"], capture_output=True, check=True)
        commits.append(head.stdout.decode().strip())
    source = {"repo": "maker/site", "path": "public/list.pdf", "commit": commits[0]}
    return {"source": source, "sha256": sha256(b"%PDF first")}


@pytest.mark.needs("git")
def test_only_the_file_of_the_label_is_obtained(label: dict[str, Any], tmp_path: Path) -> None:
    to = tmp_path / "list.pdf"
    assert "SHA-256 differs" in (obtain(label | {"sha256": "0" * 64}, f"{tmp_path}/host", to) or "")
    assert "nowhere" in (obtain(label, "nowhere", to) or "")
    assert not to.exists()
    to = tmp_path / "list.pdf"
    assert obtain(label, f"{tmp_path}/host", to) is None
    assert to.read_bytes() == b"%PDF first"
    assert obtain(label, "nowhere", to) is None, "it is there already"
