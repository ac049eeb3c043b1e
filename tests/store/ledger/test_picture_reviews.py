"""Reviews in the ledger: which pictures wait for one, what follows from it, and what it outlives."""

from pathlib import Path
from typing import Any

import pytest

from swatchbook.domain.errors import InvalidReference, ProviderTimeout, RunRevoked
from swatchbook.domain.records import (
    Analysis,
    DocumentStatus,
    ImageState,
    ReviewImage,
    Role,
    RoleTag,
    Verdict,
    text_key,
)
from swatchbook.store.files.file_store import open_files
from swatchbook.store.ledger import picture_reviews, runs, schedule
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.document_commands import mark_deleting, regenerate
from swatchbook.store.ledger.queries.coverage import count_statistics
from swatchbook.store.ledger.queries.report import document_report
from swatchbook.store.ledger.retention import collect
from swatchbook.store.ledger.runs import Run
from swatchbook.store.ledger.tables import analyses, documents, images, items
from swatchbook.store.ledger.tables import reviews as rows
from swatchbook.store.ledger.trashed_documents import move_to_trash, restore_trashed
from swatchbook_service.activity import failing_kinds
from tests.store.ledger.plans import planned
from tests.store.ledger.scene import (
    ANALYSIS,
    EVERYTHING,
    UNDERSTANDING,
    begin,
    change,
    count,
    delete,
    end,
    extraction,
    image,
    ingest,
    item,
    key,
    lapse,
    make_all,
    one,
    pass_time,
    placed,
    publish_all,
    states,
)

BELOW = 0.6  # what is made here has a score of 0.5
REVIEWER = "stronger@1/a"
NEWER = [want if want.role is not Role.ANALYSIS else RoleTag(role=want.role, tag="newer@1") for want in EVERYTHING]


def weak(
    ledger: Ledger, *names: str, owner: str = "anna", content: str = "catalogue", requested: Any = EVERYTHING
) -> Run:
    """A completed document whose pictures all need a review."""
    run = begin(ledger, owner=owner, content=content, requested=requested)
    ingest(ledger, run, extraction(*(placed(run, name) for name in names)), review_below=BELOW)
    return run


def reviewed(ledger: Ledger, name: str = "oak", owner: str = "anna") -> ReviewImage:
    return picture_reviews.find_review_image(ledger, image(name, owner))


def answer(
    ledger: Ledger, name: str = "oak", *, owner: str = "anna", run: Run | None = None, **said: Any
) -> Verdict | None:
    """The review model's answer, of a picture of beech."""
    shown = reviewed(ledger, name, owner)
    paying = run or runs.begin_review(ledger, shown.document_id)
    second = Analysis(**{"material": "beech", "confidence": 0.9, "quality": 0.8, **said})
    verdict = picture_reviews.record_answer(ledger, shown, second, by=REVIEWER, below=BELOW, run=paying)
    if run is None:
        runs.end_part(ledger, paying)
    return verdict


def decide(ledger: Ledger, verdict: Verdict, reason: str = "") -> None:
    picture_reviews.record_decision(ledger, reviewed(ledger), verdict, by="eve", reason=reason, below=BELOW)


def waiting(ledger: Ledger, **where: Any) -> list[str]:
    return [picture.image_id for picture in picture_reviews.images_to_review(ledger, **where)[0]]


def due_now(ledger: Ledger, document: str, reviewer: str = REVIEWER) -> list[str]:
    return [picture.image_id for picture in picture_reviews.images_due_for_review(ledger, reviewer, document, 100)]


def make_again(ledger: Ledger, document: str) -> list[Any]:
    """A run of what waits; what is published of it."""
    run = begin(ledger)
    assert run.document == document
    make_all(ledger, run, review_below=BELOW)
    told = publish_all(ledger)
    assert end(ledger, run) == DocumentStatus.COMPLETED
    return told


def text_of(ledger: Ledger, owner: str = "anna") -> str | None:
    text: str | None = one(ledger, images, id=image("oak", owner))["text_key"]
    return text


