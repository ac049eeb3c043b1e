"""Send the calls that wait for a provider's batch, look how far batches are, and take their answers in.

Each step is in the ledger before the next begins, so that it may be killed anywhere. A batch that may have been
accepted, although its id was not recorded, is looked for at the provider before it is sent again; so its calls are paid
once, as far as the format can tell (`providers/wires/`). `ledger/batched_calls.py` has the states.
"""

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from swatchbook.errors import Configuration, Failure, FileMissing, Policy, RateLimited
from swatchbook.ledger import batched_calls
from swatchbook.ledger.batched_calls import ProviderBatch
from swatchbook.ledger.calls import BATCH_SECONDS, Answer
from swatchbook.providers.batch_choice import BatchFormat, format_of
from swatchbook.providers.batch_client import BatchClient, BatchLine, GoneAtProvider, RemoteBatch
from swatchbook.providers.chat import batched_answer
from swatchbook.providers.costs import in_batch
from swatchbook.providers.endpoint import Endpoint, Part, endpoint, endpoint_url
from swatchbook.providers.prices import price_at
from swatchbook.records import Record
from swatchbook.resources import Resources
from swatchbook.settings import Settings
from swatchbook.tracing import span

log = logging.getLogger(__name__)

SETTLE_SECONDS: Final = 60.0
"""A batch is sent when no call was added to it for so long."""

LOOK_SECONDS: Final = 300.0
"""Seconds between two looks at a batch that is under way."""

_APPEARS_SECONDS: Final = 120.0
"""A batch that the provider has just accepted may not be in its list yet: it is sent again only after this time."""

_TOO_MUCH_SECONDS: Final = 3_600.0
"""Until a batch is sent again that was refused because too much was under way."""

_NAMED: Final = 3  # refused calls that a batch's message quotes


class BatchRound(Record):
    """What one round did: calls sent and answers taken in; batches that ended badly or cannot be reached, in words."""

    sent: int = 0
    taken_in: int = 0
    troubles: tuple[str, ...] = ()


def send_batches(resources: Resources, *, at_once: bool = False) -> BatchRound:
    """Send and look at all batches that are due; `at_once`: also those that still fill, or are to be looked at later.

    A batch that fails does not stop the others: it is tried again after a pause. With SWATCHBOOK_BATCH=off nothing more
    is sent, and what was sent is still taken in.
    """
    ledger = resources.ledger
    if resources.settings.batch == "off":
        batched_calls.withdraw_queued(ledger)
    sent, taken, troubles = 0, 0, list[str]()
    for name in batched_calls.due_batches(ledger, settle_seconds=0 if at_once else SETTLE_SECONDS, at_once=at_once):
        if (batch := batched_calls.hold(ledger, name)) is None:
            continue
        try:
            if batch.state == "sent":
                taken += _traced("poll provider batch", _look, resources, batch)
            else:
                sent += _traced("submit provider batch", _send, resources, batch)
        except Failure as failure:
            log.warning("batch %s of %s: %s", batch.id, batch.model, failure)
            troubles.append(f"Batch of {batch.calls} calls to {batch.model}: {failure}")
            batched_calls.look_later(ledger, batch.id, _pause(batch, failure, ledger.now()), message=str(failure))
    batched_calls.release_late(ledger)
    return BatchRound(sent=sent, taken_in=taken, troubles=tuple(troubles))


def _traced(
    name: str, step: Callable[[Resources, ProviderBatch], int], resources: Resources, batch: ProviderBatch
) -> int:
    """Run a step of a batch in a span, which notes the number of calls or answers that the step returns."""
    with span(name, kind="client", batch=batch.id, model=batch.model, items=batch.calls) as traced:
        made = step(resources, batch)
        traced.note(made=made)
        return made


def _pause(batch: ProviderBatch, failure: Failure, now: float) -> float:
    """Return the seconds until a batch that met a failure is tried again: longer, the longer it has been there."""
    if isinstance(failure, RateLimited) and failure.retry_after is not None:
        return failure.retry_after
    return max(LOOK_SECONDS / 5, min(LOOK_SECONDS, (now - batch.created_at) / 5))


