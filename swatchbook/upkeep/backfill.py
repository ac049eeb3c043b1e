"""Backfill: make the vectors that the images of completed documents lack, of an owner or of all owners. Images of which
the stored file cannot be read are left out and counted, chunks are made for the role `text`.

Without `stale`, it makes what searches lack: vectors of the models that they use. With it also what the models in the
settings have not made yet, into the same second spaces as `swatchbook spaces fill`. Documents that are not completed
are left to their own runs; what has failed for good is left to `swatchbook retry`.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence

from pydantic import Field
from ulid import ULID

from swatchbook.errors import InvalidReference
from swatchbook.ledger import items, missing_vectors, spaces
from swatchbook.ledger.documents import Document
from swatchbook.ledger.missing_vectors import FROM_PICTURES, Candidate, ToBackfill
from swatchbook.ledger.runs import Run
from swatchbook.ledger.spaces import Lack, same_encoder_roles
from swatchbook.models import registry
from swatchbook.pipeline.estimate import UNDERSTANDING_TOKENS, plan_analyses
from swatchbook.pipeline.publish import publish_all
from swatchbook.providers.costs import tokens_at_most
from swatchbook.records import TEXT_ROLES, DocumentStatus, Owner, Record, Role, RoleTag
from swatchbook.resources import Resources
from swatchbook.settings import Settings
from swatchbook.upkeep.make_missing import DocumentFill, make_beside
from swatchbook.upkeep.spaces import FillPlan, plan_vectors

BATCH_SIZE = 10


class Backfill(Record):
    """What is asked for. `owner` None: of all owners; `roles` empty: all; `limit`: the most images and chunks."""

    owner: Owner | None
    roles: frozenset[Role] = frozenset()
    stale: bool = False
    batch_size: int = Field(default=BATCH_SIZE, ge=1, le=256)
    limit: int | None = Field(default=None, ge=1)
    max_usd: float | None = Field(default=None, ge=0)


class BackfillPlan(Record):
    """What a backfill would make. `objects`: images and chunks; `unreadable`: images whose file cannot be read."""

    documents: int
    objects: int
    unreadable: int
    roles: tuple[FillPlan, ...]

    @property
    def usd(self) -> float | None:
        """Return the highest cost of all calls; None if a price is not known."""
        costs = [each.usd for each in self.roles]
        return None if None in costs else sum(cost for cost in costs if cost is not None)


class Backfilled(Record):
    """Result of a backfill: what it took and made, and what is left. `busy`: why documents were left out."""

    documents: int
    objects: int
    made: int
    unreadable: int
    failures: tuple[str, ...]
    cost_usd: float | None  # None: the price of a call is not known
    lacks: tuple[Lack, ...]
    busy: tuple[str, ...] = ()


# --- what is to be made -----------------------------------------------------------------------------------------------


def pairs_to_backfill(resources: Resources, asked: Backfill) -> list[RoleTag]:
    """Return the pairs that a backfill makes, with the analyses and `visual` vectors that they are made from.

    Raises InvalidReference for a role that no model makes.
    """
    chosen = registry.vector_tags(resources.settings)
    active = {role: each.space.tag for role, each in spaces.active_spaces(resources.ledger).items()}
    known = chosen.keys() | active.keys()
    if unknown := sorted(asked.roles - known):
        raise InvalidReference(
            f"No chosen model makes {', '.join(unknown)}.", advice=f"Choose from {', '.join(sorted(known))}."
        )
    wanted = set(asked.roles or known)
    if Role.MULTIMODAL in wanted:
        wanted.add(Role.VISUAL)
    pairs = [RoleTag(role=role, tag=active[role]) for role in Role if role in wanted & active.keys()]
    for role in (role for role in Role if role in wanted and role in chosen):
        pair = RoleTag(role=role, tag=chosen[role])
        same_model = all(
            active.get(other, chosen.get(other)) == chosen.get(other) for other in same_encoder_roles(role)
        )
        if pair not in pairs and (asked.stale or (role not in active and same_model)):
            pairs.append(pair)
    if any(pair.role in TEXT_ROLES for pair in pairs):
        pairs.append(RoleTag(role=Role.ANALYSIS, tag=registry.tags(resources.settings)[Role.ANALYSIS]))
    return pairs


def documents_to_backfill(resources: Resources, asked: Backfill) -> Iterator[ToBackfill]:
    """Yield the completed documents that may lack something, oldest first."""
    return missing_vectors.documents_to_backfill(resources.ledger, pairs_to_backfill(resources, asked), asked.owner)


def _split_readable(resources: Resources, found: Sequence[Candidate]) -> tuple[list[Candidate], int]:
    """Return the candidates whose picture can be read or is not needed, and how many others have lost theirs.

    A picture that could not be read when it came in has no stored file: nothing is lost, and nothing can be made.
    """
    drawn = [each for each in found if any(pair.role in FROM_PICTURES for pair in each.lacks)]
    lost = {each.id for each in drawn if each.file is not None and not resources.files.has(each.file)}
    left = lost | {each.id for each in drawn if each.file is None}
    return [each for each in found if each.id not in left], len(lost)


# --- dry run ----------------------------------------------------------------------------------------------------------


def plan_backfill(resources: Resources, asked: Backfill) -> BackfillPlan:
    """Return what a backfill would make now, by role, with its calls and their highest cost. No provider is asked."""
    counts, texts = Counter[RoleTag](), defaultdict[RoleTag, list[int]](list)
    documents = objects = unreadable = 0
    pairs = pairs_to_backfill(resources, asked)
    paid = {pair: settings for pair in pairs if (settings := _paid_text_model(resources, pair)) is not None}
    for document in missing_vectors.documents_to_backfill(resources.ledger, pairs, asked.owner):
        before = objects
        left = None if asked.limit is None else asked.limit - objects
        if left == 0:
            break
        for found in missing_vectors.candidates(resources.ledger, document, limit=left):
            readable, lost = _split_readable(resources, found)
            objects, unreadable = objects + len(readable), unreadable + lost
            counts.update(pair for each in readable for pair in each.lacks)
            for pair in paid.keys() & set(document.pairs):
                texts[pair] += _tokens(resources, pair, readable)
        documents += objects > before
    return BackfillPlan(
        documents=documents,
        objects=objects,
        unreadable=unreadable,
        roles=tuple(_plan(resources.settings, paid.get(pair), pair, counts[pair], texts[pair]) for pair in counts),
    )


def _plan(settings: Settings, paid: Settings | None, pair: RoleTag, objects: int, texts: Sequence[int]) -> FillPlan:
    if pair.role is Role.ANALYSIS and settings.analyst == "vision":
        planned = plan_analyses(settings, settings.vision_model or "", objects)
        return FillPlan(
            role=pair.role, tag=pair.tag, objects=objects, calls=planned.calls,
            tokens=planned.tokens_in + planned.tokens_out, usd=planned.usd,
        )  # fmt: skip
    if paid is None:
        return FillPlan(role=pair.role, tag=pair.tag, objects=objects, tokens=0, usd=0.0)
    return plan_vectors(paid, pair, objects, texts)


def _paid_text_model(resources: Resources, pair: RoleTag) -> Settings | None:
    """Return the settings of the provider that makes a pair's vectors from texts; None if no provider does."""
    if pair.role not in spaces.TEXT_ENCODER_ROLES:
        return None
    recorded = next((each.model for each in spaces.registered(resources.ledger) if each.pair == pair), None)
    settings = registry.settings_of_tag(resources.settings, pair.role, pair.tag, recorded)
    return settings if settings and not settings.has_local_text_encoder else None


