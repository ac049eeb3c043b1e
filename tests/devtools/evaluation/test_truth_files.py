"""The labels in tests/truth/tuning are consistent: a result that says just what they say scores 1."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from devtools.evaluation.links import Placed, SaidLink
from devtools.evaluation.score import Answer, score
from devtools.evaluation.truth import Truth, read_truths
from swatchbook.domain.records import Product
from tests.fixtures import ROOT

FILES = sorted((ROOT / "tests/truth/tuning").glob("*.json"))
PAGE_KINDS = {
    *("cover", "contents", "text", "products", "products_continued", "table"),
    *("scene", "divider", "contact", "back", "blank"),
}
ROLES = {"photo", "variant", "drawing", "detail", "scene"}


def answer_of(truth: Truth) -> Answer:
    links = [(f"{n}", link) for n, link in enumerate(truth.image_links) if link.bbox and link.image_hint]
    return Answer(
        products=[
            Product(
                id=label.id, name=label.name, category=label.category, code=label.code, variants=(),
                first_page=label.first_page, last_page=label.last_page, pages=(label.first_page,), metadata={},
                confidence=1, evidence=(),
            )
            for label in truth.products
        ],
        placements={n: Placed(link.page, link.bbox, None) for n, link in links if link.bbox},
        links=[SaidLink(n, link.product, link.role) for n, link in links if link.product],
        page_boxes={},
    )  # fmt: skip


def test_catalogues_and_other_documents_are_counted() -> None:
    truths = read_truths([ROOT / "tests/truth/tuning"])
    assert Counter(bool(truth.products) for truth in truths) == {True: 116, False: 35}
    assert [truth.slug for truth in truths] == [file.stem for file in FILES]
    labels = [json.loads(file.read_text()) for file in FILES]
    assert sum("page_kinds" in label and bool(label["products"]) for label in labels) == 87


def test_labels_agree_with_themselves() -> None:
    for file in FILES:
        check_labels(file)


def check_labels(file: Path) -> None:
    (truth,) = read_truths([file])
    label: dict[str, Any] = json.loads(file.read_text())
    ids = [product.id for product in truth.products]
    assert len(ids) == len(set(ids))
    assert all(1 <= p.first_page <= p.last_page <= label["pages"] for p in truth.products)
    assert {link.product for link in truth.image_links} <= {*ids, None}
    assert label["source"].keys() >= {"repo", "path", "commit"}
    if "page_kinds" in label:
        assert label["page_kinds"].keys() == {str(number) for number in range(1, label["pages"] + 1)}
        assert set(label["page_kinds"].values()) <= PAGE_KINDS
        assert {link["role"] for link in label["image_links"]} <= ROLES
        described = [product for product in label["products"] if "metadata" in product]
        assert bool(described) == bool(label["products"])
    perfect = score(truth, answer_of(truth))
    assert (perfect.f1, perfect.exact_pages, perfect.missed, perfect.wrong) == (
        1.0, float(bool(ids)), (), ()
    )  # fmt: skip
    on_page = Counter((product.first_page, product.name) for product in truth.products)
    twins = {f"{page} {name}" for (page, name), count in on_page.items() if count > 1}
    """Equal names on a page, of two categories: which is which is not decided by the category."""
    missed = {text.partition(" at ")[0] for text in perfect.links.missed}
    assert missed <= twins | {f"{link.page} None" for link in truth.image_links if not link.product}
