"""Reviews in the ledger: which pictures wait for one, what follows from a word, and what it outlives."""

from pathlib import Path
from typing import Any

import pytest

from swatchbook.domain.analysis import person_tag
from swatchbook.domain.errors import InvalidReference, ProviderRejected, ProviderTimeout, RunRevoked
from swatchbook.domain.records import (
    Analysis,
    DocumentStatus,
    ImageState,
    Review,
    ReviewImage,
    Role,
    RoleTag,
    Verdict,
    text_key,
)
from swatchbook.store.files.file_store import Files
from swatchbook.store.ledger import item_runs, picture_reviews, runs, schedule, stage_results
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.document_commands import delete_rows, finish_delete, mark_deleting, regenerate
from swatchbook.store.ledger.payloads import image_payloads
from swatchbook.store.ledger.picture_reviews import ReviewNote, SecondAnalysis
from swatchbook.store.ledger.queries import account
from swatchbook.store.ledger.queries.activity import failing_kinds
from swatchbook.store.ledger.queries.coverage import count_statistics
from swatchbook.store.ledger.queries.document import show_document
from swatchbook.store.ledger.queries.report import document_report
from swatchbook.store.ledger.retention import collect
from swatchbook.store.ledger.runs import Run
from swatchbook.store.ledger.tables import analyses, contents, documents, images, items, vectors
from swatchbook.store.ledger.tables import reviews as rows
from swatchbook.store.ledger.trashed_documents import move_to_trash, restore_trashed
from tests.store.ledger.plans import planned
from tests.store.ledger.scene import (
    ANALYSIS,
    EVERYTHING,
    UNDERSTANDING,
    begin,
    count,
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
    set_document,
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


def saying(text: str, verdict: Verdict = Verdict.CORRECTED, **said: Any) -> ReviewNote:
    """What a second model says of a picture."""
    analysis = Analysis(**{"material": text, "confidence": 0.9, "quality": 0.8, **said})
    return ReviewNote(
        verdict=verdict,
        by=REVIEWER,
        reasons=("material",),
        second=SecondAnalysis(tag=REVIEWER, analysis=analysis, text=text),
    )


def by_person(verdict: Verdict, *reasons: str, second_tag: str | None = None) -> ReviewNote:
    return ReviewNote(verdict=verdict, by="eve", reasons=reasons, second_tag=second_tag)


def write(
    ledger: Ledger, name: str, word: ReviewNote, run: Run | None = None, *, tag: str = ANALYSIS.tag, owner: str = "anna"
) -> Review | None:
    reviewed = picture_reviews.find_review_image(ledger, image(name, owner)).model_copy(update={"tag": tag})
    return picture_reviews.record_review(ledger, reviewed, word, below=BELOW, run=run)


def waiting(ledger: Ledger, **where: Any) -> list[str]:
    return [picture.image_id for picture in picture_reviews.images_to_review(ledger, **where)]


def due_now(ledger: Ledger, document: str, reviewer: str = REVIEWER) -> list[str]:
    return [picture.image_id for picture in picture_reviews.images_due_for_review(ledger, reviewer, document, 100)]


def make_again(ledger: Ledger, document: str) -> list[Any]:
    """A run of what waits; what is published of it."""
    run = begin(ledger)
    assert run.document == document
    make_all(ledger, run, review_below=BELOW)
    told = publish_all(ledger)
    status, due_at = account.next_status(ledger, document)
    assert runs.end(ledger, run, status, due_at=due_at) == DocumentStatus.COMPLETED
    return told


# --- what waits -------------------------------------------------------------------------------------------------------


def test_weak_pictures_wait_in_reading_order_and_their_document_is_complete(ledger: Ledger) -> None:
    run = weak(ledger, "oak", "ash")
    assert waiting(ledger) == waiting(ledger, owner="anna", document=run.document) == [image("oak"), image("ash")]
    assert waiting(ledger, owner="bert") == []
    assert (
        picture_reviews.count_images_to_review(ledger)
        == picture_reviews.count_images_to_review(ledger, document=run.document)
        == 2
    )
    assert document_report(ledger, run.document).images_to_review == 2
    assert one(ledger, documents, id=run.document)["status"] == DocumentStatus.COMPLETED
    assert schedule.due_documents(ledger) == []
    (first, _) = picture_reviews.images_to_review(ledger)
    assert (first.score, first.tag, first.page, first.standing) == (0.5, ANALYSIS.tag, 1, None)


def test_a_weak_picture_is_weak_for_the_next_who_shows_it(ledger: Ledger) -> None:
    run = begin(ledger)
    ingest(ledger, run, extraction(placed(run, "oak")))
    assert picture_reviews.count_images_to_review(ledger) == 0
    weak(ledger, "oak", owner="bert")
    assert waiting(ledger) == [image("oak", "bert")]


def test_review_candidates_are_weak_or_not_analysed_yet(ledger: Ledger) -> None:
    weak(ledger, "oak", "ash", "elm", "fir", "yew")
    write(ledger, "oak", by_person(Verdict.ACCEPTED))
    write(ledger, "ash", saying("Material: ash.", Verdict.UNDECIDED))
    paying = item_runs.begin_review(ledger, one(ledger, documents)["id"])
    for name, failure in (("elm", ProviderRejected("No.")), ("fir", ProviderTimeout("Late."))):
        picture = picture_reviews.find_review_image(ledger, image(name))
        picture_reviews.record_review_failure(ledger, picture, failure, by=REVIEWER, run=paying)
    keys = [key(name) for name in ("oak", "ash", "elm", "fir", "yew", "new")]
    may, looked = picture_reviews.review_candidates(ledger, REVIEWER, ANALYSIS.tag, keys, below=BELOW)
    assert (may, looked) == ({*keys} - {key("ash")}, {key("ash")})
    assert picture_reviews.review_candidates(ledger, REVIEWER, ANALYSIS.tag, keys, below=0.5)[0] == {key("new")}


def test_reviewer_skips_its_own_analyses(ledger: Ledger) -> None:
    run = weak(ledger, "oak")
    assert due_now(ledger, run.document, ANALYSIS.tag) == []
    assert picture_reviews.documents_to_review(ledger, REVIEWER) == picture_reviews.documents_to_review(
        ledger, REVIEWER, owner="anna"
    )
    assert picture_reviews.documents_to_review(ledger, REVIEWER, owner="bert") == []
    assert due_now(ledger, run.document) == [image("oak")]
    begin(ledger)
    assert picture_reviews.documents_to_review(ledger, REVIEWER) == due_now(ledger, run.document) == []


def test_image_is_found_by_an_id_prefix(ledger: Ledger) -> None:
    weak(ledger, "oak", "ash")
    assert picture_reviews.find_review_image(ledger, image("oak")[:12]).content_key == key("oak")
    with pytest.raises(InvalidReference, match="may be"):
        picture_reviews.find_review_image(ledger, "")
    for reference, owner in (("%", None), (image("oak"), "bert"), ("nothing", None)):
        with pytest.raises(InvalidReference, match="There is no image"):
            picture_reviews.find_review_image(ledger, reference, owner=owner)


@pytest.mark.parametrize("database", ["sqlite"])
def test_few_weak_pictures_are_found_without_a_look_at_every_document(ledger: Ledger) -> None:
    weak(ledger, "oak")
    with planned(ledger) as plans:
        assert (
            picture_reviews.count_images_to_review(ledger)
            == len(picture_reviews.images_to_review(ledger, owner="anna"))
            == 1
        )
        assert picture_reviews.find_review_image(ledger, image("oak")).needs_review
    assert len(plans) > 3
    assert not [plan for plan in plans if "ix_wants_role_tag" in plan or "SCAN placements" in plan]


def test_an_id_is_ambiguous_with_or_without_analyses_and_for_repeated_images(ledger: Ledger) -> None:
    names = [f"picture {number}" for number in range(40)]
    first = image(names[0])[0]
    twin = next(name for name in names[1:] if image(name).startswith(first))
    for number in range(11):
        weak(ledger, names[0], content=f"catalogue {number}")
    run = begin(ledger)
    ingest(ledger, run, extraction(placed(run, twin), unreadable=[twin]))
    with pytest.raises(InvalidReference, match="may be") as ambiguous:
        picture_reviews.find_review_image(ledger, first)
    assert image(names[0]) in str(ambiguous.value)
    assert image(twin) in str(ambiguous.value)


def test_of_two_analyses_of_a_picture_the_one_in_use_is_reviewed(ledger: Ledger) -> None:
    """Documents of one owner that show it want different ones."""
    first = begin(ledger)
    ingest(ledger, first, extraction(placed(first, "oak")))
    run = begin(ledger, content="another", requested=NEWER)
    stage_results.save_extraction(ledger, run, extraction(placed(run, "oak")))
    make_all(ledger, run, text="Material: ash.", review_below=BELOW)
    end(ledger, run)
    (picture,) = picture_reviews.images_to_review(ledger)
    assert (picture.document_id, picture.tag) == (run.document, "newer@1")
    assert due_now(ledger, first.document) == []
    assert picture_reviews.find_review_image(ledger, picture.image_id).tag == "newer@1"


def test_an_image_without_an_analysis_cannot_be_reviewed(ledger: Ledger) -> None:
    run = begin(ledger)
    ingest(ledger, run, extraction(placed(run, "broken"), unreadable=["broken"]))
    with pytest.raises(InvalidReference, match="has no analysis"):
        picture_reviews.find_review_image(ledger, image("broken"))


# --- what follows -----------------------------------------------------------------------------------------------------


def test_an_accepted_picture_waits_no_more_and_changes_in_nothing(ledger: Ledger) -> None:
    run = weak(ledger, "oak")
    before = one(ledger, images, id=image("oak"))
    review = write(ledger, "oak", saying("Material: oak.", Verdict.ACCEPTED))
    assert review is not None
    assert (review.number, review.score_before, review.score_after, review.second) == (1, 0.5, 0.5, REVIEWER)
    assert one(ledger, images, id=image("oak")) == {**before, "needs_review": False}
    assert waiting(ledger) == due_now(ledger, run.document) == []
    assert count(ledger, analyses) == 2, "both are kept"
    assert one(ledger, documents, id=run.document)["status"] == DocumentStatus.COMPLETED


def test_a_correction_is_embedded_and_published_again(ledger: Ledger) -> None:
    run = weak(ledger, "oak", "ash")
    write(ledger, "oak", saying("Material: beech."))
    shown = one(ledger, images, id=image("oak"))
    assert (shown["text_key"], shown["quality"], shown["needs_review"]) == (text_key("Material: beech."), 0.8, False)
    assert waiting(ledger) == [image("ash")]
    assert {found.id for found in schedule.due_documents(ledger)} == {run.document}
    assert states(ledger, run.document) == {image("oak"): ImageState.PENDING, image("ash"): ImageState.COMPLETE}
    told = make_again(ledger, run.document)
    assert {each.row.id for each in told} == {image("oak")}
    assert all("Material: beech." in each.payload.text and each.reviewed for each in told)
    want = RoleTag(role=Role.UNDERSTANDING, tag=UNDERSTANDING.tag)
    assert all(want in each.vectors for each in told)
    assert states(ledger, run.document)[image("oak")] == ImageState.COMPLETE


def test_a_correction_does_not_wait_for_what_has_failed(ledger: Ledger) -> None:
    run = weak(ledger, "oak")
    set_document(ledger, run.document, status=DocumentStatus.WAITING, due_at=ledger.now() + 86_400)
    write(ledger, "oak", saying("Material: beech."))
    (found,) = schedule.due_documents(ledger)
    assert schedule.wants_run(ledger, found.id)


def test_other_words_in_the_same_sentence_are_published(ledger: Ledger) -> None:
    weak(ledger, "oak")
    for number, material in enumerate(("oak", "beech")):
        analysis = Analysis(material=material, confidence=1, quality=1)
        second = SecondAnalysis(tag=f"person@{number}", analysis=analysis, text="A floor.")
        write(ledger, "oak", ReviewNote(verdict=Verdict.CORRECTED, by="eve", second=second))
        (told,) = publish_all(ledger)
        assert (told.payload.text, told.payload.material) == ("A floor.", (material,))


def test_what_is_embedded_already_is_only_published_again(ledger: Ledger) -> None:
    run = weak(ledger, "oak")
    write(ledger, "oak", saying("Material: beech."))
    make_again(ledger, run.document)
    write(ledger, "oak", by_person(Verdict.ACCEPTED))
    assert states(ledger, run.document) == {image("oak"): ImageState.PENDING}, "it is not searchable yet"
    (again,) = make_again(ledger, run.document)
    assert "Material: oak." in again.payload.text


def test_the_last_word_stands_and_all_are_kept(ledger: Ledger) -> None:
    weak(ledger, "oak")
    write(ledger, "oak", saying("Material: beech."))
    write(ledger, "oak", by_person(Verdict.REJECTED, "A logo."))
    write(ledger, "oak", by_person(Verdict.CORRECTED, second_tag=REVIEWER))
    history = picture_reviews.find_review_image(ledger, image("oak")).reviews
    assert [(each.number, each.verdict, each.by) for each in history] == [
        (1, Verdict.CORRECTED, REVIEWER), (2, Verdict.REJECTED, "eve"), (3, Verdict.CORRECTED, "eve"),
    ]  # fmt: skip
    assert [(each.score_before, each.score_after) for each in history] == [(0.5, 0.8), (0.8, 0.5), (0.5, 0.8)]
    assert one(ledger, images, id=image("oak"))["text_key"] == text_key("Material: beech.")
    assert count(ledger, rows, stands=True) == 1


def test_a_rejected_picture_has_no_text_and_stays_rejected_by_force(ledger: Ledger) -> None:
    run = weak(ledger, "oak", "ash")
    write(ledger, "oak", by_person(Verdict.REJECTED, "It shows our logo."))
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

    write(ledger, "oak", by_person(Verdict.ACCEPTED))
    (told,) = make_again(ledger, run.document)
    assert told.payload.text == "Material: oak."
    assert document_report(ledger, run.document).failed_images == ()


def test_a_missing_analysis_cannot_be_reviewed(ledger: Ledger) -> None:
    weak(ledger, "oak")
    for tag, word in (("nobody@1", saying("beech")), (ANALYSIS.tag, by_person(Verdict.CORRECTED, second_tag="x"))):
        with pytest.raises(InvalidReference):
            write(ledger, "oak", word, tag=tag)
    assert count(ledger, rows) == 0


# --- what a review outlives -------------------------------------------------------------------------------------------


def text_of(ledger: Ledger, owner: str = "anna") -> str | None:
    text: str | None = one(ledger, images, id=image("oak", owner))["text_key"]
    return text


@pytest.mark.parametrize("verdict", [Verdict.ACCEPTED, Verdict.CORRECTED, Verdict.REJECTED])
def test_review_holds_for_other_generations_of_its_owner(ledger: Ledger, verdict: Verdict) -> None:
    run = weak(ledger, "oak")
    word = by_person(verdict, "Because.") if verdict is Verdict.REJECTED else saying("Material: beech.", verdict)
    write(ledger, "oak", word)
    text = text_of(ledger)
    make_again(ledger, run.document)
    weak(ledger, "oak", owner="bert")
    assert text_of(ledger, "bert") == text_key("Material: oak.")

    anew = begin(ledger, fingerprint="g")
    ingest(ledger, anew, extraction(placed(anew, "oak")), review_below=BELOW)
    assert text_of(ledger) == text

    if verdict is not Verdict.REJECTED:
        with ledger.write() as connection:  # as where an answer was lost
            connection.execute(items.update().where(items.c.role == "analysis").values(state="pending"))
        again = begin(ledger, fingerprint="h")
        make_all(ledger, again, review_below=BELOW)
        assert (text_of(ledger), text_of(ledger, "bert")) == (text, text_key("Material: oak."))
    assert waiting(ledger) == [image("oak", "bert")]


def test_another_first_analysis_is_another_matter(ledger: Ledger) -> None:
    weak(ledger, "oak")
    write(ledger, "oak", saying("Material: beech."))
    run = begin(ledger, requested=NEWER, fingerprint="g")
    ingest(ledger, run, extraction(placed(run, "oak")), review_below=BELOW)
    assert text_of(ledger) == text_key("Material: oak.")
    assert waiting(ledger) == [image("oak")]


def test_a_word_on_another_analysis_than_the_one_wanted_changes_nothing(ledger: Ledger) -> None:
    weak(ledger, "oak")
    run = begin(ledger, requested=NEWER, fingerprint="g")
    ingest(ledger, run, extraction(placed(run, "oak")))
    write(ledger, "oak", saying("Material: beech."))
    assert text_of(ledger) == text_key("Material: oak.")


def test_an_analysis_that_others_want_leaves_a_correction_alone(ledger: Ledger) -> None:
    run = weak(ledger, "oak")
    write(ledger, "oak", saying("Material: beech."))
    make_again(ledger, run.document)
    theirs = begin(ledger, owner="bert", requested=NEWER)
    ingest(ledger, theirs, extraction(placed(theirs, "oak")))
    assert (text_of(ledger), text_of(ledger, "bert")) == (text_key("Material: beech."), text_key("Material: oak."))
    assert one(ledger, documents, id=run.document)["status"] == DocumentStatus.COMPLETED


def by_hand(text: str, material: str = "walnut") -> ReviewNote:
    """A correction by a person."""
    analysis = Analysis(material=material, confidence=1, quality=1)
    second = SecondAnalysis(tag=person_tag(analysis, text), analysis=analysis, text=text)
    return ReviewNote(verdict=Verdict.CORRECTED, by="eve", second=second)


def delete_document(ledger: Ledger, run: Run, folder: Path) -> None:
    """Delete a document, and collect what nothing uses."""
    mark_deleting(ledger, run.document)
    delete_rows(ledger, run.document)
    publish_all(ledger)
    assert finish_delete(ledger, run.document)
    for _ in range(3):
        pass_time(ledger, 3_601)
        collect(ledger, Files(str(folder)))


def test_what_a_person_wrote_goes_with_the_owners_image(ledger: Ledger, tmp_path: Path) -> None:
    run, theirs = weak(ledger, "oak"), weak(ledger, "oak", owner="bert")
    write(ledger, "oak", by_hand("Of Meyer."))
    write(ledger, "oak", saying("Material: beech."), owner="bert")
    make_again(ledger, run.document)
    delete_document(ledger, run, tmp_path)
    assert [count(ledger, table, key=text_key("Of Meyer.")) for table in (contents, items, vectors)] == [0, 0, 0]
    assert (count(ledger, rows), count(ledger, analyses)) == (1, 2), "what bert and the models said is there"
    assert len(picture_reviews.find_review_image(ledger, image("oak", "bert")).reviews) == 1
    assert one(ledger, documents)["id"] == theirs.document
    weak(ledger, "oak")
    assert (text_of(ledger), waiting(ledger, owner="anna")) == (text_key("Material: oak."), [image("oak")])


def test_a_correction_that_is_withdrawn_leaves_nothing(ledger: Ledger) -> None:
    weak(ledger, "oak")
    for note in (saying("Material: beech."), by_hand("Of Meyer."), by_hand("Of Meyer.")):
        write(ledger, "oak", note)
    for number, left in ((3, 3), (2, 2), (1, 2)):
        picture = picture_reviews.find_review_image(ledger, image("oak"))
        assert picture_reviews.withdraw_review(ledger, picture, number, below=BELOW)
        assert count(ledger, analyses) == left
    assert text_of(ledger) == text_key("Material: oak.")


@pytest.mark.parametrize("note", [by_person(Verdict.REJECTED, "A logo."), by_hand("Of Meyer.")])
def test_a_restored_document_has_its_reviews(ledger: Ledger, tmp_path: Path, note: ReviewNote) -> None:
    run = weak(ledger, "oak")
    weak(ledger, "oak", owner="bert")
    write(ledger, "oak", note)
    before = one(ledger, images, id=image("oak"))
    move_to_trash(ledger, run.document)
    publish_all(ledger)
    pass_time(ledger, 3_601)
    collect(ledger, Files(str(tmp_path)))
    assert count(ledger, images) == 1
    restore_trashed(ledger, run.document)
    after = one(ledger, images, id=image("oak"))
    assert [after[name] for name in ("text_key", "dismissed")] == [before[name] for name in ("text_key", "dismissed")]
    assert len(picture_reviews.find_review_image(ledger, image("oak")).reviews) == 1
    failures = [each.kind for each in document_report(ledger, run.document).failed_images]
    assert ("dismissed" in failures) == (note.verdict is Verdict.REJECTED)


@pytest.mark.parametrize(
    "note", [saying("Material: beech."), by_hand("Material: oak."), by_person(Verdict.REJECTED, "A logo.")]
)
def test_a_review_is_of_one_owners_image(ledger: Ledger, note: ReviewNote) -> None:
    """Also where a person writes the same text with another material."""
    weak(ledger, "oak")
    theirs = weak(ledger, "oak", owner="bert")
    of_bert = [image("oak", "bert")]

    def seen() -> object:
        with ledger.read() as connection:
            payloads = image_payloads(connection, of_bert)
        report = document_report(ledger, theirs.document)
        return payloads, report, show_document(ledger, theirs.document), one(ledger, images, id=image("oak", "bert"))

    before = seen()
    write(ledger, "oak", note)
    assert {each.row.id for each in publish_all(ledger)} == {image("oak")}
    assert seen() == before
    assert due_now(ledger, theirs.document) == waiting(ledger, owner="bert") == of_bert
    assert waiting(ledger, owner="anna") == []
    assert [found.id for found in schedule.due_documents(ledger)] != [theirs.document]
    assert failing_kinds(ledger, "bert") == []


# --- a run of its own -------------------------------------------------------------------------------------------------


def look(ledger: Ledger, run: Run) -> tuple[Run, ReviewImage]:
    paying = item_runs.begin_review(ledger, run.document)
    (picture,) = picture_reviews.images_due_for_review(ledger, REVIEWER, run.document, 9)
    return paying, picture


def test_a_second_look_holds_nothing_of_its_document(ledger: Ledger) -> None:
    run = weak(ledger, "oak")
    paying = item_runs.begin_review(ledger, run.document)
    assert one(ledger, documents, id=run.document)["run"] is None
    assert isinstance(begin(ledger), Run)
    item_runs.end(ledger, paying)
    with pytest.raises(RunRevoked):
        write(ledger, "oak", saying("Material: beech."), paying)


def test_one_review_run_at_a_time_and_a_dead_one_blocks_no_other(ledger: Ledger) -> None:
    run = weak(ledger, "oak")
    weak(ledger, "oak", owner="bert")
    first = item_runs.begin_review(ledger, run.document)
    with pytest.raises(RunRevoked, match="Another run"):
        item_runs.begin_review(ledger, run.document)
    lapse(ledger, first)
    item_runs.end(ledger, item_runs.begin_review(ledger, run.document))
    item_runs.end(ledger, item_runs.begin_review(ledger, run.document))


def test_what_comes_too_late_changes_nothing(ledger: Ledger) -> None:
    run = weak(ledger, "oak")
    paying, picture = look(ledger, run)
    write(ledger, "oak", by_person(Verdict.ACCEPTED))
    assert write(ledger, "oak", saying("Material: beech."), paying) is None
    picture_reviews.record_review_failure(ledger, picture, ProviderTimeout("Late."), by=REVIEWER, run=paying)
    assert count(ledger, rows) == 1
    assert text_of(ledger) == text_key("Material: oak.")


def test_what_is_deleted_or_cancelled_is_not_reviewed(ledger: Ledger) -> None:
    run = weak(ledger, "oak")
    mark_deleting(ledger, run.document)
    assert picture_reviews.documents_to_review(ledger, REVIEWER) == []
    with pytest.raises(RunRevoked):
        item_runs.begin_review(ledger, run.document)


def test_failed_review_is_retried_then_left_to_people(ledger: Ledger) -> None:
    run = weak(ledger, "oak")
    for tries in range(8):
        paying, picture = look(ledger, run)
        failure = ProviderTimeout("No answer in time.")
        picture_reviews.record_review_failure(ledger, picture, failure, by=REVIEWER, run=paying)
        item_runs.end(ledger, paying)
        assert due_now(ledger, run.document) == []
        pass_time(ledger, 900 * 2**tries + 1)
    assert due_now(ledger, run.document) == []
    assert waiting(ledger) == [image("oak")]
    (last,) = picture_reviews.images_to_review(ledger)
    assert last.standing is not None
    assert last.standing.reasons == ("provider_timeout: No answer in time.",)
    write(ledger, "oak", by_person(Verdict.ACCEPTED))
    assert waiting(ledger) == []


def test_a_refused_look_is_a_persons_at_once(ledger: Ledger) -> None:
    run = weak(ledger, "oak")
    paying, picture = look(ledger, run)
    refusal = ProviderRejected("No.")
    picture_reviews.record_review_failure(ledger, picture, refusal, by=REVIEWER, run=paying)
    pass_time(ledger, 100_000)
    assert due_now(ledger, run.document) == []
    assert waiting(ledger) == [image("oak")]


def test_an_undecided_picture_waits_for_a_person_alone(ledger: Ledger) -> None:
    run = weak(ledger, "oak")
    write(ledger, "oak", saying("Material: beech.", Verdict.UNDECIDED, confidence=0.1))
    assert due_now(ledger, run.document) == []
    assert waiting(ledger) == [image("oak")]
    assert text_of(ledger) == text_key("Material: oak.")
    write(ledger, "oak", by_person(Verdict.CORRECTED, second_tag=REVIEWER))
    assert text_of(ledger) == text_key("Material: beech.")
