"""Calls in a provider's batch: sent and paid for once, whatever dies or goes wrong, and waited for without a run."""

import asyncio
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count as counting
from pathlib import Path

import pytest
from sqlalchemy import delete, event, select, update
from sqlalchemy.engine import Engine

from interface.cli.doctor import check_batches
from scheduler import tick
from swatchbook import tracing
from swatchbook.backup.restore import restore
from swatchbook.backup.write import back_up
from swatchbook.errors import Authentication
from swatchbook.ledger import batched_calls, claims, item_runs, runs
from swatchbook.ledger.calls import spending
from swatchbook.ledger.database import Ledger, open_ledger
from swatchbook.ledger.stored_documents import Document, get_document
from swatchbook.ledger.tables import (
    analyses,
    calls,
    documents,
    images,
    items,
    provider_batches,
    requested,
    vectors,
)
from swatchbook.pipeline.embed import process_batch
from swatchbook.pipeline.publish import publish_all
from swatchbook.pipeline.review import review_all
from swatchbook.providers.batch_choice import AWAITED_SECONDS, FEWEST_CALLS, goes_in_batch
from swatchbook.providers.batch_client import BatchClient
from swatchbook.records import DocumentStatus, ItemState, Role
from swatchbook.resources import Resources, open_resources
from swatchbook.setting_values import Price
from swatchbook.settings import Settings
from swatchbook.upkeep.fill_missing import Fill, fill_missing, plan_fill
from swatchbook.upkeep.send_batches import send_batches
from tests.ledger import scene
from tests.ledger.scene import count, one
from tests.otlp_receiver import Receiver, receiver
from tests.pipeline.test_embed import Counting
from tests.pipeline.test_scan import begin, scanned
from tests.providers.standin import KEY, Provider, provider
from tests.sources.pictures import draw

__all__ = ["receiver"]

PICTURES = 5
SEEN = {
    "material": "oak", "finish": None, "colors": [], "textures": [], "pattern": None, "contrast": None,
    "dimensions": None, "slip_rating": None, "printed_text": None, "application": None, "confidence": 0.9,
    "quality": 0.9,
}  # fmt: skip


@pytest.fixture
def there() -> Iterator[Provider]:
    with provider() as server:
        server.answer = lambda asked: SEEN
        yield server


