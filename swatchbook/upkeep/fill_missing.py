"""Make the vectors that documents lack (a fill), in a run next to the document's own.

`swatchbook fill spaces` makes them for a change of model, `fill missing` for completed documents. Batches are leased,
committed and published by `ingest/embed.py`, as in an ingest. What failed is tried again after each pause of
the settings; what has failed for good is left to `swatchbook fill failed`.
"""

import logging
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pydantic import Field
from ulid import ULID

from swatchbook.domain.errors import Interrupted, InvalidReference, RunRevoked
from swatchbook.domain.records import FROM_PICTURES, TEXT_ROLES, DocumentStatus, Owner, Record, Role, RoleTag
from swatchbook.domain.settings import Settings
from swatchbook.ingest.embed import BatchResult, process_batch
from swatchbook.ingest.estimate import UNDERSTANDING_TOKENS, plan_analyses, plan_text_vectors
from swatchbook.ingest.publish import publish_all
from swatchbook.ingest.run import hold_shard_run
from swatchbook.models import registry
from swatchbook.models.providers.costs import tokens_at_most
from swatchbook.resources import Resources
from swatchbook.store.ledger import claims, missing_vectors, runs, space_registry
from swatchbook.store.ledger.missing_vectors import Candidate, ToFill
from swatchbook.store.ledger.runs import Run
from swatchbook.store.ledger.space_objects import Lack
from swatchbook.store.ledger.space_registry import same_encoder_roles
from swatchbook.store.ledger.stored_documents import get_document
from swatchbook.upkeep.spaces import chosen_pairs, point_aliases, require_made

log = logging.getLogger(__name__)

Spaces = Literal["searched", "both", "chosen"]
"""The spaces that are filled: those that searches read; also those of the models in the settings; or only these.

Of `searched` and `both` completed documents get what they lack. `chosen` is for a change of model: documents of all
owners, in any status, get what `spaces activate` needs.
"""


class Fill(Record):
    """The request of a fill. `owner` None: all owners; `roles` empty: all; `limit`: the most images and chunks."""

    spaces: Spaces = "searched"
    owner: Owner | None = None
    roles: frozenset[Role] = frozenset()
    batch_size: int | None = Field(default=None, ge=1, le=256)  # None: the batch size of the document
    limit: int | None = Field(default=None, ge=1)
    max_usd: float | None = Field(default=None, ge=0)


class RolePlan(Record):
    """The plan of a fill for one space. Calls to providers, tokens and cost are upper bounds."""

    role: Role
    tag: str
    objects: int
    calls: int = 0
    tokens: int = 0
    seconds: float = 0.0  # approximate duration of the calls
    usd: float | None = 0.0  # None: the price is not known


class FillPlan(Record):
    """The plan of a fill. `objects`: images and chunks, once for each document that shows them.

    `unreadable`: images that are left out because their file cannot be read.
    """

    documents: int
    objects: int
    unreadable: int
    roles: tuple[RolePlan, ...]

    @property
    def usd(self) -> float | None:
        """Return the highest cost of all calls; None if a price is not known."""
        costs = [each.usd for each in self.roles]
        return None if None in costs else sum(cost for cost in costs if cost is not None)


class Filled(Record):
    """Result of a fill: what it took and made, and what is left.

    `busy`: why documents were left out: they were deleted meanwhile, or another process fills them.
    """

    documents: int
    objects: int
    made: int
    unreadable: int
    failures: tuple[str, ...]
    cost_usd: float | None  # None: the price of a call is not known
    lacks: tuple[Lack, ...]
    busy: tuple[str, ...] = ()


# --- what is to be made -----------------------------------------------------------------------------------------------


def pairs_to_fill(resources: Resources, fill: Fill) -> list[RoleTag]:
    """Return the pairs that a fill makes, with the analyses and `visual` vectors that they are made from.

    Raises InvalidReference for a role that no model makes.
    """
    known = space_registry.registered(resources.ledger)
    active = {each.space.role: each.space.tag for each in known if each.active}
    if fill.spaces == "chosen":  # of a role with one space, ingests make what it lacks
        mixed = {each.space.role for each in known if not each.active}
        pairs = chosen_pairs(resources, _with_sources(fill.roles))
        return [pair for pair in pairs if active.get(pair.role) != pair.tag or pair.role in mixed]
    chosen = registry.vector_tags(resources.settings)
    require_made(fill.roles, chosen.keys() | active.keys())
    wanted = _with_sources(fill.roles or chosen.keys() | active.keys())
    pairs = [RoleTag(role=role, tag=active[role]) for role in Role if role in wanted & active.keys()]
    for role in (role for role in Role if role in wanted and role in chosen):
        pair = RoleTag(role=role, tag=chosen[role])
        same_model = all(
            active.get(other, chosen.get(other)) == chosen.get(other) for other in same_encoder_roles(role)
        )
        if pair not in pairs and (fill.spaces == "both" or (role not in active and same_model)):
            pairs.append(pair)
    if any(pair.role in TEXT_ROLES for pair in pairs):
        pairs.append(RoleTag(role=Role.ANALYSIS, tag=registry.tags(resources.settings)[Role.ANALYSIS]))
    return pairs