def test_weak_pictures_of_completed_documents_wait_in_order(ledger: Ledger) -> None:
    run = weak(ledger, "oak", "ash")
    assert waiting(ledger) == waiting(ledger, owner="anna") == [image("oak"), image("ash")]
    assert waiting(ledger, owner="bert") == []
    assert picture_reviews.count_images_to_review(ledger, document=run.document) == 2
    assert document_report(ledger, run.document).images_to_review == 2
    assert one(ledger, documents, id=run.document)["status"] == DocumentStatus.COMPLETED
    assert schedule.due_documents(ledger) == []
    ((first,), place) = picture_reviews.images_to_review(ledger, limit=1)
    assert (first.weakness, first.tag, first.page, first.review) == ("confidence 0.50", ANALYSIS.tag, 1, None)
    assert waiting(ledger, after=place) == [image("ash")]


def test_reviewer_skips_its_own_analyses(ledger: Ledger) -> None:
    run = weak(ledger, "oak")
    assert due_now(ledger, run.document, ANALYSIS.tag) == []
    assert due_now(ledger, run.document) == [image("oak")]
    for owner, found in ((None, [run.document]), ("anna", [run.document]), ("bert", [])):
        assert picture_reviews.documents_to_review(ledger, REVIEWER, owner=owner) == found
    begin(ledger)
    assert picture_reviews.documents_to_review(ledger, REVIEWER) == due_now(ledger, run.document) == []


def test_image_is_found_by_an_id_prefix(ledger: Ledger) -> None:
    run = weak(ledger, "oak", "ash")
    assert picture_reviews.find_review_image(ledger, image("oak")[:12]).content_key == key("oak")
    with pytest.raises(InvalidReference, match="may be"):
        picture_reviews.find_review_image(ledger, "")
    for reference, owner in (("%", None), (image("oak"), "bert"), ("nothing", None)):
        with pytest.raises(InvalidReference, match="There is no image"):
            picture_reviews.find_review_image(ledger, reference, owner=owner)
    ingest(ledger, begin(ledger, fingerprint="g"), extraction(placed(run, "broken"), unreadable=["broken"]))
    with pytest.raises(InvalidReference, match="has no analysis"):
        picture_reviews.find_review_image(ledger, image("broken"))


@pytest.mark.parametrize("database", ["sqlite"])
def test_finding_few_weak_pictures_scans_no_other_documents(ledger: Ledger) -> None:
    weak(ledger, "oak")
    with planned(ledger) as plans:
        assert picture_reviews.count_images_to_review(ledger) == len(waiting(ledger, owner="anna")) == 1
        assert reviewed(ledger).needs_review
    assert len(plans) > 3
    assert not [plan for plan in plans if "ix_wants_role_tag" in plan or "SCAN placements" in plan]


def test_accepted_picture_waits_no_more_and_is_unchanged(ledger: Ledger) -> None:
    run = weak(ledger, "oak")
    before = one(ledger, images, id=image("oak"))
    decide(ledger, Verdict.ACCEPTED)
    assert one(ledger, images, id=image("oak")) == {**before, "needs_review": False}
    assert waiting(ledger) == due_now(ledger, run.document) == []
    assert one(ledger, documents, id=run.document)["status"] == DocumentStatus.COMPLETED


def test_a_replacing_answer_is_embedded_and_published(ledger: Ledger) -> None:
    run = weak(ledger, "oak", "ash")
    assert answer(ledger) is Verdict.REPLACED
    shown = one(ledger, images, id=image("oak"))
    assert (shown["text_key"], shown["quality"], shown["needs_review"]) == (text_key("Material: beech."), 0.8, False)
    assert waiting(ledger) == [image("ash")]
    assert {found.id for found in schedule.due_documents(ledger)} == {run.document}
    assert states(ledger, run.document) == {image("oak"): ImageState.PENDING, image("ash"): ImageState.COMPLETE}
    told = make_again(ledger, run.document)
    assert {each.row.id for each in told} == {image("oak")}
    assert all("Material: beech." in each.payload.text and each.reviewed for each in told)
    assert all(UNDERSTANDING in each.vectors for each in told)
    assert states(ledger, run.document)[image("oak")] == ImageState.COMPLETE

    picture_reviews.withdraw_review(ledger, reviewed(ledger), below=BELOW)
    assert (reviewed(ledger).review, waiting(ledger)) == (None, [image("oak"), image("ash")])
    assert states(ledger, run.document)[image("oak")] == ImageState.PENDING, "it is not searchable yet"
    (again,) = make_again(ledger, run.document)
    assert "Material: oak." in again.payload.text, "it is only published again"