@pytest.fixture(params=["openai", "anthropic"])
def api(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def resources(tmp_path: Path, there: Provider, api: str) -> Iterator[Resources]:
    """A folder of pictures that a vision model in batches is to describe."""
    for number in range(PICTURES):
        draw(tmp_path / "pictures" / f"{number}.png", number)
    with opened(settings(tmp_path, there, api)) as tools:
        yield tools


@pytest.fixture
def ledger(migrated: Path, folder: Path) -> Iterator[Ledger]:
    ledger = open_ledger(f"sqlite:///{shutil.copy(migrated, folder)}")
    yield ledger
    ledger.close()


@contextmanager
def opened(chosen: Settings) -> Iterator[Resources]:
    """Resources whose text encoder takes no time to load."""
    with open_resources(chosen) as tools:
        tools.models._text_encoder = Counting()
        yield tools


def settings(folder: Path, there: Provider, api: str, **given: object) -> Settings:
    url = there.anthropic_url if api == "anthropic" else there.openai_url
    chosen: dict[str, object] = {
        "home": folder / "home", "analyst": "vision", "vision_url": url, "vision_api": api, "vision_model": "seer",
        "vision_api_key": KEY, "prices": {"seer": Price(input=1_000, output=1_000)}, "batch": "always", "decoders": 1,
    }  # fmt: skip
    return Settings.model_validate(chosen | given)


def run(resources: Resources) -> Document:
    """Run the document once, and return it."""
    work = begin(resources, resources.settings.home.parent / "pictures")
    scanned(resources, work)
    while batches := claims.cut_batches(resources.ledger, work.run, 20):
        for batch in batches:
            process_batch(resources, work.run, batch, size=20, last_try=True)
    publish_all(resources, at_most=0)
    scene.end(resources.ledger, work.run)
    return get_document(resources.ledger, work.document)


def analysed(resources: Resources) -> int:
    return count(resources.ledger, analyses)


def let_time_pass(resources: Resources) -> None:
    """End what processes that died hold, and let the provider's list have what it accepted."""
    with resources.ledger.write() as connection:
        connection.execute(update(provider_batches).values(held_until=None, sending_at=0.0))


def states(resources: Resources) -> dict[str, int]:
    with resources.ledger.read() as connection:
        found = list(connection.execute(select(calls.c.state)).scalars())
    return {state: found.count(state) for state in found}


def paid_twice(there: Provider) -> list[str]:
    return [key for key, times in there.paid.items() if times > 1]


# --- the whole way ----------------------------------------------------------------------------------------------------


def test_answers_come_in_a_batch_at_half_the_price(resources: Resources, there: Provider) -> None:
    waiting = run(resources)
    now = resources.ledger.now()
    assert waiting.status is DocumentStatus.WAITING
    assert waiting.due_at is not None
    assert waiting.due_at > now + 3_600
    (item,) = {tuple(row) for row in _failures(resources)}
    assert item[:2] == ("in_batch", 0)
    assert "in a batch at 127.0.0.1" in item[2]
    assert "at the latest" in item[2]
    assert not there.batches.all, "it is sent when no run adds to it any more"

    assert send_batches(resources, at_once=True).sent == PICTURES
    assert len(there.batches.all) == 1
    assert run(resources).status is DocumentStatus.WAITING
    assert send_batches(resources, at_once=True) == send_batches(resources, at_once=True)
    there.batches.finish()
    assert send_batches(resources, at_once=True).taken_in == PICTURES
    due = get_document(resources.ledger, waiting.id)
    assert due.due_at is not None
    assert due.due_at <= resources.ledger.now(), "it is due as soon as the answers are here"

    run(resources)
    assert analysed(resources) == PICTURES
    assert states(resources) == {"answered": PICTURES}
    assert len(there.asked) == 0
    assert not paid_twice(there)
    assert len(there.paid) == PICTURES
    (spent,) = spending(resources.ledger, waiting.id)
    full = (spent.tokens_in + spent.tokens_out) * 1_000 / 1_000_000
    assert spent.cost_usd == pytest.approx(full / 2)


def test_sending_and_looking_are_traced_without_what_is_asked(
    resources: Resources, there: Provider, receiver: Receiver
) -> None:
    run(resources)
    send_batches(resources, at_once=True)
    there.batches.finish()
    send_batches(resources, at_once=True)
    tracing.finish()
    (batch,) = batched_calls.list_batches(resources.ledger)
    traced = [each for each in receiver.spans() if "provider batch" in each.name]
    assert [each.name for each in traced] == ["submit provider batch", "poll provider batch"]
    for each in traced:
        assert each.attributes == {
            "swatchbook.batch": batch.id, "gen_ai.request.model": "seer", "swatchbook.items": PICTURES,
            "swatchbook.made": PICTURES,
        }  # fmt: skip
    assert not any(b"oak" in body for _, body in receiver.bodies)


def test_a_batch_that_cannot_be_sent_is_a_failed_span(
    resources: Resources, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise Authentication("The key in question was refused.")

    run(resources)
    monkeypatch.setattr(BatchClient, "_ask", refuse)
    assert len(send_batches(resources, at_once=True).troubles) == 1
    tracing.finish()
    (failed,) = [each for each in receiver.spans() if each.name == "submit provider batch"]
    assert failed.failed
    assert failed.attributes["error.type"] == "Authentication"
    assert not any(b"in question" in body for _, body in receiver.bodies)


def _failures(resources: Resources) -> Iterator[tuple[str, int, str]]:
    with resources.ledger.read() as connection:
        waits = select(items).where(items.c.role == Role.ANALYSIS, items.c.state == ItemState.PENDING)
        for row in connection.execute(waits).mappings():
            yield row["failure"]["kind"], row["attempts"], row["failure"]["message"]


# --- kills ------------------------------------------------------------------------------------------------------------


def killed_at(step: int, folder: Path, there: Provider, api: str) -> bool:
    """Send batches in a process that is killed at this SQL statement or commit; return whether it came so far."""
    child = os.fork()
    if child == 0:
        steps = counting(1)

        def take() -> None:
            if next(steps) == step:
                os.kill(os.getpid(), signal.SIGKILL)

        event.listen(Engine, "before_cursor_execute", lambda *_: take())
        event.listen(Engine, "commit", lambda _: take())
        with opened(settings(folder, there, api)) as tools:
            send_batches(tools, at_once=True)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def test_killed_at_each_step_it_pays_once(resources: Resources, there: Provider, tmp_path: Path, api: str) -> None:
    run(resources)
    resources.ledger.close()
    deaths = 0
    for finish in (lambda: None, there.batches.finish):
        finish()
        for step in counting(3):
            died = killed_at(step, tmp_path, there, api)
            let_time_pass(resources)
            if api == "anthropic":  # only its results tell that it is ours
                there.batches.finish()
            if not died:
                break
            deaths += 1
    assert deaths > 10
    run(resources)
    assert (len(there.batches.all), analysed(resources)) == (1, PICTURES)
    assert not paid_twice(there)
    assert len(there.paid) == PICTURES
    assert not there.asked


def test_accepted_without_a_reply_it_is_found_again(resources: Resources, there: Provider, api: str) -> None:
    run(resources)
    there.batches.creating.append("vanish")
    there.batches.hidden = True  # its list does not have it at once
    assert send_batches(resources, at_once=True).troubles
    send_batches(resources, at_once=True)
    assert len(there.batches.all) == 1, "it may be there: it is not sent again yet"
    there.batches.hidden = False
    if api == "anthropic":
        let_time_pass(resources)
        send_batches(resources, at_once=True)
        assert len(there.batches.all) == 1, "whose it is shows only at its end"
    there.batches.finish()
    send_batches(resources, at_once=True)
    assert send_batches(resources, at_once=True).taken_in == PICTURES
    assert len(there.batches.all) == 1
    assert not paid_twice(there)


@pytest.mark.parametrize("fault", ["error", "listing"])
def test_refused_with_an_error_it_is_sent_again(resources: Resources, there: Provider, fault: str) -> None:
    run(resources)
    there.batches.creating.append("error")
    there.batches.listing.extend(["error"] if fault == "listing" else [])
    assert send_batches(resources, at_once=True).troubles
    for _ in range(2):
        let_time_pass(resources)
        send_batches(resources, at_once=True)
    there.batches.finish()
    assert send_batches(resources, at_once=True).taken_in == PICTURES
    assert len(there.batches.all) == 1


def test_two_processes_send_it_once(resources: Resources, there: Provider) -> None:
    run(resources)
    (name,) = batched_calls.due_batches(resources.ledger, settle_seconds=0, at_once=True)
    assert batched_calls.hold(resources.ledger, name) is not None
    assert batched_calls.hold(resources.ledger, name) is None
    assert send_batches(resources, at_once=True).sent == 0
    assert not there.batches.all


# --- what goes wrong --------------------------------------------------------------------------------------------------


def finish_badly(resources: Resources, there: Provider, status: str = "completed") -> str | None:
    """Let the batch end, take it in, and return what it says."""
    there.batches.finish(status)
    send_batches(resources, at_once=True)
    return one(resources.ledger, provider_batches, state="ended")["message"]  # type: ignore[no-any-return]


def sent(resources: Resources) -> list[str]:
    """Run, send, and return the requests."""
    run(resources)
    send_batches(resources, at_once=True)
    with resources.ledger.read() as connection:
        return sorted(connection.execute(select(calls.c.request)).scalars())


def test_a_refused_call_is_asked_by_itself(resources: Resources, there: Provider) -> None:
    refused = sent(resources)[0]
    there.batches.refused[refused] = "This cannot be processed."
    assert "This cannot be processed" in str(finish_badly(resources, there))
    run(resources)
    assert analysed(resources) == PICTURES
    assert len(there.asked) == 1
    assert not paid_twice(there)


def test_what_expires_goes_into_the_next_batch(resources: Resources, there: Provider) -> None:
    late = sent(resources)[:2]
    there.batches.unanswered |= {*late}
    message = str(finish_badly(resources, there, "expired"))
    assert "expired" in message
    assert "without an answer: 2" in message
    there.batches.unanswered.clear()
    run(resources)
    assert send_batches(resources, at_once=True).sent == 2
    there.batches.finish()
    send_batches(resources, at_once=True)
    run(resources)
    assert analysed(resources) == PICTURES
    assert not there.asked
    assert not paid_twice(there)


def test_lines_that_are_missing_or_malformed_cost_only_themselves(resources: Resources, there: Provider) -> None:
    missing, broken, strange = sent(resources)[:3]
    wrong = {missing: None, broken: b'{"custom_id": "cut of', strange: b'["what"]'}
    there.batches.twist = lambda custom_id, line: wrong.get(custom_id, line)
    assert "without an answer: 3" in str(finish_badly(resources, there))
    assert states(resources) == {"answered": 2, "unknown": 3}
    run(resources)
    assert analysed(resources) == PICTURES
    assert len(there.asked) == 3


def test_answers_that_are_no_longer_kept_are_named(resources: Resources, there: Provider) -> None:
    sent(resources)
    there.batches.finish()
    there.batches.lose_results()
    send_batches(resources, at_once=True)
    assert "no longer kept" in str(one(resources.ledger, provider_batches, state="ended")["message"])
    run(resources)
    assert states(resources) == {"unknown": PICTURES, "queued": PICTURES}


def test_an_invalid_answer_is_corrected_by_itself(resources: Resources, there: Provider) -> None:
    sent(resources)
    there.answer = lambda asked: {"surprise": 1}
    there.batches.finish()
    there.answer = lambda asked: SEEN
    send_batches(resources, at_once=True)
    run(resources)
    assert analysed(resources) == PICTURES
    assert len(there.asked) == PICTURES


def test_with_the_key_of_another_account_it_is_not_given_up(resources: Resources, there: Provider) -> None:
    sent(resources)
    batches, there.batches.all = there.batches.all, []
    (trouble,) = send_batches(resources, at_once=True).troubles
    assert "Set the key of the account that it was sent with." in trouble
    there.batches.all = batches
    there.batches.finish()
    assert send_batches(resources, at_once=True).taken_in == PICTURES


def test_results_that_are_cut_off_are_fetched_again(
    resources: Resources, there: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent(resources)
    there.batches.finish()
    download, cut = BatchClient.download, list[Path]()

    def cut_once(http: BatchClient, path: str, to: Path) -> None:
        download(http, path, to)
        if not cut:
            cut.append(to)
            to.write_bytes(to.read_bytes()[:-20])

    monkeypatch.setattr(BatchClient, "download", cut_once)
    assert send_batches(resources, at_once=True).taken_in == PICTURES
    assert states(resources) == {"answered": PICTURES}


@pytest.mark.parametrize("api", ["openai"], indirect=True)
def test_a_round_of_the_loop_sends_and_takes_in(
    resources: Resources, there: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tick, "_process_due", _nothing)
    monkeypatch.setattr(tick, "_review", _nothing)
    run(resources)
    assert asyncio.run(tick.tick(resources)).batched == 0, "calls may still be added"
    scene.pass_time(resources.ledger, 120)
    assert asyncio.run(tick.tick(resources)).batched == PICTURES
    there.batches.finish()
    assert asyncio.run(tick.tick(resources)).taken_in == 0, "it is not looked at in every round"
    scene.pass_time(resources.ledger, 600)
    assert asyncio.run(tick.tick(resources)).taken_in == PICTURES


async def _nothing(_: Resources) -> dict[str, object]:
    return {}


@pytest.mark.parametrize("api", ["openai"], indirect=True)
def test_a_restored_collection_takes_in_what_was_under_way(
    resources: Resources, there: Provider, tmp_path: Path, api: str
) -> None:
    sent(resources)
    back_up(resources, tmp_path / "backup")
    there.batches.finish()
    elsewhere = settings(tmp_path, there, api, home=tmp_path / "elsewhere")
    with opened(elsewhere) as tools:
        restore(tools, tmp_path / "backup")
        assert send_batches(tools, at_once=True).taken_in == PICTURES
        assert states(tools) == {"answered": PICTURES}


@pytest.mark.parametrize("api", ["openai"], indirect=True)
def test_a_fill_goes_on_when_its_batch_has_ended(
    resources: Resources, there: Provider, tmp_path: Path, api: str
) -> None:
    with opened(settings(tmp_path, there, api, analyst="local")) as tools:
        assert run(tools).status is DocumentStatus.COMPLETED
    with resources.ledger.write() as connection:
        for table in (analyses, items, vectors, requested):
            text = () if table is analyses else (table.c.role.in_((Role.ANALYSIS, Role.UNDERSTANDING)),)
            connection.execute(delete(table).where(*text))
        connection.execute(update(images).values(text_key=None, pair_key=None))
    plan = {each.role: each for each in plan_fill(resources, Fill()).roles}
    waiting = fill_missing(resources, Fill())
    assert waiting.failures == ()
    assert waiting.made == 0
    assert len(there.batches.all) == 1, "it is sent at the end of the fill"
    assert fill_missing(resources, Fill()).made == 0
    there.batches.finish()
    done = fill_missing(resources, Fill())
    assert (done.made, done.failures, analysed(resources)) == (PICTURES + 1, (), PICTURES), "all have the same text"
    assert there.asked == []
    spent = sum(each.cost_usd for each in spending(resources.ledger, one(resources.ledger, documents)["id"]))
    assert 0 < spent <= (plan[Role.ANALYSIS].usd or 0)


@pytest.mark.parametrize("api", ["openai"], indirect=True)
def test_refused_because_too_much_is_under_way_it_is_sent_later(resources: Resources, there: Provider) -> None:
    sent(resources)
    there.batches.fail("token_limit_exceeded", "Enqueued token limit reached.")
    send_batches(resources, at_once=True)
    waits = one(resources.ledger, provider_batches)
    assert waits["state"] == "sending"
    assert waits["look_at"] > resources.ledger.now() + 1_800
    let_time_pass(resources)
    send_batches(resources, at_once=True)
    there.batches.finish()
    send_batches(resources, at_once=True)
    run(resources)
    assert analysed(resources) == PICTURES
    assert len(there.batches.all) == 2
    assert not paid_twice(there)


@pytest.mark.parametrize("api", ["openai"], indirect=True)
def test_refused_as_a_whole_its_calls_are_asked_by_themselves(resources: Resources, there: Provider) -> None:
    sent(resources)
    there.batches.fail("model_not_found", "This model has no batches.")
    send_batches(resources, at_once=True)
    assert "no batches" in str(one(resources.ledger, provider_batches)["message"])
    run(resources)
    assert analysed(resources) == PICTURES
    assert len(there.asked) == PICTURES


# --- what goes in -----------------------------------------------------------------------------------------------------


def test_off_asks_at_once_what_was_queued(resources: Resources, there: Provider, tmp_path: Path, api: str) -> None:
    run(resources)
    with opened(settings(tmp_path, there, api, batch="off")) as tools:
        send_batches(tools)
        run(tools)
    assert analysed(resources) == PICTURES == len(there.asked)
    assert not there.batches.all


def test_off_asks_at_once_what_was_never_accepted(
    resources: Resources, there: Provider, tmp_path: Path, api: str
) -> None:
    run(resources)
    there.batches.creating.append("error")
    assert send_batches(resources, at_once=True).troubles
    let_time_pass(resources)
    with opened(settings(tmp_path, there, api, batch="off")) as tools:
        assert send_batches(tools, at_once=True).sent == 0
        run(tools)
    assert analysed(resources) == PICTURES == len(there.asked)
    assert there.batches.all == []


def test_off_takes_in_what_was_sent(resources: Resources, there: Provider, tmp_path: Path, api: str) -> None:
    sent(resources)
    there.batches.finish()
    with opened(settings(tmp_path, there, api, batch="off")) as tools:
        assert send_batches(tools, at_once=True).taken_in == PICTURES
        run(tools)
    assert analysed(resources) == PICTURES
    assert not there.asked


def test_batches_are_split_at_their_limits(
    resources: Resources, there: Provider, monkeypatch: pytest.MonkeyPatch, api: str
) -> None:
    from swatchbook.providers.wires import anthropic, openai

    monkeypatch.setattr(anthropic if api == "anthropic" else openai, "BATCH_CALLS", 2)
    sent(resources)
    assert [len(batch.calls) for batch in there.batches.all] == [2, 2, 1]
    there.batches.finish()
    assert send_batches(resources, at_once=True).taken_in == PICTURES


@pytest.mark.parametrize(
    ("batch", "url", "calls", "awaited", "expected"),
    [
        ("auto", "https://api.openai.com/v1", FEWEST_CALLS, False, True),
        ("auto", "https://api.openai.com/v1", FEWEST_CALLS, True, False),
        ("auto", "https://api.openai.com/v1", FEWEST_CALLS - 1, False, False),
        ("auto", "https://gateway.example/v1", FEWEST_CALLS, False, False),
        ("always", "https://gateway.example/v1", 1, True, True),
        ("off", "https://api.openai.com/v1", FEWEST_CALLS, False, False),
    ],
)
def test_many_calls_that_nobody_waits_for_go_in(
    batch: str, url: str, calls: int, awaited: bool, expected: bool
) -> None:
    chosen = Settings.model_validate({"batch": batch, "vision_url": url})
    assert goes_in_batch(chosen, "vision", calls, awaited=awaited) is expected


@pytest.mark.parametrize(("seconds", "expected"), [(0, True), (3_000, True), (4_000, False)])
def test_a_document_is_waited_for_an_hour(ledger: Ledger, seconds: float, expected: bool) -> None:
    first = scene.begin(ledger)
    scene.end(ledger, first)
    scene.pass_time(ledger, seconds)
    again = scene.begin_again(ledger, first, fingerprint="g")
    assert runs.is_awaited(ledger, again, seconds=AWAITED_SECONDS) is expected


def test_nobody_waits_for_a_review(ledger: Ledger) -> None:
    first = scene.begin(ledger)
    scene.end(ledger, first)
    assert not runs.is_awaited(ledger, item_runs.begin_review(ledger, first.document), seconds=AWAITED_SECONDS)


@pytest.mark.parametrize("api", ["openai"], indirect=True)
def test_budget_counts_calls_in_a_batch(resources: Resources) -> None:
    work = begin(resources, resources.settings.home.parent / "pictures", max_usd=5.0)
    scanned(resources, work)
    for batch in claims.cut_batches(resources.ledger, work.run, 20):
        process_batch(resources, work.run, batch, size=20, last_try=True)
    reasons = sorted(message for _, _, message in _failures(resources))
    assert states(resources)["queued"] < PICTURES
    assert "of 5 USD may be spent by calls that are in a batch" in reasons[0]


@pytest.mark.parametrize("api", ["openai"], indirect=True)
def test_reviews_wait_for_their_batch(resources: Resources, there: Provider, tmp_path: Path, api: str) -> None:
    sent(resources)
    there.batches.finish()
    send_batches(resources, at_once=True)
    second = {"review_model": "stronger", "review_below": 1.0}
    with opened(settings(tmp_path, there, api, **second)) as tools:
        document = run(tools).id
        (asked,) = review_all(tools)
        assert (asked.waiting, asked.accepted, asked.failed) == (PICTURES, 0, ())
        assert list(review_all(tools)) == [], "it is not asked again meanwhile"
        assert send_batches(tools, at_once=True).sent == PICTURES
        there.batches.finish()
        send_batches(tools, at_once=True)
        (done,) = review_all(tools)
        assert done.waiting == 0
        assert done.pictures == PICTURES == len(there.paid) - PICTURES
        assert {each.stage for each in spending(tools.ledger, document)} == {"embed", "review"}
    assert there.asked == []


def test_a_missing_address_is_named(resources: Resources, there: Provider, tmp_path: Path, api: str) -> None:
    sent(resources)
    elsewhere = settings(tmp_path, there, api, vision_url="http://127.0.0.1:1/v1")
    with opened(elsewhere) as tools:
        (trouble,) = send_batches(tools, at_once=True).troubles
    assert "No setting names http://127.0.0.1" in trouble
    assert f"{PICTURES} calls to seer: sent since" in check_batches(resources)
    assert "No setting names http://127.0.0.1" in check_batches(resources)
    there.batches.finish()
    assert send_batches(resources, at_once=True).taken_in == PICTURES
