"""The public benchmark of catalogues: what it reads, what counts as zero, and its leaderboard."""

import json
import sys
from pathlib import Path

import pytest

from benchmarks.board_command import BOARD, SCORES
from benchmarks.catalogues.__main__ import main
from benchmarks.catalogues.answers import SystemAnswers, from_answer, to_answer
from benchmarks.catalogues.leaderboard import make_board
from benchmarks.catalogues.scores import read_scores, score_document
from benchmarks.catalogues.splits import HERE, LABELS, SPLITS, page_boxes, truths_of
from benchmarks.catalogues.systems.docling_document import elements_of
from benchmarks.catalogues.systems.rules import make_products
from devtools.evaluation.facts import FieldScore
from devtools.evaluation.score import score
from devtools.evaluation.truth import Truth
from devtools.score_products import run_stages
from samples.generate import BUILD, build


def answers(**documents: object) -> dict[str, object]:
    return {"system": "mine", "about": "a test", "seen": {"aside": "unseen"}, "documents": documents}


@pytest.mark.nightly
def test_swatchbook_scores_the_same_through_the_format() -> None:
    path = build(BUILD, small=True)
    labels = json.loads(path.with_suffix(".truth.json").read_text())
    small = Truth.model_validate({"sha256": "0" * 64, "slug": "small"} | labels)
    oak = small.products[0].model_copy(update={"metadata": {"price": "€ 82.50"}})
    small = small.model_copy(update={"products": (oak, *small.products[1:])})
    direct = run_stages(path, links=True, facts=True)
    through = to_answer(from_answer(direct), direct.page_boxes)
    expected, found = score(small, direct), score(small, through)
    assert (found.f1, found.said, found.neutral) == (expected.f1, expected.said, expected.neutral)
    assert found.links.hit == expected.links.hit != ()
    assert found.links.judged == expected.links.judged
    prices = [[each for each in one.facts.fields if each.field == "price"] for one in (expected, found)]
    assert prices[0] == prices[1] == [FieldScore(field="price", labels=1, hits=1, said=1, right=1)]


def test_all_labels_have_the_sizes_of_their_pages() -> None:
    pages = {name: len(boxes) for name, boxes in page_boxes().items()}
    labelled = {
        file.stem: json.loads(file.read_text())["pages"] for split in SPLITS for file in (LABELS / split).glob("*.json")
    }
    assert pages == labelled


def test_documents_without_an_answer_are_zero_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sakes, given = {"products": [{"name": "Nerizake", "page": 2}]}, tmp_path / "answers.json"
    given.write_text(json.dumps(answers(**{"l-sakes": sakes, "l-nowhere": {"products": []}})))
    monkeypatch.setattr(sys, "argv", ["catalogues", "score", str(given), "--board", str(tmp_path)])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 0
    told = capsys.readouterr().err.splitlines()
    assert told[0] == "mine: no split has these documents, which are ignored: l-nowhere"
    assert told[1].startswith("mine: aside counts as zero without an answer: l-bettawave, ")
    kept = read_scores(tmp_path / SCORES / "mine.json").splits["aside"].documents
    assert {name for name, one in kept.items() if one.answered} == {"l-sakes"}
    assert len(kept) == len(truths_of("aside"))
    assert (kept["l-sakes"].precision, kept["l-sakes"].recall) == (1.0, 0.2)
    assert sum(one.f1 for one in kept.values()) == kept["l-sakes"].f1


def test_other_document_without_an_answer_is_not_right() -> None:
    said = SystemAnswers.model_validate(answers(**{"neg-l-diyet": {"products": []}})).documents
    truth = truths_of("aside")["neg-l-diyet"]
    assert [score_document(truth, answer).f1 for answer in (None, said["neg-l-diyet"])] == [0.0, 1.0]


def test_prices_and_pictures_of_found_products_count() -> None:
    (label,) = [p for p in truths_of("aside")["l-leora"].products if p.metadata and "price" in p.metadata][:1]
    said = {"name": label.name, "page": label.first_page, "price": label.metadata and label.metadata["price"]}
    document = SystemAnswers.model_validate(answers(**{"l-leora": {"products": [said]}})).documents["l-leora"]
    fields = {each.field: each for each in score_document(truths_of("aside")["l-leora"], document).fields}
    assert (fields["price"].said, fields["price"].right) == (1, 1)


def test_leaderboard_is_that_of_the_scores() -> None:
    systems = [read_scores(file) for file in sorted((HERE / SCORES).glob("*.json"))]
    assert {"swatchbook", "swatchbook-taught", "pymupdf4llm-rules"} <= {one.system for one in systems}
    assert (HERE / BOARD).read_text() == make_board(systems), "run `python -m benchmarks.catalogues table`"


def test_docling_document_gives_its_products() -> None:
    document = json.loads((Path(__file__).parent / "docling_document.json").read_text())
    found = make_products(elements_of(document)).products
    assert [(p.name, p.page, p.price, p.code) for p in found] == [
        ("Oslo 12", 1, "149 €", "OS-1200"),
        ("Bergen 4", 1, "99,50 €", None),
        ("Stool A", 2, "1.250", None),
        ("Stool B", 2, "980,00", None),
    ]
    assert [[picture.box for picture in p.pictures] for p in found[:2]] == [
        [(50, 100, 250, 290)],
        [(350, 100, 550, 290)],
    ]
