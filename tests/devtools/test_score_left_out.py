"""The whole discovery is scored with weights that do not know the document."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from devtools.fit_products import fit
from devtools.measured_groups import FEATURES, load
from devtools.score_left_out import fit_without, main
from samples.generate import BUILD, build
from tests.tables import rows_of

ROOT = Path(__file__).parents[2]
KEPT = rows_of(__file__, "kept")


@pytest.fixture
def features(tmp_path: Path) -> Path:
    folder = tmp_path / "features"
    folder.mkdir()
    for name in KEPT:
        shutil.copy(ROOT / FEATURES / f"{name}.json", folder)
    return folder


def test_weights_do_not_know_the_document_that_is_left_out(features: Path) -> None:
    documents = load(features)
    without = fit_without("cantoni", documents)
    assert without.features == fit([d for d in documents if d.name != "cantoni"]).features
    assert without.features != fit(documents).features
    assert without.right.keys() > {"relation", "chosen"}


def test_summary_says_f1_and_precision_of_catalogues(
    features: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = build(BUILD, small=True)
    truth = {"sha256": "0" * 64, "slug": "small"} | json.loads(path.with_suffix(".truth.json").read_text())
    (tmp_path / "generated-small.json").write_text(json.dumps(truth))
    shutil.copy(path, tmp_path / "generated-small.pdf")
    arguments = [str(tmp_path), str(tmp_path), "--features", str(features), "--keep", str(tmp_path / "kept")]
    monkeypatch.setattr(sys, "argv", ["score_left_out", *arguments])
    main()
    said = capsys.readouterr().out
    assert "F1, 1 catalogues: mean" in said
    assert "0 of 0 other documents yield nothing" in said
    assert "expected calibration error of products" in said
    assert "of documents " in said