@contextmanager
def _connection(settings: Settings, batch: ProviderBatch) -> Iterator[tuple[BatchFormat, BatchClient]]:
    """Yield the format of a batch and a connection to its provider.

    Raises Configuration if no setting names its address any more.
    """
    where, form = _endpoint(settings, batch), format_of(batch.api)
    header = form.chat.header(where.key.get_secret_value() if where.key else None)
    with BatchClient(where, header) as http:
        yield form, http


def _endpoint(settings: Settings, batch: ProviderBatch) -> Endpoint:
    parts: tuple[Part, ...] = ("vision", "review", "llm")
    for part in sorted(parts, key=lambda part: getattr(settings, f"{part}_model") != batch.model):
        if endpoint_url(settings, part) == batch.url:
            found = endpoint(settings, part, url=batch.url)
            key = found.key or (settings.vision_api_key if part == "review" and not settings.review_url else None)
            return Endpoint(part, found.url, batch.model, key, seconds=settings.provider_seconds)
    raise Configuration(
        f"No setting names {batch.url}, where a batch of {batch.calls} calls is.",
        advice="Set it as the URL of a model again until its answers are taken in.",
    )


# --- send -------------------------------------------------------------------------------------------------------------


def _send(resources: Resources, batch: ProviderBatch) -> int:
    """Send a batch, unless the provider has it already. Return how many calls were sent."""
    ledger, tried = resources.ledger, batch.state == "sending"
    if not tried:
        batched_calls.start_sending(ledger, batch.id)
    requests = batched_calls.requests_of(ledger, batch.id)
    if not requests:  # all were sent by themselves meanwhile
        batched_calls.end(ledger, batch.id, message="", left="again")
        return 0
    with _connection(resources.settings, batch) as (form, http):
        if tried:
            found, may_be = _find(resources, batch, form, http, requests)
            if found:
                log.info("batch %s was found at %s", batch.id, http.where.host)
                batched_calls.record_sent(ledger, batch.id, found.id, expires_at=found.expires_at)
                batched_calls.look_later(ledger, batch.id, 0)
                return len(requests)
            if may_be or ledger.now() - (batch.sending_at or 0) < _APPEARS_SECONDS:
                batched_calls.look_later(ledger, batch.id, LOOK_SECONDS / 5, message=batch.message)
                return 0
            if resources.settings.batch == "off":
                batched_calls.end(ledger, batch.id, message="It was never sent.", left="again")
                return 0
            batched_calls.start_sending(ledger, batch.id)
        try:
            with _file(resources, form, requests) as file:
                remote = form.batches.submit(http, batch.id, file)
        except FileMissing as failure:  # a restored backup has no requests, and the provider does not have them
            batched_calls.end(ledger, batch.id, message=str(failure), left="again")
            return 0
        except Failure as failure:
            if failure.policy is not Policy.NEVER:
                raise
            batched_calls.end(ledger, batch.id, message=str(failure), left="failed")
            raise
    batched_calls.record_sent(ledger, batch.id, remote.id, expires_at=remote.expires_at)
    batched_calls.look_later(ledger, batch.id, LOOK_SECONDS / 5)
    return len(requests)


def _find(
    resources: Resources, batch: ProviderBatch, form: BatchFormat, http: BatchClient, requests: dict[str, str | None]
) -> tuple[RemoteBatch | None, bool]:
    """Return the batch at the provider that is this one, if it is there; and whether one may be that has not ended."""
    listed = form.batches.find(http, batch.id, len(requests), batch.created_at)
    known = batched_calls.known_remotes(resources.ledger, [each.id for each in listed])
    candidates = [each for each in listed if each.id not in known]
    if form.batches.is_certain():
        return (candidates[0] if candidates else None), False
    for each in candidates:
        if each.state == "ended":
            with _folder(resources) as folder:
                if any(line.request in requests for line in _lines(form, _download(http, each, folder))):
                    return each, False
    return None, any(each.state == "under way" for each in candidates)


@contextmanager
def _file(resources: Resources, form: BatchFormat, requests: dict[str, str | None]) -> Iterator[Path]:
    """Yield a file of these calls as the provider takes it. Raises FileMissing."""
    before, between, after = form.batches.FRAME
    with _folder(resources) as folder, (file := folder / "calls").open("wb") as out:
        out.write(before)
        for number, (request, body) in enumerate(requests.items()):
            if body is None:
                raise FileMissing("The requests of the batch are not here; they are asked again.")
            out.write(between if number else b"")
            out.write(form.batches.line(request, resources.files.read(body)))
        out.write(after)
        out.flush()
        yield file