def test_the_same_text_of_another_analysis_is_published(ledger: Ledger) -> None:
    weak(ledger, "oak")
    answer(ledger, material="oak")
    (told,) = publish_all(ledger)
    assert (told.payload.text, told.payload.material) == ("Material: oak.", ("oak",))


def test_the_last_decision_counts(ledger: Ledger) -> None:
    weak(ledger, "oak")
    answer(ledger)
    decide(ledger, Verdict.REJECTED, "A logo.")
    assert (text_of(ledger), reviewed(ledger).analysis.material) == (None, "beech")
    decide(ledger, Verdict.ACCEPTED)
    review = reviewed(ledger).review
    assert review
    assert (review.verdict, review.second, review.by) == (Verdict.ACCEPTED, REVIEWER, "eve")
    assert text_of(ledger) == text_key("Material: beech.")


def test_rejected_picture_stays_without_text_even_by_force(ledger: Ledger) -> None:
    run = weak(ledger, "oak", "ash")
    decide(ledger, Verdict.REJECTED, "It shows our logo.")
    assert one(ledger, documents, id=run.document)["status"] == DocumentStatus.WAITING, "its report is another one"
    (told,) = make_again(ledger, run.document)
    assert (told.payload.text, told.payload.material, told.reviewed) == ("", (), True)
    assert {want.role for want in told.vectors} == {Role.VISUAL, Role.COLOR}
    assert states(ledger, run.document) == {image("oak"): ImageState.PARTIAL, image("ash"): ImageState.COMPLETE}
    (failure,) = document_report(ledger, run.document).failed_images
    assert (failure.role, failure.kind) == ("analysis", "dismissed")
    assert failure.error == "It shows our logo. Rejected by eve."
    assert [(each.kind, each.images, each.rejected) for each in failing_kinds(ledger)] == [("dismissed", 1, 1)]
    assert count_statistics(ledger).failures == {"dismissed": 1}
    regenerate(ledger, run.document, force=True)
    assert [each.role for each in document_report(ledger, run.document).failed_images] == ["analysis"]
    assert item(ledger, key("oak"), ANALYSIS)["state"] == "done"

    decide(ledger, Verdict.ACCEPTED)
    (told,) = make_again(ledger, run.document)
    assert told.payload.text == "Material: oak."
    assert document_report(ledger, run.document).failed_images == ()


def review_as(ledger: Ledger, verdict: Verdict) -> None:
    if verdict is Verdict.REPLACED:
        answer(ledger)
    else:
        decide(ledger, verdict, "Because.")


@pytest.mark.parametrize("verdict", [Verdict.ACCEPTED, Verdict.REPLACED, Verdict.REJECTED])
def test_review_holds_for_other_generations_of_its_owner(ledger: Ledger, verdict: Verdict) -> None:
    run = weak(ledger, "oak")
    review_as(ledger, verdict)
    text = text_of(ledger)
    make_again(ledger, run.document)
    weak(ledger, "oak", owner="bert")
    assert text_of(ledger, "bert") == text_key("Material: oak.")

    anew = begin(ledger, fingerprint="g")
    ingest(ledger, anew, extraction(placed(anew, "oak")), review_below=BELOW)
    assert text_of(ledger) == text

    if verdict is not Verdict.REJECTED:
        change(ledger, items, items.c.role == "analysis", state="pending")  # as where an answer was lost
        again = begin(ledger, fingerprint="h")
        make_all(ledger, again, review_below=BELOW)
        assert (text_of(ledger), text_of(ledger, "bert")) == (text, text_key("Material: oak."))
    assert waiting(ledger) == [image("oak", "bert")]


def test_another_first_analysis_is_another_matter(ledger: Ledger) -> None:
    weak(ledger, "oak")
    answer(ledger)
    run = begin(ledger, requested=NEWER, fingerprint="g")
    ingest(ledger, run, extraction(placed(run, "oak")), review_below=BELOW)
    assert text_of(ledger) == text_key("Material: oak.")
    assert waiting(ledger) == [image("oak")]


