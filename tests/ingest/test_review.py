"""A person's word on a picture, after whatever was said of it before."""

import pytest

from swatchbook.domain.errors import Configuration, InvalidReference
from swatchbook.domain.records import Review, ReviewImage, Verdict, text_key
from swatchbook.domain.settings import load_settings
from swatchbook.ingest.review import accept, correct_image, documents_to_review, reject
from swatchbook.resources import Resources, open_resources
from swatchbook.store.ledger import picture_reviews
from swatchbook.store.ledger.tables import images
from tests.store.ledger.scene import image, one
from tests.store.ledger.test_picture_reviews import REVIEWER, saying, weak, write


@pytest.fixture
def resources(resources: Resources) -> Resources:
    """With one weak picture, of oak."""
    weak(resources.ledger, "oak")
    return resources


def picture(resources: Resources) -> ReviewImage:
    return picture_reviews.find_review_image(resources.ledger, image("oak"))


def text_of(resources: Resources) -> str | None:
    text: str | None = one(resources.ledger, images, id=image("oak"))["text_key"]
    return text


def test_what_is_accepted_after_it_was_rejected_is_what_was_said_last(resources: Resources) -> None:
    corrected = correct_image(resources, picture(resources), {"material": "bog oak"}, by="eve")
    reject(resources, picture(resources), by="eve", reason="A logo.")
    assert text_of(resources) is None
    again = accept(resources, picture(resources), by="eve")
    assert (again.verdict, again.second) == (Verdict.CORRECTED, corrected.second)
    assert text_of(resources) == text_key("Material: bog oak.")


def test_what_is_corrected_after_it_was_rejected_keeps_the_other_words(resources: Resources) -> None:
    correct_image(resources, picture(resources), {"material": "bog oak"}, by="eve")
    reject(resources, picture(resources), by="eve", reason="A logo.")
    correct_image(resources, picture(resources), {"finish": "oiled"}, by="eve")
    assert text_of(resources) == text_key("Material: bog oak. Finish: oiled.")


def as_reviewer(resources: Resources, verdict: Verdict) -> None:
    assert write(resources.ledger, "oak", saying("Material: beech.", verdict)) is not None


@pytest.mark.parametrize("verdict", [Verdict.ACCEPTED, Verdict.CORRECTED, Verdict.UNDECIDED])
def test_the_second_look_can_be_taken_whatever_was_said_since(resources: Resources, verdict: Verdict) -> None:
    as_reviewer(resources, verdict)
    for say in (
        lambda: None,
        lambda: accept(resources, picture(resources), by="eve"),
        lambda: correct_image(resources, picture(resources), {"material": "ash"}, by="eve"),
        lambda: reject(resources, picture(resources), by="eve", reason="A logo."),
    ):
        say()
        taken = accept(resources, picture(resources), by="eve", second=True)
        assert (taken.verdict, taken.second) == (Verdict.CORRECTED, REVIEWER)
        assert text_of(resources) == text_key("Material: beech.")


def test_without_a_second_look_there_is_none_to_take(resources: Resources) -> None:
    correct_image(resources, picture(resources), {"material": "ash"}, by="eve")
    with pytest.raises(InvalidReference, match="no second analysis"):
        accept(resources, picture(resources), by="eve", second=True)


def test_a_score_never_changes_without_a_reason(resources: Resources) -> None:
    as_reviewer(resources, Verdict.UNDECIDED)
    written = list[Review]()
    for say in (
        lambda: accept(resources, picture(resources), by="eve", second=True),
        lambda: accept(resources, picture(resources), by="eve"),
        lambda: reject(resources, picture(resources), by="eve", reason="A logo."),
        lambda: accept(resources, picture(resources), by="eve"),
        lambda: correct_image(resources, picture(resources), {}, by="eve", text=""),
    ):
        written.append(say())
    assert [(review.score_before, review.score_after, len(review.reasons)) for review in written] == [
        (0.5, 0.8, 2), (0.8, 0.8, 0), (0.8, 0.5, 1), (0.5, 0.8, 2), (0.8, 0.8, 1),
    ]  # fmt: skip
    assert written[0].reasons == written[3].reasons == ("material: nothing → Material: beech.", "score: 0.50 → 0.80")


def test_what_the_review_model_lacks_is_said_before_anything_is_begun(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWATCHBOOK_REVIEW__MODEL", "stronger")
    with open_resources(load_settings()) as other, pytest.raises(Configuration, match="REVIEW__URL is not set"):
        documents_to_review(other)
