"""The account closes, whatever happened; what it says of failures, documents and coverage."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from swatchbook.domain.errors import InvalidReference, ProviderTimeout, UnreadableImage
from swatchbook.domain.records import (
    COUNTED,
    Discovery,
    DocumentStatus,
    Evidence,
    FailedPage,
    ImageState,
    ItemState,
    LooseText,
    PlacementState,
    RoleTag,
    RunReport,
    Stage,
    Unassigned,
    identity,
    pair_key,
)
from swatchbook.store.ledger import edited_products, page_findings, publishing, runs, stage_results
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.queries import account
from swatchbook.store.ledger.queries.account import Account
from swatchbook.store.ledger.queries.document import read_products, show_document
from swatchbook.store.ledger.queries.document_parts import list_pages
from swatchbook.store.ledger.queries.report import document_report, failures, other_failures
from swatchbook.store.ledger.stored_documents import find_document, get_document, list_documents
from swatchbook.store.ledger.tables import calls, documents, images, items, metadata, placements, requested
from swatchbook_service.activity import failing_others
from swatchbook_web.document_figures import document_figures
from tests.fixtures import SOAK
from tests.store.ledger.plans import planned
from tests.store.ledger.scene import (
    ANALYSIS,
    COLOR,
    EVERYTHING,
    MULTIMODAL,
    UNDERSTANDING,
    VISUAL,
    begin,
    begin_again,
    begun,
    chunked,
    complete,
    extraction,
    image,
    ingest,
    key,
    keys,
    make_all,
    pass_time,
    placed,
    product,
    publish_all,
    put,
    put_all,
    reading,
    settle,
    states,
)
from tests.store.ledger.test_stage_results import PLAN


def closes(counted: Account) -> bool:
    parts = (counted.complete, counted.partial, counted.failed, counted.rejected, counted.pending)
    return counted.found == sum(parts)


WANTS = (VISUAL, COLOR, ANALYSIS, UNDERSTANDING, MULTIMODAL)
OWNERS = {"one": "anna", "two": "anna", "three": "bert"}
STATES = st.sampled_from([None, *ItemState])


@st.composite
def collections(draw: st.DrawFn) -> dict[str, Any]:
    """Documents with wants and placements, pictures with items, texts and what is published, all at random."""
    names = ["a", "b", "c"]
    return {
        "wants": {d: draw(st.sets(st.sampled_from(WANTS))) for d in OWNERS},
        "placed": {
            d: draw(st.lists(st.tuples(st.sampled_from(names), st.sampled_from(list(PlacementState))), max_size=4))
            for d in OWNERS
        },
        "items": {(n, want): draw(STATES) for n in names for want in (VISUAL, COLOR, ANALYSIS)},
        "texts": {n: draw(st.sampled_from([None, "t1", "t2"])) for n in names},
        "understood": {text: draw(STATES) for text in ("t1", "t2")},
        "joined": {(n, text): draw(STATES) for n in names for text in ("t1", "t2")},
        "made": {n: draw(st.integers(0, 2)) for n in names},
        "published": {n: draw(st.integers(0, 2)) for n in names},
    }


def lay(ledger: Ledger, told: dict[str, Any]) -> None:
    """The collection, straight into the tables."""
    with ledger.write() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(delete(table))
    for name, owner in OWNERS.items():
        of = {"document": name, "generation": "G"}
        put(ledger, documents, id=name, owner=owner, generation="G", status="completed", stage="COMPLETED")
        put_all(ledger, requested, ({**of, "role": want.role, "tag": want.tag} for want in told["wants"][name]))
    for owner in set(OWNERS.values()):
        for name, text in told["texts"].items():
            put(
                ledger, images, id=image(name, owner), owner=owner, content_key=key(name), text_key=text, dirty=2,
                pair_key=text and pair_key(key(name), text), made=told["made"][name], published=told["published"][name],
            )  # fmt: skip
    for document, shown in told["placed"].items():
        put_all(
            ledger, placements,
            ({"id": identity(document, number), "document": document, "generation": "G", "state": state,
              "image": image(name, OWNERS[document])} for number, (name, state) in enumerate(shown)),
        )  # fmt: skip
    made = {(key(name), want): state for (name, want), state in told["items"].items()}
    made |= {(text, UNDERSTANDING): state for text, state in told["understood"].items()}
    made |= {(pair_key(key(name), text), MULTIMODAL): state for (name, text), state in told["joined"].items()}
    known = {of: state for of, state in made.items() if state is not None}
    put_all(ledger, items, ({"key": k, "role": w.role, "tag": w.tag, "state": s} for (k, w), s in known.items()))


def state_by_the_rule(told: dict[str, Any], name: str, asked: list[set[RoleTag]]) -> ImageState:
    """Of one image shown by documents with these wants."""
    states = [item_by_the_rule(told, name, want, some) or ItemState.PENDING for some in asked for want in some]
    done = states.count(ItemState.DONE)
    if ItemState.PENDING in states or ItemState.LEASED in states:
        return ImageState.PENDING
    if done and told["published"][name] < told["made"][name]:
        return ImageState.PENDING
    if states and states.count(ItemState.REJECTED) == len(states):
        return ImageState.REJECTED
    if done == len(states):
        return ImageState.COMPLETE
    return ImageState.PARTIAL if done else ImageState.FAILED


def item_by_the_rule(told: dict[str, Any], name: str, want: RoleTag, beside: set[RoleTag]) -> ItemState | None:
    """Of one item of an image, in a document that wants all of these; None where there is nothing to show."""
    text = told["texts"][name]

    made: dict[tuple[str, RoleTag], ItemState | None] = told["items"]
    if want not in (UNDERSTANDING, MULTIMODAL):
        return made[name, want]
    if text is None:
        return made[name, ANALYSIS] if ANALYSIS in beside else None
    own: ItemState | None = told["understood"][text] if want is UNDERSTANDING else told["joined"][name, text]
    if own or want is UNDERSTANDING or VISUAL not in beside:
        return own
    return None if made[name, VISUAL] is ItemState.DONE else made[name, VISUAL]


@pytest.mark.gate
@settings(max_examples=400 if SOAK else settings().max_examples // 2)
@given(told=collections())
def test_account_closes_and_follows_the_rule(ledger: Ledger, told: dict[str, Any]) -> None:
    lay(ledger, told)
    shown = {d: {n for n, state in told["placed"][d] if state in COUNTED} for d in OWNERS}

    def expected(scope: list[str]) -> Counter[str]:
        return Counter(
            state_by_the_rule(told, name, [told["wants"][d] for d in scope if OWNERS[d] == owner and name in shown[d]])
            for owner in set(OWNERS.values())
            for name in sorted({n for d in scope if OWNERS[d] == owner for n in shown[d]})
        )

    scopes: list[tuple[dict[str, str], list[str]]] = [({"document": d}, [d]) for d in OWNERS]
    scopes += [({"owner": owner}, [d for d in OWNERS if OWNERS[d] == owner]) for owner in set(OWNERS.values())]
    scopes.append(({}, list(OWNERS)))
    for scope, within in scopes:
        counted = account.account(ledger, **scope)
        assert closes(counted)
        assert {s: getattr(counted, s.value) for s in ImageState} == {s: expected(within)[s] for s in ImageState}
        assert counted.placements_hidden == sum(
            state is PlacementState.HIDDEN for d in within for _, state in told["placed"][d]
        )
    for document in OWNERS:
        found = states(ledger, document)
        assert Counter(found.values()) == expected([document])
        unfinished = {image for image, state in found.items() if state is not ImageState.COMPLETE}
        assert {f.image_id for f in failures(ledger, document)} == unfinished
        pending = ImageState.PENDING in found.values()
        status, due_at = account.next_status(ledger, document)
        assert (status is DocumentStatus.WAITING) == pending == (due_at is not None)


def test_open_texts_keep_a_document_waiting(ledger: Ledger) -> None:
    run = begin(ledger)
    stage_results.save_chunks(ledger, run, chunked(run, "Oak is hard."))
    assert account.next_status(ledger, run.document)[0] is DocumentStatus.WAITING
    make_all(ledger, run)
    assert account.next_status(ledger, run.document)[0] is DocumentStatus.WAITING
    publish_all(ledger)
    assert account.next_status(ledger, run.document) == (DocumentStatus.COMPLETED, None)


def test_refused_objects_are_named_with_next_try(ledger: Ledger) -> None:
    run = begin(ledger)
    stage_results.save_chunks(ledger, run, chunked(run, "Oak is hard."))
    stage_results.save_extraction(ledger, run, extraction(placed(run, "oak")))
    make_all(ledger, run)
    assert [f.kind for f in failures(ledger, run.document)] == ["unpublished"]
    rows = publishing.lease_dirty(ledger, "a")
    settle(ledger, "a", rows, refused={row.id: UnreadableImage("NaN.") for row in rows})
    (failed,) = failures(ledger, run.document)
    assert (failed.subject, failed.kind, failed.error, failed.attempts) == ("index", "unreadable_image", "NaN.", 1)
    assert failed.next_retry_at is not None
    assert [f.subject for f in other_failures(ledger, run.document)] == ["index"]

    pass_time(ledger, 901)
    publish_all(ledger)
    stage_results.save_extraction(ledger, run, extraction(placed(run, "oak", caption="Oak")))
    rows = publishing.lease_dirty(ledger, "a")
    settle(ledger, "a", rows, refused={image("oak"): UnreadableImage("Too long.")})
    assert account.account(ledger, document=run.document).complete == 1, "what is searched is older, and whole"
    assert failures(ledger, run.document) == []
    assert [(f.subject, f.image_id) for f in other_failures(ledger, run.document)] == [("index", image("oak"))]
    assert [(each.what, each.kind, each.count) for each in failing_others(ledger, "anna")] == [
        ("index", UnreadableImage.kind, 1)
    ]


def test_lost_pages_and_failed_chunks_are_other_failures(ledger: Ledger) -> None:
    run = begin(ledger)
    stage_results.save_pages(ledger, run, reading(FailedPage(page=4, kind="unexpected", message="It looped.")), PLAN)
    stage_results.save_chunks(ledger, run, chunked(run, "Oak is hard.", pages=(2, 3)))
    make_all(ledger, run, failing=lambda c: ProviderTimeout("Too slow."))
    assert [(f.subject, f.page_number, f.kind) for f in other_failures(ledger, run.document)] == [
        ("page", 4, "unexpected"),
        ("chunk", 2, "provider_timeout"),
    ]
    assert account.account(ledger, document=run.document).pages_skipped == 1
    runs.end(ledger, run, DocumentStatus.BLOCKED, failure_kind="disk_full", message="Full.", due_at=9.0)
    kinds = {(each.what, each.kind): (each.count, each.next_try) for each in failing_others(ledger)}
    assert kinds.pop(("document", "disk_full")) == (1, 9.0)
    assert kinds.pop(("page", "unexpected")) == (1, None)
    assert kinds[("chunk", "provider_timeout")][0] == 1
    assert failing_others(ledger, "bert") == []


def test_a_document_is_found_by_id_or_name(ledger: Ledger) -> None:
    with pytest.raises(InvalidReference, match="Nothing has been ingested"):
        find_document(ledger, "oak", None)
    first, second = begin(ledger, owner="anna").document, begin(ledger, owner="bert").document
    oak, ash = begin(ledger, content="oak").document, begin(ledger, content="ash").document
    for text in (oak, oak[:12], "oak.pdf"):
        assert find_document(ledger, text, None).id == oak
    assert get_document(ledger, ash).name == "ash.pdf"
    with pytest.raises(InvalidReference) as error:
        find_document(ledger, "catalogue.pdf", None)
    assert first[:8] in str(error.value)
    assert second[:8] in str(error.value)
    assert find_document(ledger, "catalogue.pdf", owner="bert").id == second
    with pytest.raises(InvalidReference, match="may be any of"):
        find_document(ledger, "", None)
    with pytest.raises(InvalidReference, match=r"catalogue\.pdf"):
        find_document(ledger, "oak%", None)
    with pytest.raises(InvalidReference):
        get_document(ledger, "oak")


def test_documents_are_listed_by_page_newest_first(ledger: Ledger) -> None:
    put_all(
        ledger, documents,
        (
            {"id": f"{number:04}", "owner": "anna" if number % 2 else "bert", "content": f"{number}",
             "name": f"Oak_{number}%", "status": "failed" if number % 5 else "waiting", "created_at": number // 7,
             "stage": "REGISTERED", "kind": "pdf"}
            for number in range(1_000)
        ),
    )  # fmt: skip

    def listed(**chosen: Any) -> list[str]:
        found, page = list[str](), list_documents(ledger, limit=90, **chosen)
        while page:
            found += [document.id for document in page]
            last = page[-1].created_at, page[-1].id
            page = list_documents(ledger, limit=90, after=last, **chosen)
        return found

    assert listed() == [f"{number:04}" for number in reversed(range(1_000))]
    assert listed(owner="anna") == [f"{number:04}" for number in reversed(range(1_000)) if number % 2]
    assert len(listed(status=DocumentStatus.WAITING)) == 200
    assert listed(name="oak_99") == [f"{number:04}" for number in (*range(999, 989, -1), 99)]
    assert listed(name="_9%") == ["0009"]


@pytest.mark.gate
def test_the_report_has_the_counts_of_the_account(ledger: Ledger) -> None:
    run = begin(ledger)
    broken = placed(run, "broken", page=2)
    stage_results.save_chunks(ledger, run, chunked(run, "Oak is hard."))
    stage_results.save_extraction(ledger, run, extraction(placed(run, "oak"), broken, unreadable=["broken"]))
    edited_products.save_assembly(ledger, run, [product(run, "Oak")], [])
    make_all(ledger, run)
    publish_all(ledger)
    runs.record_timing(ledger, run, Stage.READ, 1.25)
    call = {"request": "q", "run": run.token, "document": run.document, "state": "answered", "cost_usd": 0.25}
    put(ledger, calls, **call)
    report = document_report(ledger, run.document, run=run.token)
    assert (report.images_found, report.images_complete, report.images_rejected) == (2, 1, 1)
    assert (report.products_discovered, report.chunks_created, report.cost_usd) == (1, 2, 0.25)
    assert report.seconds == {"PAGES_READ": 1.25}
    assert {(f.index, f.page_number, f.kind) for f in report.failed_images} == {(1, 2, "unreadable_image")}
    assert read_products(ledger, run.document) == [product(run, "Oak")]


def test_report_keeps_what_the_last_run_knew(ledger: Ledger) -> None:
    run = begin(ledger)
    ingest_report = document_report(ledger, run.document, run=run.token)
    known = {
        "confidence_score": 0.5, "sure": 0.31, "peak_memory_mb": 300.0, "warnings": ("odd font",),
        "seconds": {"PAGES_READ": 2.0},
    }  # fmt: skip
    known_report = ingest_report.model_copy(update=known)
    runs.end(ledger, run, DocumentStatus.COMPLETED, report=known_report)
    report = document_report(ledger, run.document)
    assert {name: getattr(report, name) for name in known} == known
    assert (report.status, report.run) == (DocumentStatus.COMPLETED, run.token)
    assert isinstance(report, RunReport)
    runs.end(ledger, begin_again(ledger, run), DocumentStatus.WAITING)
    assert get_document(ledger, run.document).report == known_report, "until the next one"
    assert show_document(ledger, run.document)["sure"] == 0.31
    assert document_figures(ledger, [run.document])[run.document].sure == 0.31


def test_pages_keep_unassigned_texts(ledger: Ledger) -> None:
    run = begin(ledger)
    stage_results.save_pages(ledger, run, reading(), PLAN)
    left = Unassigned(page=1, texts=(LooseText(text="Moss", bbox=(1, 2, 3, 4)),), pictures=((5, 6, 70, 80),))
    nearly = Evidence(rule="another style is likelier", page=2, text="Oak", detail={"probability": 0.2})
    page_findings.save_page_notes(ledger, run, Discovery(products=(), rejected=(nearly,), unsure=(2, 3)), [left])
    assert document_report(ledger, run.document).unassigned == (left,)
    assert show_document(ledger, run.document)["unassigned"] == [left.model_dump(mode="json")]
    first, second, third = (page for _, page in list_pages(ledger, run.document, limit=3))
    assert (first.unassigned, first.rejected, first.unsure) == (left, (), False)
    assert (second.unassigned, second.rejected, second.unsure, third.unsure) == (None, (nearly,), True, True)
    page_findings.save_page_notes(ledger, run, Discovery(products=()), [])
    assert document_report(ledger, run.document).unassigned == ()
    assert not any(page.unsure for _, page in list_pages(ledger, run.document, limit=3))


@pytest.mark.parametrize("database", ["sqlite"])
def test_account_needs_no_more_queries_for_more_images(ledger: Ledger) -> None:
    def asked(images: int) -> int:
        run = begin(ledger, content=f"{images}", requested=EVERYTHING)
        ingest(ledger, run, extraction(*(placed(run, f"{n}", page=n // 4 + 1) for n in range(images))))
        with planned(ledger) as plans:
            account.account(ledger, document=run.document)
            document_report(ledger, run.document)
        return len(plans)

    assert 5 < asked(8) == asked(64)


def test_every_owner_has_his_own_account(ledger: Ledger) -> None:
    begun(ledger, owner="anna", pictures=keys(3))
    begun(ledger, owner="bert", content="other", pictures=keys(5))
    begun(ledger, owner="bert", content="third", pictures=keys(6))
    begun(ledger, owner="cora", content="empty")
    found = account.owner_accounts(ledger)
    assert [(each.owner, each.documents, each.found, each.complete) for each in found] == [
        ("bert", 2, 6, 0), ("anna", 1, 3, 0), ("cora", 1, 0, 0),
    ]  # fmt: skip
    for each in found:
        alone = account.account(ledger, owner=each.owner).model_dump()
        assert {name: count for name, count in each.model_dump().items() if name in alone}.items() <= alone.items()
        assert each.found == each.complete + each.partial + each.failed + each.rejected + each.pending


def test_what_every_owner_has_is_counted_apart(ledger: Ledger) -> None:
    assert account.count_owners(ledger) == []
    complete(ledger, "oak", "ash")
    complete(ledger, "oak", "ash", owner="bert")  # shares every vector
    begun(ledger, owner="bert", content="other")
    anna, bert = account.count_owners(ledger)
    made = 2 + 2 + 2 + 1  # visual, color and understanding of each image, text of the chunk
    assert anna == account.OwnerCounts(
        owner="anna", documents={"completed": 1}, products=0, images=2, vectors=made, bytes=1
    )
    assert bert == anna.model_copy(update={"owner": "bert", "documents": {"completed": 1, "running": 1}, "bytes": 2})


def test_the_account_of_a_document_is_its_own(ledger: Ledger) -> None:
    first = begun(ledger, pictures=keys(3))
    second = begun(ledger, content="other", pictures=keys(3)[:1])
    listed = [get_document(ledger, each.document) for each in (second, first)]
    states = account.document_states(ledger, listed)
    assert [(each.id, each.found, each.pending) for each in states] == [(second.document, 1, 1), (first.document, 3, 3)]
    assert (account.count_shown(ledger), account.count_shown(ledger, "bert")) == (3, 0)
