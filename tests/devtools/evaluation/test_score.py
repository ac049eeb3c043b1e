"""When a product is found, at which grain, and when a picture is linked rightly; what a change won and lost."""

from typing import Any

import pytest

from devtools.evaluation.facts import values_agree
from devtools.evaluation.likeness import likeness
from devtools.evaluation.links import Placed, SaidLink
from devtools.evaluation.score import Answer, Score, score
from devtools.evaluation.summary import compare, summarise
from devtools.evaluation.truth import Truth
from devtools.score_facts import table
from swatchbook.domain.records import Fact, Product, Variant
from swatchbook_base.geometry import Box
from tests.tables import check_rows

A4: Box = (0, 0, 595, 842)


def truth(*products: dict[str, Any], sha256: str = "a" * 64, **fields: Any) -> Truth:
    labels = [{"id": p["name"], "first_page": 1, "last_page": 1} | p for p in products]
    return Truth.model_validate({"slug": "chairs", "sha256": sha256, "products": labels} | fields)


def answer(
    *names: str, page: int = 1, placements: dict[str, Placed] | None = None, links: tuple[tuple[str, str], ...] = ()
) -> Answer:
    said = [
        Product(
            id=name, name=name, category=None, code=None, variants=(), first_page=page, last_page=page, pages=(page,),
            metadata={}, confidence=1, evidence=(),
        )
        for name in names
    ]  # fmt: skip
    return Answer(said, placements or {}, [SaidLink(*link) for link in links], {1: A4, 2: A4})


def test_names_and_values_agree_by_letters_and_digits() -> None:
    check_rows(__file__, "names", lambda said, labelled: likeness(said, labelled) > 0)
    check_rows(__file__, "values", lambda field, said, labelled: values_agree(field, labelled, said))


def test_product_is_matched_once_by_any_name() -> None:
    labels = truth({"name": "Rado", "category": "One piece", "code": "A-17"}, {"name": "Oslo", "also": ["Oslo 2"]})
    for names in (("Rado", "Oslo"), ("One piece Rado", "Oslo 2"), ("A-17", "OSLO"), ("Rado A-17", "Oslo")):
        assert score(labels, answer(*names)).f1 == 1, names
    twice = score(labels, answer("Rado", "One piece Rado"))
    assert (twice.found, twice.missed, twice.wrong) == (("1 Rado",), ("1 Oslo",), ("1 One piece Rado",))
    assert (twice.precision, twice.recall) == (0.5, 0.5)
    assert score(labels, answer("Rado", "Oslo", page=2)).found == ()
    assert score(truth(), answer()).f1 == 1
    assert score(truth(), answer("Our services")).f1 == 0


def test_another_accepted_grain_is_neither_found_nor_wrong() -> None:
    labels = truth(
        {"name": "Trio 22", "parts": ["1. Handrail"], "category": "Railings"},
        families=[{"name": "Railings", "pages": [1, 2]}],
    )
    fine = score(labels, answer("Trio 22", "Railings", "2) Handrail"))
    assert (fine.said, fine.neutral, fine.precision, fine.family_f1) == (3, 2, 1, 1)
    coarse = score(labels, answer("Railings"))
    assert (coarse.f1, coarse.family_f1, coarse.wrong) == (0, 1, ())


def test_families_and_variants_are_scored_by_labels() -> None:
    labels = truth(
        {"name": "Trio 22", "category": "Railings", "variants": ["Sand", "Clay"], "parts": ["Foot"]},
        {"name": "Duo 22", "category": "Railings"},
        {"name": "Solo", "category": "Poles (not printed)"},
        families=[{"name": "Duo", "pages": [1, 1]}],
    )
    said = answer("Trio 22", "Duo 22", "Solo")
    changes = [
        {"family": "RAILINGS", "variants": tuple(Variant(name=name) for name in ("sand", "Foot", "Rust"))},
        {"family": "Trio", "variants": (Variant(name="Moss"),)},
        {},
    ]
    products = [product.model_copy(update=change) for product, change in zip(said.products, changes, strict=True)]
    grain = score(labels, said._replace(products=products)).grain
    assert (grain.in_family, grain.families_said, grain.families_right) == (3, 2, 1)
    assert (grain.variants, grain.variants_said, grain.variants_right) == (3, 3, 2)


@pytest.fixture
def labelled_pictures() -> Truth:
    return truth(
        {"name": "Rado"},
        {"name": "Oslo"},
        image_links=[
            {"page": 1, "product": "Rado", "image_hint": {"bbox": [100, 100, 300, 300], "xref": 7}},
            {"page": 1, "product": "Oslo", "image_hint": {"bbox": [400, 100, 800, 300], "xref": 8}},
        ],
        image_traps=[{"page": 1, "image_hint": {"bbox": [0, 0, 595, 842], "xref": 9}}],
        all_product_images=2,
    )


