"""A person's word on a picture, after whatever was said of it before."""

import pytest

from swatchbook.errors import Configuration, InvalidReference
from swatchbook.judging import Verdict
from swatchbook.lab import Lab, open_lab
from swatchbook.ledger import reviews
from swatchbook.ledger.reviews import Pictured, Review
from swatchbook.ledger.tables import images
from swatchbook.records import text_key
from swatchbook.review import accept, correct_picture, documents_to_review, reject
from swatchbook.settings import load_settings
from tests.ledger.scene import one
from tests.ledger.test_reviews import REVIEWER, image, saying, weak, write


@pytest.fixture
def lab(lab: Lab) -> Lab:
    """With one weak picture, of oak."""
    weak(lab.ledger, "oak")
    return lab


def picture(lab: Lab) -> Pictured:
    return reviews.find(lab.ledger, image("oak"))


def text_of(lab: Lab) -> str | None:
    text: str | None = one(lab.ledger, images, id=image("oak"))["text_key"]
    return text


def test_what_is_accepted_after_it_was_rejected_is_what_was_said_last(lab: Lab) -> None:
    corrected = correct_picture(lab, picture(lab), {"material": "bog oak"}, by="eve")
    reject(lab, picture(lab), by="eve", reason="A logo.")
    assert text_of(lab) is None
    again = accept(lab, picture(lab), by="eve")
    assert (again.verdict, again.second) == (Verdict.CORRECTED, corrected.second)
    assert text_of(lab) == text_key("Material: bog oak.")


def test_what_is_corrected_after_it_was_rejected_keeps_the_other_words(lab: Lab) -> None:
    correct_picture(lab, picture(lab), {"material": "bog oak"}, by="eve")
    reject(lab, picture(lab), by="eve", reason="A logo.")
    correct_picture(lab, picture(lab), {"finish": "oiled"}, by="eve")
    assert text_of(lab) == text_key("Material: bog oak. Finish: oiled.")


def as_reviewer(lab: Lab, verdict: Verdict) -> None:
    assert write(lab.ledger, "oak", saying("Material: beech.", verdict)) is not None


def by_nobody(lab: Lab) -> None:
    pass


def by_accepting(lab: Lab) -> None:
    accept(lab, picture(lab), by="eve")


def by_correcting(lab: Lab) -> None:
    correct_picture(lab, picture(lab), {"material": "ash"}, by="eve")


def by_rejecting(lab: Lab) -> None:
    reject(lab, picture(lab), by="eve", reason="A logo.")


@pytest.mark.parametrize("said", [by_nobody, by_accepting, by_correcting, by_rejecting])
@pytest.mark.parametrize("verdict", [Verdict.ACCEPTED, Verdict.CORRECTED, Verdict.UNDECIDED])
def test_the_second_look_can_be_taken_whatever_was_said_since(lab: Lab, verdict: Verdict, said: object) -> None:
    as_reviewer(lab, verdict)
    assert callable(said)
    said(lab)
    taken = accept(lab, picture(lab), by="eve", second=True)
    assert (taken.verdict, taken.second) == (Verdict.CORRECTED, REVIEWER)
    assert text_of(lab) == text_key("Material: beech.")


def test_without_a_second_look_there_is_none_to_take(lab: Lab) -> None:
    correct_picture(lab, picture(lab), {"material": "ash"}, by="eve")
    with pytest.raises(InvalidReference, match="no second analysis"):
        accept(lab, picture(lab), by="eve", second=True)


def test_a_score_never_changes_without_a_reason(lab: Lab) -> None:
    as_reviewer(lab, Verdict.UNDECIDED)
    written = list[Review]()
    for say in (
        lambda: accept(lab, picture(lab), by="eve", second=True),
        lambda: accept(lab, picture(lab), by="eve"),
        lambda: reject(lab, picture(lab), by="eve", reason="A logo."),
        lambda: accept(lab, picture(lab), by="eve"),
        lambda: correct_picture(lab, picture(lab), {}, by="eve", text=""),
    ):
        written.append(say())
    assert [(review.score_before, review.score_after, len(review.reasons)) for review in written] == [
        (0.5, 0.8, 2), (0.8, 0.8, 0), (0.8, 0.5, 1), (0.5, 0.8, 2), (0.8, 0.8, 1),
    ]  # fmt: skip
    assert written[0].reasons == written[3].reasons == ("material: nothing → Material: beech.", "score: 0.50 → 0.80")


def test_what_the_review_model_lacks_is_said_before_anything_is_begun(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWATCHBOOK_REVIEW_MODEL", "stronger")
    with open_lab(load_settings()) as other, pytest.raises(Configuration, match="REVIEW_URL is not set"):
        documents_to_review(other)