def test_a_review_goes_with_the_owners_image(ledger: Ledger, tmp_path: Path) -> None:
    run, theirs = weak(ledger, "oak"), weak(ledger, "oak", owner="bert")
    decide(ledger, Verdict.ACCEPTED)
    answer(ledger, owner="bert")
    assert delete(ledger, run.document)
    for _ in range(3):
        pass_time(ledger, 3_601)
        collect(ledger, open_files(str(tmp_path)))
    assert (count(ledger, rows), count(ledger, analyses)) == (1, 2), "what bert and the models said is there"
    assert one(ledger, documents)["id"] == theirs.document
    weak(ledger, "oak")
    assert (text_of(ledger), waiting(ledger, owner="anna")) == (text_key("Material: oak."), [image("oak")])


@pytest.mark.parametrize("verdict", [Verdict.REJECTED, Verdict.REPLACED])
def test_a_restored_document_has_its_reviews(ledger: Ledger, tmp_path: Path, verdict: Verdict) -> None:
    run = weak(ledger, "oak")
    weak(ledger, "oak", owner="bert")
    review_as(ledger, verdict)
    before = one(ledger, images, id=image("oak"))
    move_to_trash(ledger, run.document)
    publish_all(ledger)
    pass_time(ledger, 3_601)
    collect(ledger, open_files(str(tmp_path)))
    assert count(ledger, images) == 1
    restore_trashed(ledger, run.document)
    after = one(ledger, images, id=image("oak"))
    assert [after[name] for name in ("text_key", "dismissed")] == [before[name] for name in ("text_key", "dismissed")]
    failures = [each.kind for each in document_report(ledger, run.document).failed_images]
    assert ("dismissed" in failures) == (verdict is Verdict.REJECTED)


def look(ledger: Ledger, run: Run) -> tuple[Run, ReviewImage]:
    paying = runs.begin_review(ledger, run.document)
    (picture,) = picture_reviews.images_due_for_review(ledger, REVIEWER, run.document, 9)
    return paying, picture


def test_review_holds_only_reviews_of_its_document(ledger: Ledger) -> None:
    run = weak(ledger, "oak")
    first = runs.begin_review(ledger, run.document)
    assert one(ledger, documents)["run"] is None
    assert isinstance(begin(ledger), Run)
    with pytest.raises(RunRevoked, match="Another review"):
        runs.begin_review(ledger, run.document)
    lapse(ledger, first)
    runs.end_part(ledger, runs.begin_review(ledger, run.document))
    with pytest.raises(RunRevoked):
        answer(ledger, run=first)
    mark_deleting(ledger, run.document)
    assert picture_reviews.documents_to_review(ledger, REVIEWER) == []
    with pytest.raises(RunRevoked):
        runs.begin_review(ledger, run.document)


def test_what_comes_too_late_changes_nothing(ledger: Ledger) -> None:
    run = weak(ledger, "oak")
    paying, picture = look(ledger, run)
    decide(ledger, Verdict.ACCEPTED)
    assert answer(ledger, run=paying) is None
    picture_reviews.record_review_failure(ledger, picture, ProviderTimeout("Late."), by=REVIEWER, run=paying)
    assert count(ledger, rows) == 1
    assert text_of(ledger) == text_key("Material: oak.")


def test_failed_review_is_retried_then_left_to_people(ledger: Ledger) -> None:
    run = weak(ledger, "oak")
    for tries in range(8):
        paying, picture = look(ledger, run)
        failure = ProviderTimeout("No answer in time.")
        picture_reviews.record_review_failure(ledger, picture, failure, by=REVIEWER, run=paying)
        runs.end_part(ledger, paying)
        assert due_now(ledger, run.document) == []
        pass_time(ledger, 900 * 2**tries + 1)
    assert due_now(ledger, run.document) == []
    assert waiting(ledger) == [image("oak")]
    last = reviewed(ledger).review
    assert last
    assert (last.tries, last.reason) == (8, "provider_timeout: No answer in time.")
    decide(ledger, Verdict.ACCEPTED)
    assert waiting(ledger) == []


def test_a_weak_answer_leaves_the_picture_to_people(ledger: Ledger) -> None:
    run = weak(ledger, "oak")
    assert answer(ledger, confidence=0.1) is Verdict.UNDECIDED
    assert due_now(ledger, run.document) == []
    assert waiting(ledger) == [image("oak")]
    assert text_of(ledger) == text_key("Material: oak.")
    assert "confidence 0.10" in str(reviewed(ledger).review)
