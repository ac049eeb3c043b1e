"""What two analyses of a picture come to, and what a person puts in their place."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swatchbook.domain.analysis import FIELDS, changes, correct, judge, person_tag, score, understanding_text
from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import Analysis, ColorShare, Verdict


def seen(*colors: str, **said: Any) -> Analysis:
    shares = tuple(ColorShare(name=name, share=0.5) for name in colors)
    return Analysis(**{"confidence": 0.3, "quality": 0.9, "colors": shares, **said})


def test_the_score_is_the_lesser_of_quality_and_confidence() -> None:
    assert score(seen(confidence=0.8, quality=0.2)) == 0.2
    assert score(seen(confidence=0.1, quality=0.7)) == 0.1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (seen(), seen()),
        (seen(material="oak"), seen(material="Oak parquet")),
        (seen(material="oak parquet, brushed"), seen(material="oak")),
        (seen("grey", "white"), seen("light grey")),
        (seen("white", "grey"), seen("grey", "white")),
        (seen(textures=("fine", "matte")), seen(textures=("matte",))),
        (seen(dimensions="60x120 cm"), seen(dimensions="60X120 CM")),
        (seen(contrast="low"), seen(contrast="high")),
    ],
)
def test_what_says_the_same_is_accepted_and_its_score_stays(first: Analysis, second: Analysis) -> None:
    judged = judge(first, second.model_copy(update={"confidence": 0.95}))
    assert (judged.verdict, judged.reasons, judged.score) == (Verdict.ACCEPTED, (), 0.3)


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        (seen(material="oak"), seen(material="beech"), "material: oak → beech"),
        (seen(material="porcelain tile"), seen(material="ceramic tile"), "material: porcelain tile → ceramic tile"),
        (seen(), seen(finish="brushed"), "finish: nothing → brushed"),
        (seen(slip_rating="R10"), seen(), "slip rating: R10 → nothing"),
        (seen("beige"), seen("navy", "white"), "colors: beige → navy, white"),
        (seen(textures=("rough",)), seen(), "textures: rough → nothing"),
        (seen(printed_text="a" * 99), seen(printed_text="b"), f"printed text: {'a' * 59}… → b"),
    ],
)
def test_what_says_something_else_and_is_as_sure_is_used_for_its_reasons(
    first: Analysis, second: Analysis, reason: str
) -> None:
    judged = judge(first, second.model_copy(update={"confidence": 0.8}))
    assert (judged.verdict, judged.score) == (Verdict.CORRECTED, 0.8)
    assert judged.reasons == (reason, "score: 0.30 → 0.80")


def test_what_says_something_else_and_is_less_sure_is_left_to_a_person() -> None:
    judged = judge(seen(material="oak"), seen(material="beech", confidence=0.2))
    assert (judged.verdict, judged.score) == (Verdict.UNDECIDED, 0.3)
    assert judged.reasons[-1] == "it is less sure: 0.20, not 0.30"


def test_a_person_says_some_fields_and_the_rest_stays() -> None:
    grey = ColorShare(name="grey", share=0.6, hex="#808080")
    before = Analysis(material="tile", finish="matt", colors=(grey,), confidence=0.2, quality=0.3)
    after = correct(before, {"material": " oak ", "finish": "", "colors": "white, grey,", "quality": "0.5"})
    assert (after.material, after.finish, after.quality, after.confidence) == ("oak", None, 0.5, 1.0)
    assert after.colors == (ColorShare(name="white", share=0), grey)
    assert correct(before, {"textures": "fine, matte"}).textures == ("fine", "matte")
    assert {field for field in FIELDS if correct(before, {field: "1"}) == correct(before, {})} == set()


@pytest.mark.parametrize("given", [{"colour": "red"}, {"confidence": "1"}, {"quality": "good"}, {"quality": "2"}])
def test_what_nobody_can_say_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(InvalidReference):
        correct(seen(), given)


def test_what_is_recognised_is_no_disagreement_but_its_correction_is_recorded() -> None:
    shoe = seen(recognised=("shoe",))
    assert judge(shoe, seen()).verdict is Verdict.ACCEPTED
    corrected = correct(shoe, {"recognised": "clog, shoe"})
    assert corrected.recognised == ("clog", "shoe")
    assert "recognised: shoe → clog, shoe" in changes(shoe, corrected)


def test_each_correction_has_a_tag_of_its_own() -> None:
    assert person_tag(seen(), "a") == person_tag(seen(), "a") != person_tag(seen(), "b")
    assert person_tag(seen(), "a").startswith("person@")


def test_analysis_reads_as_prose() -> None:
    analysis = Analysis(
        material="porcelain tile",
        colors=(ColorShare(name="white", share=0.7), ColorShare(name="grey", share=0.3)),
        textures=("matte",),
        dimensions="60x120 cm",
        confidence=0.9,
    )
    expected = "Material: porcelain tile. Colors: white, grey. Texture: matte. Dimensions: 60x120 cm."
    assert understanding_text(analysis) == expected


def test_nothing_known_says_nothing() -> None:
    assert understanding_text(Analysis(confidence=0, quality=0.3)) == ""
    assert understanding_text(Analysis(material="  ", printed_text="\n", confidence=0)) == ""


def test_every_field_is_said_in_a_fixed_order() -> None:
    analysis = Analysis(
        material="oak", finish="oiled", textures=("even", "directional"), pattern="grained", contrast="low",
        dimensions="20 mm.", slip_rating="R10", printed_text="ACME\n  Oak", application="floor",
        recognised=("sandal", "shoe"), confidence=1,
    )  # fmt: skip
    assert understanding_text(analysis) == (
        "Recognised: sandal, shoe. "
        "Material: oak. Finish: oiled. Texture: even, directional. Pattern: grained. Contrast: low. "
        "Dimensions: 20 mm. Slip rating: R10. Application: floor. Printed text: ACME Oak."
    )


@given(st.text(max_size=30), st.text(max_size=30))
def test_text_is_one_line_and_depends_on_what_is_known_alone(material: str, printed: str) -> None:
    analysis = Analysis(material=material, printed_text=printed, confidence=0.1)
    text = understanding_text(analysis)
    assert text == " ".join(text.split())
    assert text == understanding_text(analysis.model_copy(update={"confidence": 0.9, "quality": 0.2}))
    assert bool(text) == bool(material.strip(".").strip() or printed.strip())
