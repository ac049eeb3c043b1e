"""Search images, products or chunks by a text, a picture or both: query each role, map its matches to results, fuse.

Each result satisfies all filters, some of which its candidates must satisfy, too.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

from swatchbook.domain.errors import Failure, InvalidReference
from swatchbook.domain.records import Facets, Hit, ResultKind, SearchResults
from swatchbook.index.contract import FILTERS, Candidates, KeptInMemory, Match, Where
from swatchbook.resources import Resources
from swatchbook.search.fusion import (
    CODE,
    SAME,
    FusedScore,
    default_weights,
    fuse,
    put_first,
    same_things,
    same_within,
)
from swatchbook.search.judged_hits import COMPARED, Ranked, judge, weights_of_relevance, with_relevance
from swatchbook.search.near_duplicates import fold
from swatchbook.search.request import SearchRequest
from swatchbook.search.role_queries import Ask, role_queries, searched_spaces
from swatchbook.search.targets import TARGETS
from swatchbook.store.ledger.database import portions
from swatchbook.store.ledger.document_editions import has_superseded
from swatchbook.store.ledger.product_codes import code_key, targets_of_codes
from swatchbook.store.ledger.queries import search_results
from swatchbook.store.ledger.queries.filters import facets_of, matching, satisfying, unmatched
from swatchbook.store.ledger.read_cache import ReadCache

CANDIDATES = 100  # the matches of each role that are fused
DEPTHS = (CANDIDATES, 1_000, 10_000)  # matches of each role; more are taken while too few satisfy a filter
MOST_RANKED = 1_100  # results that are judged and counted: an offset and a page of results reach no further
FEW_CLOSE, MOST_OTHERS = 6, 6  # with fewer close results at most so many others follow


class Found(NamedTuple):
    """A result with its score, and the later results with nearly the same picture, which are folded into it."""

    target: str
    score: FusedScore
    alike: tuple[str, ...] = ()


def find_relevant(resources: Resources, asked: SearchRequest) -> SearchResults:
    """Return the results of `search` from an offset, the close ones first, with near-duplicates folded.

    Only a search by text has a relevance, by which its first results are sorted and called close. Without any result,
    the filters that nothing matches are returned. An empty query returns all that satisfies the filters, newest
    document first. Raises as `search` does.
    """
    if asked.is_empty:
        return _browse(resources, asked)
    end = asked.offset + asked.k
    ranked = _judged(resources, asked, enough=end + 1)
    listed = close_first(resources, ranked)
    return SearchResults(
        hits=tuple(each.as_hit() for each in listed[asked.offset : end]),
        unmatched=() if ranked else tuple(unmatched(resources.ledger, asked.by, asked.where)),
        next=end if len(listed) > end else None,
        total=len(listed),
    )


def facets_of_search(resources: Resources, asked: SearchRequest) -> Facets:
    """Return the values to filter by, with counts, for all results of `find_relevant` on all its pages."""
    found = None if asked.is_empty else find_ids(resources, asked)
    return facets_of(resources.read_cache(), asked.by, asked.where, found)


def find_ids(resources: Resources, asked: SearchRequest) -> Sequence[str]:
    """Return the ids of all results of `find_relevant` on all its pages, in their order."""
    if asked.is_empty:
        return matching(resources.read_cache(), asked.by, asked.where, enough=MOST_RANKED)[0]
    return [each.hit.id for each in close_first(resources, _judged(resources, asked, enough=1))]


def close_first(resources: Resources, ranked: Sequence[Ranked]) -> list[Ranked]:
    """Return the close results, and where they are fewer than FEW_CLOSE the nearest others, which say so."""
    floor = resources.settings.relevance_floor
    close = [each for each in ranked if each.relevance is None or each.relevance >= floor]
    others = [each for each in ranked if each.relevance is not None and each.relevance < floor]
    more = others[:MOST_OTHERS] if len(close) < FEW_CLOSE else []
    return [*close, *(each._replace(close=False) for each in more)]


def _browse(resources: Resources, asked: SearchRequest) -> SearchResults:
    """Return the images, products or chunks that satisfy the filters, newest document first."""
    where, by, end = asked.where, asked.by, asked.offset + asked.k

    def find(known: ReadCache) -> tuple[Sequence[str], int | None, dict[str, Hit]]:
        found, total = matching(known, by, where, enough=end + 1)
        shown = known.each(search_results.describe, found[asked.offset : end], by, _shown_by(where))
        return found, total, shown

    known = resources.read_cache()
    found, total, hits = find(known)
    if not _are_kept(resources, known, hits.values()):
        found, total, hits = find(resources.read_cache(newest=True))
    return SearchResults(
        hits=tuple(hits[each] for each in found[asked.offset : end] if each in hits),
        unmatched=() if found else tuple(unmatched(resources.ledger, by, where)),
        next=end if len(found) > end else None,
        total=total,
    )


def _are_kept(resources: Resources, known: ReadCache, hits: Iterable[Hit]) -> bool:
    """Return whether no document of these results is deleted or being deleted; they may have been read seconds ago."""
    ledger = resources.ledger
    return not resources.lags or ledger.is_still(known.revision) or search_results.are_kept(ledger, hits)


def _judged(resources: Resources, asked: SearchRequest, *, enough: int) -> list[Ranked]:
    """Return all candidates, best first, folded; those of a text have a relevance, by which the first are sorted."""
    widest = replace(asked, k=MOST_RANKED, offset=0)
    ranked = _ranked(resources, widest, folded=True, enough=max(enough, COMPARED))
    if asked.words is None or asked.by_picture:
        return ranked
    fitted, judged = weights_of_relevance(resources), judge(resources, ranked, asked.words, asked.by, asked.where)
    results = [with_relevance(result, each, fitted) for result, each in zip(ranked, judged, strict=True)]
    return [*sorted(results[:COMPARED], key=lambda each: -round(each.relevance or 0.0, 2)), *results[COMPARED:]]


def search(resources: Resources, asked: SearchRequest, *, folded: bool = False) -> list[Hit]:
    """Return the k best images, products or chunks for a text, a picture, examples, or a text with pictures.

    Each result satisfies all filters. The role `multimodal` is searched only if the weights name it, by one vector for
    the text, the picture, or both. With `folded` an image that shows nearly the same as a better one is no result, but
    in `alike` of that one; so a result and its position do not depend on k. The offset is not looked at.

    A text that is exactly the code of a product or of a variant finds that product before all others.

    What is deleted, or being deleted, is no result, however little ago another process began to delete it.

    Raises InvalidReference for an empty query, UnreadableImage for an unreadable picture, IndexDown, and Configuration
    if the model of an active space cannot be loaded.
    """
    return [each.as_hit() for each in _ranked(resources, asked, folded=folded, enough=asked.k)]


def _ranked(resources: Resources, asked: SearchRequest, *, folded: bool, enough: int) -> list[Ranked]:
    """Return the results of `search`; each role is asked for more candidates only while there are fewer than enough."""
    if asked.words is None and not asked.by_picture:
        raise InvalidReference("Nothing to search for.", advice="Give a text, an image, or both.")
    where, by = asked.where, asked.by
    known = resources.read_cache()
    whose = where.whose
    if not where.newest_only or not known.once(lambda: has_superseded(known.ledger, whose), has_superseded, whose):
        where = where.model_copy(update={"editions": "all"})  # the same results, without a condition
    asked.examples.check(resources, whose)
    asked = replace(asked, where=where)
    folded = folded and by == "image"

    def find(known: ReadCache) -> tuple[list[Found], dict[str, Hit]]:
        best = _best(resources, known, asked, folded=folded, enough=enough)
        return best, known.each(search_results.describe, [each.target for each in best], by, _shown_by(where))

    try:
        best, hits = find(known)
    except Failure:  # a space that another one has replaced may be dropped at this moment
        if searched_spaces(known) == searched_spaces(now := resources.read_cache(newest=True)):
            raise
        best, hits = find(now)
    if not _are_kept(resources, known, hits.values()):
        best, hits = find(resources.read_cache(newest=True))
    return [
        Ranked(hits[target], fused_score.why, round(fused_score.score, 6), alike)
        for target, fused_score, alike in best
        if target in hits and (not whose or hits[target].owner in whose)  # its owner may have been renamed meanwhile
    ]


def _best(resources: Resources, known: ReadCache, asked: SearchRequest, *, folded: bool, enough: int) -> list[Found]:
    """Return the k best results in these spaces with their scores, best first, without the given examples."""
    where, by = asked.where, asked.by
    active, chosen = searched_spaces(known), resources.settings.search_weights
    seeks_same = asked.weights is None and asked.by_picture_alone
    weights = asked.weights or default_weights(
        active, text=asked.words is not None, image=asked.by_picture, chosen=chosen
    )
    within = same_within(active) if seeks_same else {}
    roles = {role for role, weight in weights.items() if weight > 0} | set(within)
    queries = role_queries(resources, active, asked, roles, lambda kind: filters_of_candidates(where, by, kind))
    key = code_key(asked.words or "")
    coded = known.each(targets_of_codes, [key], by, where.whose)[key] if key else []
    given = {*asked.examples.like, *asked.examples.unlike}
    best = list[Found]()
    for most in _depths(where, by):
        candidates = ask_all(resources, queries, most)
        to_targets = TARGETS[by](known)
        weighted = {role: found for role, found in candidates.items() if weights.get(role, 0) > 0}
        fused = fuse(weighted, to_targets, weights, most=most)
        if seeks_same:
            put_first(fused, SAME, to_targets(SAME, same_things(candidates, within)))
        fused = {target: FusedScore() for target in coded} | fused
        put_first(fused, CODE, [(target, 1.0) for target in coded])
        scored = [pair for pair in fused.items() if pair[0] not in given]
        ranked = sorted(scored, key=lambda pair: (-pair[1].score, pair[0]))
        best = _first_satisfying(resources, known, ranked, where, by, asked.k, folded=folded)
        if len(best) >= enough or all(len(matches) < most for matches in candidates.values()):
            break
    return best


# --- filters ----------------------------------------------------------------------------------------------------------


def filters_of_candidates(where: Where, by: ResultKind, kind: Literal["image", "chunk"]) -> Where:
    """Return the filters that the images or chunks that lead to results must satisfy; others only test the results."""
    decided = {Candidates.ALL}
    if by == kind:
        decided |= {Candidates.IMAGES, Candidates.RESULTS}
    elif by == "product" and kind == "image":
        decided |= {Candidates.IMAGES}
    undecided = {name: Where.model_fields[name].default for name, f in FILTERS.items() if f.candidates not in decided}
    return where.model_copy(update=undecided)


def _depths(where: Where, by: ResultKind) -> Sequence[int]:
    """Return the numbers of candidates to take of each role, the next one while too few results satisfy the filters."""
    undecided = (by == "product" and where.page) or where.price_min is not None
    return DEPTHS if undecided else DEPTHS[:1]


def _first_satisfying(
    resources: Resources,
    known: ReadCache,
    ranked: Sequence[tuple[str, FusedScore]],
    where: Where,
    by: ResultKind,
    k: int,
    *,
    folded: bool,
) -> list[Found]:
    """Return the first k results that satisfy the filters according to the ledger.

    With only a filter on the owner no payload is read, because all candidates are the owner's. Near-duplicates are
    folded only among the results that were read.
    """
    unfiltered = where == Where(owner=where.owner, owners=where.owners, editions="all")
    kept, alike = list[tuple[str, FusedScore]](), dict[str, tuple[str, ...]]()
    for some in (ranked[: 2 * k], *portions(ranked[2 * k :], 8 * k)):
        ids = [target for target, _ in some]
        right = set(ids) if unfiltered else satisfying(resources.ledger, by, ids, where)
        kept += [each for each in some if each[0] in right]
        ids = [target for target, _ in kept]
        alike = fold(known, ids) if folded else dict.fromkeys(ids, ())
        if len(alike) >= k:
            break
    return [Found(target, score, alike[target]) for target, score in kept if target in alike][:k]


def ask_all(resources: Resources, queries: Mapping[str, Ask], most: int) -> dict[str, list[Match]]:
    """Return role -> at most `most` candidates. Roles are queried at the same time if the index makes a query wait."""
    if not queries:
        return {}  # without loading the index
    index = resources.index
    ask_each = map if isinstance(index, KeptInMemory) and index.is_in_memory() else resources.askers.map
    return dict(zip(queries, ask_each(lambda ask: ask(most), queries.values()), strict=True))


def _shown_by(where: Where) -> Where | None:
    """Return the filters that decide which of several products or documents names an image, None for none."""
    chosen = where.model_copy(update={"owner": None, "owners": (), "editions": "all"})
    return None if chosen == Where(editions="all") else chosen