def _with_sources(roles: Collection[Role]) -> set[Role]:
    """Return the roles with the `visual` vectors that multimodal ones are made from."""
    return {*roles, *([Role.VISUAL] if Role.MULTIMODAL in roles else [])}


def documents_to_fill(resources: Resources, fill: Fill) -> Iterator[ToFill]:
    """Yield the documents that may lack something, oldest first: completed ones, but of `chosen` spaces any."""
    pairs = pairs_to_fill(resources, fill)
    if fill.spaces == "chosen":
        return missing_vectors.documents_lacking(resources.ledger, pairs)
    return missing_vectors.completed_documents(resources.ledger, pairs, fill.owner)


def left_to_fill(resources: Resources, fill: Fill) -> list[Lack]:
    """Return what is lacking now; of `chosen` spaces also what is not published, which `spaces activate` refuses."""
    if fill.spaces == "chosen":
        return space_registry.lacks(resources.ledger, chosen_pairs(resources, _with_sources(fill.roles)))
    return missing_vectors.left_to_make(resources.ledger, documents_to_fill(resources, fill))


def _split_readable(resources: Resources, fill: Fill, found: Sequence[Candidate]) -> tuple[list[Candidate], int]:
    """Return the candidates to make, and how many images are left out because their file is lost.

    A picture that could not be read when it came in has no stored file: nothing is lost, and nothing can be made. For
    `chosen` spaces lost files are tried: as failures, `spaces activate --yes` accepts them.
    """
    drawn = [each for each in found if any(pair.role in FROM_PICTURES for pair in each.lacks)]
    lost = set[str]()
    if fill.spaces != "chosen":
        lost = {each.id for each in drawn if each.file is not None and not resources.files.has(each.file)}
    left = lost | {each.id for each in drawn if each.file is None}
    return [each for each in found if each.id not in left], len(lost)


# --- dry run ----------------------------------------------------------------------------------------------------------


def plan_fill(resources: Resources, fill: Fill) -> FillPlan:
    """Return what a fill would make now, by role, with its calls and their highest cost. No provider is asked."""
    counts, tokens = Counter[RoleTag](), defaultdict[RoleTag, dict[str, int]](dict)
    documents = objects = unreadable = 0
    paid = {pair: paid for pair in pairs_to_fill(resources, fill) if (paid := _paid_text_model(resources, pair))}
    for document in documents_to_fill(resources, fill):
        before = objects
        left = None if fill.limit is None else fill.limit - objects
        if left == 0:
            break
        for found in missing_vectors.candidates(resources.ledger, document, limit=left):
            readable, lost = _split_readable(resources, fill, found)
            objects, unreadable = objects + len(readable), unreadable + lost
            counts.update(pair for each in readable for pair in each.lacks)
            for pair in paid.keys() & set(document.pairs):
                tokens[pair] |= _tokens(resources, pair, readable)
        documents += objects > before
    roles = (
        _plan_role(resources.settings, paid.get(pair), pair, count, tokens[pair]) for pair, count in counts.items()
    )
    return FillPlan(documents=documents, objects=objects, unreadable=unreadable, roles=tuple(roles))


def _plan_role(
    settings: Settings, paid: Settings | None, pair: RoleTag, objects: int, tokens: Mapping[str, int]
) -> RolePlan:
    if pair.role is Role.ANALYSIS and settings.analyst == "vision":
        planned = plan_analyses(settings, settings.vision.model or "", objects)
    elif paid is not None:
        planned = plan_text_vectors(paid, tokens.values())
    else:
        return RolePlan(role=pair.role, tag=pair.tag, objects=objects)
    return RolePlan(
        role=pair.role, tag=pair.tag, objects=objects, calls=planned.calls, seconds=planned.seconds, usd=planned.usd,
        tokens=planned.tokens_in + planned.tokens_out,
    )  # fmt: skip


def _paid_text_model(resources: Resources, pair: RoleTag) -> Settings | None:
    """Return the settings of the provider that makes a pair's vectors from texts; None if no provider does."""
    if pair.role not in space_registry.TEXT_ENCODER_ROLES:
        return None
    recorded = next((each.model for each in space_registry.registered(resources.ledger) if each.pair == pair), None)
    settings = registry.settings_of_tag(resources.settings, pair.role, pair.tag, recorded)
    return settings if settings and not settings.has_local_text_encoder else None


