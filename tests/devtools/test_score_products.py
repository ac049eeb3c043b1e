"""With the names of the labels, a catalogue is scored on what is said of these products alone."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from devtools.score_products import main
from samples.generate import BUILD, build


def test_given_names_are_the_products(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = build(BUILD, small=True)
    truth = {"sha256": "0" * 64, "slug": "small"} | json.loads(path.with_suffix(".truth.json").read_text())
    truth["products"] = truth["products"][1:2]
    (tmp_path / "small.json").write_text(json.dumps(truth))
    shutil.copy(path, tmp_path / "small.pdf")
    monkeypatch.setattr(sys, "argv", ["score_products", str(tmp_path), str(tmp_path), "--given"])
    main()
    assert "F1 1.00  P 1.00  R 1.00    1 found of   1,   1 said" in capsys.readouterr().out