def _tokens(resources: Resources, pair: RoleTag, found: Sequence[Candidate]) -> list[int]:
    """Return the most tokens of each text of the candidates that this pair is made from, known or still to be said."""
    lacking = [each for each in found if pair in each.lacks]
    keys = missing_vectors.text_keys(resources.ledger, pair, [each.id for each in lacking])
    known = [tokens_at_most(text) for text in items.texts(resources.ledger, sorted(keys)).values()]
    unsaid = sum(1 for each in found if any(lack.role is Role.ANALYSIS for lack in each.lacks))
    return known + [UNDERSTANDING_TOKENS] * (unsaid if pair.role is Role.UNDERSTANDING else 0)


# --- make -------------------------------------------------------------------------------------------------------------


def backfill(
    resources: Resources, asked: Backfill, *, progress: Callable[[int, int], None] = lambda done, total: None
) -> Backfilled:
    """Make what is lacking, document by document, and publish it.

    What is committed is never made or paid for again, so a backfill that was killed goes on where it was. `progress`
    is told how many items are made, of how many. Raises failures that concern all items, such as BudgetExceeded.
    """
    fill_id, results = str(ULID()), list[DocumentFill]()
    waiting = list(documents_to_backfill(resources, asked))
    total = sum(lack.open for lack in missing_vectors.left_to_make(resources.ledger, waiting))
    made, left = 0, asked.limit
    for document in waiting:
        if left == 0:
            break

        def advance(count: int, before: int = made) -> None:
            progress(before + count, max(total, before + count))

        done = backfill_document(resources, document, asked, fill=fill_id, limit=left, advance=advance)
        results.append(done)
        made += done.made
        left = None if left is None else left - done.objects
    return finish_backfill(resources, asked, fill_id, results)