def _tokens(resources: Resources, pair: RoleTag, found: Sequence[Candidate]) -> dict[str, int]:
    """Return the most tokens of each text that this pair of the candidates is made from, by the text's key.

    A text that an analysis has yet to give is under the id of its image.
    """
    lacking = [each.id for each in found if pair in each.lacks]
    keys = sorted(missing_vectors.text_keys(resources.ledger, pair, lacking))
    known = {key: tokens_at_most(text) for key, text in claims.texts(resources.ledger, keys).items()}
    unsaid = [each.id for each in found if any(lack.role is Role.ANALYSIS for lack in each.lacks)]
    return known | dict.fromkeys(unsaid if pair.role is Role.UNDERSTANDING else (), UNDERSTANDING_TOKENS)


# --- make -------------------------------------------------------------------------------------------------------------


@dataclass
class _Counts:
    """What a fill has taken and made so far. `busy`: why documents were left out, or not ended."""

    documents: int = 0
    objects: int = 0
    unreadable: int = 0
    made: int = 0
    failures: list[str] = field(default_factory=list)
    busy: list[str] = field(default_factory=list)


def fill_missing(
    resources: Resources,
    fill: Fill,
    *,
    name: str | None = None,
    flow_run: str | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Filled:
    """Make what is lacking, document by document, and publish it.

    What is committed is never made or paid for again, so a fill that was killed goes on where it was. The costs are
    kept under its `name`, which a retry has again. `progress` gets how many items are made, of how many. Raises
    failures that concern all items, such as BudgetExceeded.
    """
    name, done = name or str(ULID()), _Counts()
    total = sum(lack.open for lack in left_to_fill(resources, fill))
    for document in list(documents_to_fill(resources, fill)):
        if fill.limit is not None and done.objects >= fill.limit:
            break
        before = done.objects
        _fill_document(
            resources, document, fill, done, name=name, flow_run=flow_run,
            advance=lambda: progress(done.made, max(total, done.made)),
        )  # fmt: skip
        done.documents += done.objects > before
    publish_all(resources, at_most=resources.settings.outage_wait_seconds)
    point_aliases(resources)
    return Filled(
        documents=done.documents,
        objects=done.objects,
        made=done.made,
        unreadable=done.unreadable,
        failures=tuple(done.failures),
        cost_usd=missing_vectors.spent(resources.ledger, name),
        lacks=tuple(left_to_fill(resources, fill)),
        busy=tuple(done.busy),
    )


def _fill_document(
    resources: Resources, document: ToFill, fill: Fill, done: _Counts, *,
    name: str, flow_run: str | None, advance: Callable[[], None],
) -> None:  # fmt: skip
    """Make and publish what a document lacks, as far as the limit allows. `advance` is called after each batch.

    The account then counts a role of which nothing is left. Raises failures that concern all items.
    """
    ledger, limit = resources.ledger, None if fill.limit is None else fill.limit - done.objects
    try:
        stored = get_document(ledger, document.document)
        if fill.spaces != "chosen" and stored.status != DocumentStatus.COMPLETED:
            raise InvalidReference(f"{stored.name} is {stored.status}: its own run makes what it lacks.")
        run = runs.begin_fill(
            ledger, document.document, document.pairs, fill=name, max_usd=fill.max_usd, flow_run=flow_run
        )
        with hold_shard_run(ledger, run):
            keys = set[str]()
            for found in missing_vectors.candidates(ledger, document, limit=limit):
                readable, lost = _split_readable(resources, fill, found)
                done.objects, done.unreadable = done.objects + len(readable), done.unreadable + lost
                missing_vectors.queue_candidates(ledger, run, readable)
                runs.record_alive(ledger, run)
                keys |= {each.key for each in readable}
            for result in _make(resources, run, fill.batch_size or stored.options.batch_size, keys):
                done.made += result.made
                done.failures += result.failures
                advance()
            missing_vectors.count_made(ledger, run)
            runs.end_part(ledger, run)
    except (InvalidReference, RunRevoked) as reason:  # it was deleted meanwhile, or another process fills it
        done.busy.append(str(reason))


def _make(resources: Resources, run: Run, size: int, keys: Collection[str]) -> Iterator[BatchResult]:
    """Make and publish the run's items of these keys; yield the result of each batch."""
    delays = resources.settings.retry_delays
    try:
        for number in range(len(delays) + 1):
            interrupted = False
            for batch in claims.cut_batches(resources.ledger, run, size, only=keys):
                try:
                    result = process_batch(resources, run, batch, size=size, last_try=number == len(delays))
                except Interrupted as error:
                    log.warning("%s", error)
                    interrupted = True
                    continue
                runs.record_alive(resources.ledger, run)
                publish_all(resources, at_most=resources.settings.outage_wait_seconds)
                yield result
            if not interrupted:
                break
            time.sleep(delays[number])
            runs.record_alive(resources.ledger, run)
    finally:
        resources.batch_sizes.pop(run.token, None)