# --- take in ----------------------------------------------------------------------------------------------------------


def _look(resources: Resources, batch: ProviderBatch) -> int:
    """Look how far a batch is; take its answers in if it has ended. Return how many."""
    ledger = resources.ledger
    assert batch.remote is not None  # noqa: S101 - it was sent
    with _connection(resources.settings, batch) as (form, http):
        try:
            remote = form.batches.look(http, batch.remote)
        except GoneAtProvider:
            if ledger.now() < (batch.expires_at or batch.created_at + BATCH_SECONDS):
                raise Configuration(
                    f"{http.where.host} does not know the batch {batch.remote}.",
                    advice="Set the key of the account that it was sent with.",
                ) from None
            message = "The provider does not know it any more."
            batched_calls.end(ledger, batch.id, message=message, left="gone")
            return 0
        if remote.state == "under way":
            if remote.checked:
                batched_calls.drop_bodies(ledger, batch.id)
            batched_calls.look_later(ledger, batch.id, LOOK_SECONDS)
            return 0
        if remote.state == "refused":
            if remote.again:
                batched_calls.look_later(ledger, batch.id, _TOO_MUCH_SECONDS, message=remote.message, again=True)
            else:
                batched_calls.end(ledger, batch.id, message=remote.message or "", left="failed")
            return 0
        with _folder(resources) as folder:
            try:
                files = _download(http, remote, folder)
                if remote.answered is not None and sum(1 for _ in _lines(form, files)) < remote.answered:
                    files = _download(http, remote, folder)  # cut off on its way, or really missing
            except GoneAtProvider:
                message = "Its answers are no longer kept by the provider."
                batched_calls.end(ledger, batch.id, message=message, left="gone")
                return 0
            return _take_in(resources, batch, form, http.where, remote, files)


def _take_in(
    resources: Resources,
    batch: ProviderBatch,
    form: BatchFormat,
    where: Endpoint,
    remote: RemoteBatch,
    files: Sequence[Path],
) -> int:
    """Store the answers of a batch that has ended, and end it; what has no answer is asked again."""
    price = in_batch(price_at(resources.settings, batch.url, batch.model))
    refused, unfinished = dict[str, None](), bool(remote.message)

    def answers() -> Iterator[tuple[str, Answer | None]]:
        nonlocal unfinished
        for line in _lines(form, files):
            if line.again:
                unfinished = True
            elif line.reply is not None:
                yield line.request, batched_answer(form.chat, where, price, line.reply)
            else:
                refused[line.message] = None
                yield line.request, None

    taken = batched_calls.take_in(resources.ledger, batch.id, answers())
    said = [remote.message] if remote.message else []
    said += [f"Refused: {'; '.join(list(refused)[:_NAMED])}."] if refused else []
    left = batched_calls.end(resources.ledger, batch.id, message=" ".join(said), left="again" if unfinished else "lost")
    if said or left:
        log.warning("batch %s of %s: %s %d without an answer", batch.id, batch.model, " ".join(said), left)
    return taken


def _download(http: BatchClient, remote: RemoteBatch, folder: Path) -> list[Path]:
    """Fetch the results of a batch. Raises GoneAtProvider."""
    files = [folder / f"results-{number}" for number in range(len(remote.results))]
    for path, file in zip(remote.results, files, strict=True):
        http.download(path, file)
    return files


def _lines(form: BatchFormat, files: Sequence[Path]) -> Iterator[BatchLine]:
    """Yield the lines of a batch's results, in any order; those that are none are logged and left out."""
    for path in files:
        with path.open("rb") as file:
            for raw in file:
                if line := _line(form, raw):
                    yield line


def _line(form: BatchFormat, raw: bytes) -> BatchLine | None:
    if not raw.strip():
        return None
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError):
        data = None
    line = form.batches.read(data) if isinstance(data, dict) else None
    if line is None:
        log.warning("a malformed line in the results of a batch was left out")
    return line


@contextmanager
def _folder(resources: Resources) -> Iterator[Path]:
    parent = resources.settings.temporary_folder
    parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=parent) as folder:
        yield Path(folder)