def test_picture_is_labelled_by_box_or_object(labelled_pictures: Truth) -> None:
    placed: list[tuple[Box, int | None, bool]] = [
        ((103, 97, 303, 297), None, True),  # each side is near
        ((100, 100, 300, 240), None, True),  # more than half of both
        ((100, 100, 180, 180), None, False),  # a small part: some other picture
        ((100, 100, 180, 180), 7, True),  # the part that is seen of the labelled image object
        ((0, 0, 595, 842), None, False),  # a raster of the page is not each of its goods, and here a trap
    ]
    for bbox, xref, is_right in placed:
        answered = answer("Rado", "Oslo", placements={"x": Placed(1, bbox, xref)}, links=(("x", "Rado"),))
        links = score(labelled_pictures, answered).links
        assert (links.right, links.precision, links.recall) == (int(is_right), float(is_right), is_right / 2), bbox
        assert links.trapped == (bbox == A4)


def test_picture_counts_only_for_its_product(labelled_pictures: Truth) -> None:
    placements = {"x": Placed(1, (400, 100, 595, 300), None)}
    for target, right in (("Oslo", 1), ("Rado", 0)):
        links = score(labelled_pictures, answer("Rado", "Oslo", placements=placements, links=(("x", target),))).links
        assert links.right == right
    lacking = score(labelled_pictures, answer("Rado", placements=placements, links=(("x", "Rado"),)))
    assert (lacking.links.labels, lacking.links.labels_of_found) == (2, 1)


def test_links_are_judged_only_where_labels_decide(labelled_pictures: Truth) -> None:
    placements = {
        "own": Placed(1, (100, 100, 300, 300), None),
        "of Oslo": Placed(1, (400, 100, 800, 300), None),
        "unlabelled": Placed(1, (100, 400, 300, 600), None),
    }
    said = [SaidLink(name, "Rado", "photo") for name in placements] + [SaidLink("own", "Lund"), SaidLink("own", "Oslo")]
    answered = answer("Rado", "Lund")._replace(placements=placements, links=said)
    links = score(labelled_pictures, answered).links
    assert (links.said, links.judged, links.right) == (5, 3, 1)
    assert (links.precision_of_found, links.recall_of_found, links.recall) == (pytest.approx(1 / 3), 1, 0.5)
    assert links.wrong == ("1 Rado at 400 100 800 300", "1 Rado at 100 400 300 600")
    for not_all in ("those of page 1", False, None):
        some = labelled_pictures.model_copy(update={"all_product_images": not_all})
        assert score(some, answered).links.judged == 2  # of the unlabelled picture nothing is known


def test_roles_are_those_of_right_links() -> None:
    labels = truth(
        {"name": "Rado"},
        image_links=[
            {"page": 1, "product": "Rado", "role": role, "image_hint": {"bbox": [x, 0, x + 90, 90]}}
            for x, role in ((0, "photo"), (100, "drawing"), (200, "scene"))
        ],
    )
    placements = {str(x): Placed(1, (x, 0, x + 90, 90), None) for x in (0, 100, 200)}
    said = [SaidLink("0", "Rado", "photo"), SaidLink("100", "Rado", "photo"), SaidLink("200", "Rado")]
    answered = answer("Rado")._replace(placements=placements, links=said)
    scored = score(labels, answered)
    assert scored.links.confusion == {"drawing": {"photo": 1}, "photo": {"photo": 1}, "scene": {"none": 1}}
    assert scored.links.right_roles == pytest.approx(1 / 3)


def test_summary_tells_catalogues_from_others() -> None:
    def scored(sha256: str, *said: str) -> Score:
        return score(truth({"name": "Rado"}, {"name": "Oslo"}, sha256=sha256 * 64), answer(*said))

    scores = [scored("a", "Rado", "Oslo"), scored("b", "Rado"), scored("c"), score(truth(), answer("Us", "Team"))]
    summary = summarise(scores)
    assert (summary.catalogues, summary.f1_floor, summary.at_zero) == (3, 0, ("chairs",))
    assert summary.f1_median == pytest.approx(2 / 3)
    assert summary.f1_mean == pytest.approx(5 / 9)
    assert (summary.precision, summary.recall) == (1, 0.5)
    assert (summary.others, summary.others_with_products) == (1, ("chairs: 2",))
    assert summarise([]).f1_mean is None


def test_confidence_in_answers_is_compared_with_their_quality() -> None:
    labels = truth({"name": "Rado"}, {"name": "Oslo"})
    good, bad = answer("Rado", "Oslo")._replace(sure=0.9), answer("Rado")._replace(sure=0.9)
    silent, loud = answer()._replace(sure=0.2), answer("Team")._replace(sure=0.2)
    scores = [score(labels, good), score(labels, bad), score(truth(), silent), score(truth(), loud)]
    assert [each.is_good for each in scores] == [True, False, True, False]
    summary = summarise(scores)
    assert summary.sure_error == pytest.approx((0.8 + 0.6) / 4)
    assert summary.sure_brier == pytest.approx((0.01 + 0.81 + 0.64 + 0.04) / 4)
    assert summarise([score(labels, answer("Rado"))]).sure_brier is None