def backfill_document(
    resources: Resources,
    document: ToBackfill,
    asked: Backfill,
    *,
    fill: str,
    limit: int | None,
    flow_run: str | None = None,
    advance: Callable[[int], None] = lambda made: None,
) -> DocumentFill:
    """Make what a document lacks, at most `limit` of its images and chunks; where nothing can be made, let the account
    count what has failed. Raises failures that concern all items.
    """
    taken = unreadable = 0

    def pairs_of(stored: Document) -> Sequence[RoleTag]:
        if stored.status != DocumentStatus.COMPLETED:
            raise InvalidReference(f"{stored.name} is {stored.status}: its own run makes what it lacks.")
        return document.pairs

    def portions(run: Run) -> Iterator[Collection[str]]:
        nonlocal taken, unreadable
        for found in missing_vectors.candidates(resources.ledger, document, limit=limit):
            readable, lost = _split_readable(resources, found)
            taken, unreadable = taken + len(readable), unreadable + lost
            missing_vectors.queue_candidates(resources.ledger, run, readable)
            yield {each.key for each in readable}

    done = make_beside(
        resources, document.document, pairs_of, fill=fill, portions=portions, size=asked.batch_size,
        max_usd=asked.max_usd, flow_run=flow_run, advance=advance,
    )  # fmt: skip
    return done.model_copy(update={"objects": taken, "unreadable": unreadable})


def finish_backfill(resources: Resources, asked: Backfill, fill: str, results: Sequence[DocumentFill]) -> Backfilled:
    """Publish what is not published yet, and return the result of the whole backfill."""
    publish_all(resources, at_most=resources.settings.outage_wait_seconds)
    left = missing_vectors.left_to_make(resources.ledger, documents_to_backfill(resources, asked))
    return Backfilled(
        documents=sum(1 for each in results if each.objects),
        objects=sum(each.objects for each in results),
        made=sum(each.made for each in results),
        unreadable=sum(each.unreadable for each in results),
        failures=tuple(failure for each in results for failure in each.failures),
        cost_usd=missing_vectors.spent(resources.ledger, fill),
        lacks=tuple(left),
        busy=tuple(each.busy for each in results if each.busy),
    )