def test_a_change_is_told_by_name() -> None:
    labels = truth({"name": "Rado"}, {"name": "Oslo"}, {"name": "Bergen"})
    (change,) = compare(
        [score(labels, answer("Rado", "Price", "Oslo"))], [score(labels, answer("Bergen", "Oslo", "Size"))]
    )
    assert (change.won, change.lost) == (("1 Bergen",), ("1 Rado",))
    assert (change.newly_wrong, change.no_longer_wrong) == (("1 Size",), ("1 Price",))
    same = [score(labels, answer("Rado"))]
    assert compare(same, same) == ()
    assert compare([], same) == ()


def described(code: str | None = None, **metadata: str) -> Answer:
    (rado,) = answer("Rado").products
    return Answer([rado.model_copy(update={"code": code, "metadata": metadata})], {}, (), {})


def test_metadata_of_found_products_is_scored_by_value() -> None:
    labels = truth(
        {"name": "Rado", "metadata": {"price": "€ 1.299,00", "dimensions": "60 x 120 cm", "colors": ["sand", "slate"]}},
        {"name": "Oslo", "metadata": {"price": "€ 10", "weight": "3 kg"}},
        {"name": "Bergen"},
    )
    said = described(code="R-1", price="1 299 EUR", size="60×120 cm; 6.0 cm", color="Slate", weight="4 kg", mood="calm")
    facts = score(labels, said).facts
    assert {field.field: (field.labels, field.hits, field.said, field.right) for field in facts.fields} == {
        "code": (0, 0, 1, 0),  # always judged: nobody sees one
        "color": (2, 1, 1, 1),
        "dimensions": (1, 1, 2, 1),  # what is said as a size
        "price": (1, 1, 1, 1),
        "weight": (0, 0, 1, 0),  # judged since it is labelled elsewhere in this catalogue; "mood" is not
    }
    assert (facts.total.precision, facts.total.recall) == (3 / 6, 3 / 4)
    assert facts.missed == ("1 Rado color: sand",)
    assert facts.wrong == ("1 Rado code: R-1", "1 Rado dimensions: 6.0 cm", "1 Rado weight: 4 kg")


def test_category_and_variants_are_judged_where_labelled() -> None:
    labels = truth(
        {"name": "Rado", "category": "Lamps", "variants": ["sand", "slate"]},
        {"name": "Oslo", "category": "(not printed)"},
    )
    (rado,) = described().products
    variants = tuple(Variant(name=name) for name in ("Sand", "oak"))
    rado = rado.model_copy(update={"category": "Chairs", "variants": variants})
    scored = score(labels, Answer([rado, rado.model_copy(update={"id": "2", "name": "Oslo"})], {}, (), {}))
    assert list(table([scored])) == [
        "| catalogue | code | price | size | variants | category |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
        "| chairs | – | – | – | 1/1/1 | 0/1/1 |",
        "| all | 0/0/0 | 0/0/0 | 0/0/0 | 1/1/1 | 0/1/1 |",
    ]


def test_specifications_are_compared_with_facts_under_free_labels() -> None:
    labels = truth({"name": "Rado", "metadata": {"weight": "4 kg", "specifications": ["Output: 5 l", "Stroke: 2 cm"]}})
    facts = (fact("output", "Output", "5 l"), fact("mood", "Mood", "calm"), fact("weight", "Weight", "4 kg"))
    (rado,) = described(weight="4 kg", output="5 l", mood="calm").products
    scored = score(labels, Answer([rado.model_copy(update={"facts": facts})], {}, (), {})).facts
    assert scored.missed == ("1 Rado specifications: Stroke: 2 cm",)
    assert scored.wrong == ("1 Rado specifications: Mood: calm",)


def fact(key: str, label: str, value: str) -> Fact:
    return Fact(key=key, label=label, value=value, page=1, bbox=None, rule="label")


def test_value_agrees_with_parts_of_its_text() -> None:
    labels = truth(
        {"name": "Rado", "metadata": {"packaging": "Poche 150 g, boîte 350 g", "weight": "3 kg"}},
        {"name": "Oslo", "metadata": {"weight": "Tubo de 70 g"}},
    )
    (rado,) = described(packaging="Poche 150 g; boîte 350 g").products
    (oslo,) = described(packaging="Tubo de 70 g; Tubo de 80 g").products
    oslo = oslo.model_copy(update={"id": "2", "name": "Oslo"})
    facts = score(labels, Answer([rado, oslo], {}, (), {})).facts
    assert facts.missed == ("1 Rado weight: 3 kg",)
    assert facts.wrong == ("1 Oslo packaging: Tubo de 80 g",)
