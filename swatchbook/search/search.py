"""Search images, products or chunks by a text, a picture or both: query each role, map its matches to results, fuse.

Each result satisfies all filters, some of which its candidates must satisfy, too.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import Literal, NamedTuple

from swatchbook.arrays import Pixels, Vectors
from swatchbook.errors import Failure, InvalidReference
from swatchbook.index.contract import FILTERS, Candidates, Match, Space, Where
from swatchbook.index.terms import numbers_of
from swatchbook.ledger.database import portions
from swatchbook.ledger.document_editions import has_superseded
from swatchbook.ledger.product_codes import code_key, targets_of_codes
from swatchbook.ledger.queries import search_results
from swatchbook.ledger.queries.filters import facets_of, matching, satisfying, unmatched
from swatchbook.ledger.queries.search_results import texts_of
from swatchbook.ledger.read_cache import ReadCache
from swatchbook.ledger.space_registry import active_spaces
from swatchbook.models.protocols import TextTower
from swatchbook.models.registry import Models
from swatchbook.records import PIXEL_ROLES, Facets, Hit, ResultKind, Role, RoleTag, SearchResults
from swatchbook.resources import Resources
from swatchbook.search.fusion import (
    BY_TERMS,
    CODE,
    KEYWORD,
    NUMBER,
    ONE_MODEL,
    SAME,
    WEIGHTED,
    FusedScore,
    Ranked,
    ToTargets,
    default_weights,
    fuse,
    own_score,
    put_first,
    same_things,
    same_within,
)
from swatchbook.search.near_duplicates import fold
from swatchbook.search.query_pictures import Examples
from swatchbook.search.relevance import (
    Background,
    Encode,
    Evidence,
    Fitted,
    Judged,
    background_of,
    behind_best,
    content_words,
    probability,
    weights_of,
    without_function_words,
    words_said,
)

NO_EXAMPLES = Examples()

_CHECKED_SIDE = 64  # pixels; the side to which a picture is decoded to check that it is readable
CANDIDATES = 100  # the matches of each role that are fused
COMPARED = 20  # number of first results that are sorted by likelihood; each result is compared with the best of them
DEPTHS = (CANDIDATES, 1_000, 10_000)  # matches of each role; more are taken while too few satisfy a filter
MOST_RANKED = 1_100  # results that are judged and counted: an offset and a page of results reach no further


MOST_TEXT = 1_000
"""The most characters of a text that is searched for."""


class Found(NamedTuple):
    """A result with its score, and the later results with nearly the same picture, which are folded into it."""

    target: str
    score: FusedScore
    alike: tuple[str, ...] = ()


class Query(NamedTuple):
    """A query by text, by a picture, by examples of the collection, or by text and pictures."""

    text: str | None
    image: Path | None
    examples: Examples

    @property
    def has_text(self) -> bool:
        return bool(self.text and self.text.strip())

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked, so that the newest documents are listed."""
        return not self.has_text and self.image is None and not any(self.examples)

    @property
    def by_picture(self) -> bool:
        return self.image is not None or bool(self.examples.like)

    @property
    def by_picture_alone(self) -> bool:
        """Whether the query has only pictures: no text or counterexample asks for results that differ from them."""
        return self.by_picture and self.text is None and not self.examples.unlike


def _checked(asked: Query) -> Query:
    """Return a query. Raises InvalidReference for a text over MOST_TEXT."""
    if asked.text and len(asked.text) > MOST_TEXT:
        raise InvalidReference(
            f"The text to search for has {len(asked.text):,} characters.", advice=f"Give at most {MOST_TEXT:,}."
        )
    return asked


def find_relevant(
    resources: Resources,
    *,
    text: str | None = None,
    image: Path | None = None,
    examples: Examples = NO_EXAMPLES,
    where: Where,
    by: ResultKind = "image",
    k: int = 10,
    offset: int = 0,
    weights: Mapping[str, float] | None = None,
) -> SearchResults:
    """Return k relevant results of `search` from an offset, with near-duplicates folded.

    Only a search by text has a relevance, by which its first results are sorted. Without a relevant result, the nearest
    of the others is returned; without any result, the filters that nothing matches. An empty query returns all that
    satisfies the filters, newest document first. Raises as `search` does.
    """
    known = resources.read_cache()
    asked = _checked(Query(text, image, examples))
    if asked.is_empty:
        return _browse(resources, known, where, by, k, offset)
    ranked = _judged(resources, asked, where, by, weights, enough=offset + k + 1)
    hits = _relevant(resources, ranked)
    return SearchResults(
        hits=tuple(hits[offset : offset + k]),
        unmatched=() if ranked else tuple(unmatched(resources.ledger, by, where)),
        nearest=None if hits else max(ranked[:k], key=lambda hit: hit.relevance or 0.0, default=None),
        next=offset + k if len(hits) > offset + k else None,
        total=len(hits),
    )


def facets_of_search(
    resources: Resources,
    *,
    text: str | None = None,
    image: Path | None = None,
    examples: Examples = NO_EXAMPLES,
    where: Where,
    by: ResultKind = "image",
    weights: Mapping[str, float] | None = None,
) -> Facets:
    """Return the values to filter by, with counts, for all results of `find_relevant` on all its pages."""
    if Query(text, image, examples).is_empty:
        return facets_of(resources.read_cache(), by, where)
    found = find_ids(resources, text=text, image=image, examples=examples, where=where, by=by, weights=weights)
    return facets_of(resources.read_cache(), by, where, found)


def find_ids(
    resources: Resources,
    *,
    text: str | None = None,
    image: Path | None = None,
    examples: Examples = NO_EXAMPLES,
    where: Where,
    by: ResultKind = "image",
    weights: Mapping[str, float] | None = None,
) -> Sequence[str]:
    """Return the ids of all results of `find_relevant` on all its pages, in their order."""
    asked = _checked(Query(text, image, examples))
    if asked.is_empty:
        return matching(resources.read_cache(), by, where, enough=MOST_RANKED)[0]
    ranked = _judged(resources, asked, where, by, weights, enough=1)
    return [hit.id for hit in _relevant(resources, ranked)]


def _relevant(resources: Resources, ranked: Sequence[Hit]) -> list[Hit]:
    """Return the results whose relevance, if they have one, is at least the floor of the settings."""
    floor = resources.settings.relevance_floor
    return [hit for hit in ranked if hit.relevance is None or hit.relevance >= floor]


def _browse(resources: Resources, known: ReadCache, where: Where, by: ResultKind, k: int, offset: int) -> SearchResults:
    """Return the images, products or chunks that satisfy the filters, newest document first."""

    def find(known: ReadCache) -> tuple[Sequence[str], int | None, dict[str, Hit]]:
        found, total = matching(known, by, where, enough=offset + k + 1)
        return found, total, known.each(search_results.describe, found[offset : offset + k], by, _shown_by(where))

    found, total, hits = find(known)
    if not _are_kept(resources, hits.values()):
        found, total, hits = find(resources.read_cache(newest=True))
    return SearchResults(
        hits=tuple(hits[each] for each in found[offset : offset + k] if each in hits),
        unmatched=() if found else tuple(unmatched(resources.ledger, by, where)),
        next=offset + k if len(found) > offset + k else None,
        total=total,
    )


def _are_kept(resources: Resources, hits: Iterable[Hit]) -> bool:
    """Return whether no document of these results is deleted or being deleted; they may have been read seconds ago."""
    return not resources.lags or search_results.are_kept(resources.ledger, hits)


def _judged(
    resources: Resources,
    asked: Query,
    where: Where,
    by: ResultKind,
    weights: Mapping[str, float] | None,
    *,
    enough: int,
) -> list[Hit]:
    """Return all candidates, best first, folded; those of a text have a relevance, by which the first are sorted."""
    text, image, examples = asked
    ranked = search(
        resources, text=text, image=image, examples=examples, where=where, by=by, k=MOST_RANKED, weights=weights,
        folded=True, enough=max(enough, COMPARED),
    )  # fmt: skip
    if not asked.has_text or asked.by_picture:
        return ranked
    fitted, judged = weights_of_relevance(resources), judge(resources, ranked, text or "", by, where)
    hits = [_judged_hit(hit, each, fitted) for hit, each in zip(ranked, judged, strict=True)]
    return [*sorted(hits[:COMPARED], key=lambda hit: -round(hit.relevance or 0.0, 2)), *hits[COMPARED:]]


def search(
    resources: Resources,
    *,
    text: str | None = None,
    image: Path | None = None,
    examples: Examples = NO_EXAMPLES,
    owner: str | None = None,
    where: Where | None = None,
    by: ResultKind = "image",
    k: int = 10,
    weights: Mapping[str, float] | None = None,
    folded: bool = False,
    enough: int | None = None,
) -> list[Hit]:
    """Return the k best images, products or chunks for a text, a picture, examples, or a text with pictures.

    Each result satisfies all filters of `where`. `owner` None searches all owners. `weights` maps role names, "keyword"
    or "number" to weights, instead of the defaults. The role `multimodal` is searched only if `weights` name it, by one
    vector for the text, the picture, or both. With `folded` an image that shows nearly the same as a better one is no
    result, but in `alike` of that one; so a result and its position do not depend on k. Each role is asked for more
    candidates only while there are fewer results than `enough`, by default k.

    A text that is exactly the code of a product or of a variant finds that product before all others.

    What is deleted, or being deleted, is no result, however little ago another process began to delete it.

    Raises InvalidReference for an empty query and for a text over MOST_TEXT, UnreadableImage for an unreadable picture,
    IndexDown, and Configuration if the model of an active space cannot be loaded.
    """
    _checked(Query(text, image, examples))
    if not (text and text.strip()) and image is None and not examples.like:
        raise InvalidReference("Nothing to search for.", advice="Give a text, an image, or both.")
    where = (where or Where()).model_copy(update={} if owner is None else {"owner": owner})
    known = resources.read_cache()
    whose = where.whose
    if not where.newest_only or not known.once(lambda: has_superseded(known.ledger, whose), has_superseded, whose):
        where = where.model_copy(update={"editions": "all"})  # the same results, without a condition
    examples.check(resources, whose)
    asked = Query(text if text and text.strip() else None, image, examples)
    folded = folded and by == "image"

    def find(known: ReadCache) -> tuple[list[Found], dict[str, Hit]]:
        best = _best(resources, known, asked, where, by, k, weights, folded=folded, enough=enough or k)
        return best, known.each(search_results.describe, [each.target for each in best], by, _shown_by(where))

    try:
        best, hits = find(known)
    except Failure:  # a space that another one has replaced may be dropped at this moment
        if searched_spaces(known) == searched_spaces(now := resources.read_cache(newest=True)):
            raise
        best, hits = find(now)
    if not _are_kept(resources, hits.values()):
        best, hits = find(resources.read_cache(newest=True))
    return [
        hits[target].model_copy(update={"score": round(fused_score.score, 6), "why": fused_score.why, "alike": alike})
        for target, fused_score, alike in best
        if target in hits and (not whose or hits[target].owner in whose)  # its owner may have been renamed meanwhile
    ]


def _best(
    resources: Resources,
    known: ReadCache,
    asked: Query,
    where: Where,
    by: ResultKind,
    k: int,
    weights: Mapping[str, float] | None,
    *,
    folded: bool,
    enough: int,
) -> list[Found]:
    """Return the k best results in these spaces with their scores, best first, without the given examples."""
    active, chosen = searched_spaces(known), resources.settings.search_weights
    seeks_same = weights is None and asked.by_picture_alone
    weights = weights or default_weights(active, text=asked.text is not None, image=asked.by_picture, chosen=chosen)
    within = same_within(active) if seeks_same else {}
    roles = {role for role, weight in weights.items() if weight > 0} | set(within)
    queries = _queries(resources, active, asked, roles, lambda kind: filters_of_candidates(where, by, kind))
    key = code_key(asked.text or "")
    coded = known.each(targets_of_codes, [key], by, where.whose)[key] if key else []
    given = {*asked.examples.like, *asked.examples.unlike}
    best = list[Found]()
    for most in _depths(where, by):
        candidates = _ask_all(resources, queries, most)
        to_targets = _TARGETS[by](known)
        weighted = {role: found for role, found in candidates.items() if weights.get(role, 0) > 0}
        fused = fuse(weighted, to_targets, weights, most=most)
        if seeks_same:
            put_first(fused, SAME, to_targets(SAME, same_things(candidates, within)))
        fused = {target: FusedScore() for target in coded} | fused
        put_first(fused, CODE, [(target, 1.0) for target in coded])
        scored = [pair for pair in fused.items() if pair[0] not in given]
        ranked = sorted(scored, key=lambda pair: (-pair[1].score, pair[0]))
        best = _first_satisfying(resources, known, ranked, where, by, k, folded=folded)
        if len(best) >= enough or all(len(matches) < most for matches in candidates.values()):
            break
    return best


def ask_each_role(
    resources: Resources, asked: Query, by: ResultKind, owner: str | None
) -> tuple[dict[str, list[Match]], ToTargets]:
    """Return role -> its candidates for every role that applies, whatever its weight, and the map to results."""
    where, known = Where(owner=owner), resources.read_cache()
    active = searched_spaces(known)
    queries = _queries(
        resources, active, asked, frozenset(WEIGHTED), lambda kind: filters_of_candidates(where, by, kind)
    )
    return _ask_all(resources, queries, CANDIDATES), _TARGETS[by](known)


def weights_in_use(resources: Resources, *, text: bool, image: bool) -> dict[str, float]:
    """Return the weights of a query by text, by picture or by both if the query has none."""
    return default_weights(
        searched_spaces(resources.read_cache()), text=text, image=image, chosen=resources.settings.search_weights
    )


def searched_spaces(known: ReadCache) -> Mapping[Role, Space]:
    """Return role -> the active space, which searches read."""
    return known.once(lambda: {role: each.space for role, each in active_spaces(known.ledger).items()}, active_spaces)


# --- relevance --------------------------------------------------------------------------------------------------------


def _judged_hit(hit: Hit, judged: Judged, fitted: Fitted) -> Hit:
    if CODE in hit.why:
        return hit.model_copy(update={"relevance": 1.0})
    relevance = round(probability(judged.evidence, fitted), 4)
    return hit.model_copy(update={"relevance": relevance, "missing": judged.missing})


def weights_of_relevance(resources: Resources) -> Fitted:
    """Return the weights of relevance for the text encoder of the searched spaces."""
    active = searched_spaces(resources.read_cache())
    return weights_of(next((space.tag for role, space in active.items() if role in ONE_MODEL), ""))


def judge(resources: Resources, hits: Sequence[Hit], text: str, by: ResultKind, where: Where) -> list[Judged]:
    """Return the results' evidence, by the background of each one's owner, compared with the first results."""
    if not where.owners:
        return behind_best(evidence(resources, hits, text, by, where.owner), COMPARED)
    judged = dict[str, Judged]()
    for owner in {hit.owner for hit in hits}:
        own = [hit for hit in hits if hit.owner == owner]
        judged |= zip((hit.id for hit in own), evidence(resources, own, text, by, owner), strict=True)
    return behind_best([judged[hit.id] for hit in hits], COMPARED)


def evidence(resources: Resources, hits: Sequence[Hit], text: str, by: ResultKind, owner: str | None) -> list[Judged]:
    """Return the evidence for each result of a search by text, of an owner or of all, without comparing results."""
    asked, known = content_words(text), resources.read_cache()
    texts = texts_of(known, by, [hit.id for hit in hits])
    backgrounds = _backgrounds(resources, known, {role for hit in hits for role in hit.why}, owner)
    said_by = cache(partial(words_said, asked))  # results of one product share its texts
    names = [[*filter(None, (hit.title if by != "chunk" else None, hit.product))] for hit in hits]
    named = [frozenset[str]().union(*map(said_by, each)) for each in names]
    said = [
        of_names.union(*map(said_by, [*filter(None, (hit.title, hit.text)), *texts.get(hit.id, ())]))
        for hit, of_names in zip(hits, named, strict=True)
    ]
    foreign = _said_by_nothing(resources, known, {word for each in said for word in asked if word not in each}, owner)
    words, vocabulary = max(1, len(asked)), max((each.vocabulary for each in backgrounds.values()), default=0.0)
    return [
        Judged(
            Evidence(
                said=len(each) / words,
                named=len(of_names) / words,
                close=_closeness(hit, backgrounds),
                foreign=vocabulary * len(foreign - each) / words,
            ),
            tuple(word for word in asked if word not in each),
        )
        for hit, each, of_names in zip(hits, said, named, strict=True)
    ]


def _said_by_nothing(resources: Resources, known: ReadCache, words: Collection[str], owner: str | None) -> set[str]:
    """Return the words that keyword search does not find in any image or chunk of an owner, or of all owners."""
    active, of_owner = searched_spaces(known), Where(owner=owner, editions="all")
    spaces = [active[role] for role in (Role.TEXT, Role.UNDERSTANDING) if role in active]

    def is_said(word: str) -> bool:
        with suppress(Failure):  # for example if the space was dropped meanwhile: the other evidence still counts
            return any(resources.index.keyword(space, word, 1, of_owner) for space in spaces)
        return True

    return {word for word in words if not known.once(partial(is_said, word), _said_by_nothing, owner, word)}


def _closeness(hit: Hit, backgrounds: Mapping[str, Background]) -> float:
    """Return how many deviations a result is nearer than by chance, in the role where this is most."""
    return max((backgrounds[r].closeness(why["score"]) for r, why in hit.why.items() if r in backgrounds), default=0.0)


def _backgrounds(
    resources: Resources, known: ReadCache, roles: Collection[str], owner: str | None
) -> dict[str, Background]:
    """Return role -> the background of its active space, for the roles whose space can be queried by text."""
    found = dict[str, Background]()
    for role, space in searched_spaces(known).items():
        if role not in roles:
            continue
        with suppress(Failure):  # for example if the space was dropped meanwhile: words are still evidence
            if background := known.once(partial(_background, resources, space, owner), _background, space, owner):
                found[role.value] = background
    return found


def _background(resources: Resources, space: Space, owner: str | None) -> Background | None:
    encode = _text_queries(resources, space)
    return background_of(resources, space, owner, encode) if encode else None


def _text_queries(resources: Resources, space: Space) -> Encode | None:
    """Return the function that encodes texts as queries of a space, without loading the model; None if none does."""
    models = resources.models_of(_pair(space))
    if space.role in ONE_MODEL:
        return lambda texts: models.text_encoder.embed(texts, "query")
    tower = models.text_tower
    return tower.encode_queries if tower else None


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


# --- queries ----------------------------------------------------------------------------------------------------------

Ask = Callable[[int], list[Match]]  # a function that returns at most a given number of candidates of a role, best first


def _ask_all(resources: Resources, queries: Mapping[str, Ask], most: int) -> dict[str, list[Match]]:
    """Return role -> at most `most` candidates. All roles are queried in the index at the same time."""
    found = resources.askers.map(lambda ask: ask(most), queries.values())
    return dict(zip(queries, found, strict=True))


def _queries(
    resources: Resources,
    active: Mapping[Role, Space],
    asked: Query,
    roles: Collection[str],
    filters: Callable[[Literal["image", "chunk"]], Where],
) -> dict[str, Ask]:
    """Return role -> its query, for the given roles that apply. Only their models are loaded, and run once.

    Each role is queried with the model of its active space, whatever the settings name. Raises Configuration if that
    model cannot be loaded.
    """
    queries: dict[str, Ask] = {}
    text, image, examples = asked
    text_spaces = [active[role] for role in (Role.UNDERSTANDING, Role.TEXT) if role in active]
    active = {role: space for role, space in active.items() if role in roles}

    def filters_in(space: Space) -> Where:
        return filters("chunk" if space.role is Role.TEXT else "image")

    def nearest(role: Role, vector: Vectors) -> Ask:
        space = active[role]
        moved = vector if role is Role.TEXT else examples.moved(resources, space, vector)
        return lambda most: resources.index.search(space, moved, most, filters_in(space))

    def keyword(text: str) -> Ask:
        def ask(most: int) -> list[Match]:
            found = [m for s in text_spaces for m in resources.index.keyword(s, text, most, filters_in(s))]
            return sorted(found, key=own_score, reverse=True)

        return ask

    if text:
        text_vectors = _text_vectors(resources, active, text, by_picture=asked.by_picture)
        queries |= {role.value: nearest(role, vector) for role, vector in text_vectors.items()}
        if KEYWORD in roles:
            queries[KEYWORD] = keyword(without_function_words(text))
        if NUMBER in roles and (numbers := numbers_of(text)):
            queries[NUMBER] = keyword(numbers)
    picture, visual = ({}, None) if image is None else _picture_vectors(resources, active, image)
    by_picture = examples.queries(resources, active, picture)
    queries |= {role.value: nearest(role, vector) for role, vector in by_picture.items()}
    tower = _tower(resources, active, Role.MULTIMODAL)
    if tower and (text or image is not None or Role.VISUAL in by_picture):
        visual = by_picture.get(Role.VISUAL) if visual is None else visual
        if image is not None and visual is None:
            visual = _encode_image(resources, resources.models_of(_pair(active[Role.MULTIMODAL])), image)[Role.VISUAL]
        queries[Role.MULTIMODAL.value] = nearest(Role.MULTIMODAL, _multimodal_query(tower, text, visual))
    return queries


def _text_vectors(
    resources: Resources, active: Mapping[Role, Space], text: str, *, by_picture: bool
) -> dict[Role, Vectors]:
    """Return the query vectors of a text for the roles of texts, and for `visual` if nothing is asked by picture."""
    vectors = dict[Role, Vectors]()
    for models, roles in _by_models(resources, active, ONE_MODEL):
        vectors |= dict.fromkeys(roles, models.text_encoder.embed([text], "query")[0])
    # A query picture's own visual vector is the better query.
    if not by_picture and (tower := _tower(resources, active, Role.VISUAL)):
        vectors[Role.VISUAL] = tower.encode_queries([text])[0]
    return vectors


def _picture_vectors(
    resources: Resources, active: Mapping[Role, Space], image: Path
) -> tuple[dict[Role, Vectors], Vectors | None]:
    """Return the query vectors of a picture file, and its `visual` one by the model that makes `multimodal`, if any."""
    groups = list(_by_models(resources, active, PIXEL_ROLES))
    if not groups:
        # An unreadable picture is refused even if nothing is searchable.
        _decode(resources, image, _CHECKED_SIDE)
    picture, visual = dict[Role, Vectors](), None
    for models, roles in groups:
        vectors = _encode_image(resources, models, image)
        picture |= {role: vectors[role] for role in roles}
        if Role.VISUAL in vectors and _makes(resources, active, Role.MULTIMODAL, models):
            visual = vectors[Role.VISUAL]
    return picture, visual


def _pair(space: Space) -> RoleTag:
    return RoleTag(role=space.role, tag=space.tag)


def _by_models(
    resources: Resources, active: Mapping[Role, Space], roles: Set[Role]
) -> Iterator[tuple[Models, list[Role]]]:
    """Yield models, each with the roles whose active space it made: one model, except while models change."""
    grouped = dict[int, tuple[Models, list[Role]]]()
    for role in sorted(roles & active.keys()):
        models = resources.models_of(_pair(active[role]))
        grouped.setdefault(id(models), (models, []))[1].append(role)
    yield from grouped.values()


def _makes(resources: Resources, active: Mapping[Role, Space], role: Role, models: Models) -> bool:
    return role in active and resources.models_of(_pair(active[role])) is models


def _tower(resources: Resources, active: Mapping[Role, Space], role: Role) -> TextTower | None:
    """Return the text tower of the encoder that made a role's active space, None without either."""
    return resources.models_of(_pair(active[role])).text_tower if role in active else None


def _multimodal_query(tower: TextTower, text: str | None, visual: Vectors | None) -> Vectors:
    """Return the query vector (dimension,) of a text, a picture's `visual` vector, or both, for `multimodal`."""
    if visual is not None and text is None:
        return visual
    vectors = tower.encode_queries([text or ""]) if visual is None else tower.combine(visual[None], [text or ""])
    vector: Vectors = vectors[0]
    return vector


def _encode_image(resources: Resources, models: Models, image: Path) -> dict[Role, Vectors]:
    decoded = _decode(resources, image, models.encoder.side)
    return {role: vectors[0] for role, vectors in models.encoder.encode([decoded]).items() if role in PIXEL_ROLES}


def _decode(resources: Resources, image: Path, side: int) -> Pixels:
    if not image.is_file():
        raise InvalidReference(f"{image}: no such file.", advice="Give the path of a picture file.")
    (decoded,) = resources.decoders.decode([image], side)
    if isinstance(decoded, Failure):
        raise decoded
    return decoded


def _images_of(known: ReadCache) -> ToTargets:
    """Return a function that maps matches to images: a chunk leads to the images linked to it."""

    def to_images(role: str, matches: Sequence[Match]) -> Ranked:
        ids = [m.id for m in matches]
        linked = known.each(search_results.images_of_chunks, ids) if role == Role.TEXT or role in BY_TERMS else {}
        return _first_of(matches, lambda m: linked.get(m.id, []) if m.id in linked or role == Role.TEXT else [m.id])

    return to_images


def _products_of(known: ReadCache) -> ToTargets:
    """Return a function that maps matches to products: a product ranks as its best image or chunk."""

    def to_products(role: str, matches: Sequence[Match]) -> Ranked:
        ids = [m.id for m in matches]
        by_chunk = known.each(search_results.products_of_chunks, ids) if role == Role.TEXT or role in BY_TERMS else {}
        by_image = known.each(search_results.products_of_images, ids) if role != Role.TEXT else {}
        return _first_of(matches, lambda m: [*by_chunk.get(m.id, []), *by_image.get(m.id, [])])

    return to_products


def _chunks_of(known: ReadCache) -> ToTargets:
    """Return a function that maps matches to chunks: an image leads to the chunks linked to it."""

    def to_chunks(role: str, matches: Sequence[Match]) -> Ranked:
        linked = known.each(search_results.chunks_of_images, [m.id for m in matches]) if role != Role.TEXT else {}
        return _first_of(matches, lambda m: linked.get(m.id, [m.id]))

    return to_chunks


def _first_of(matches: Sequence[Match], targets: Callable[[Match], Sequence[str]]) -> Ranked:
    ranked: dict[str, float] = {}
    for match in matches:
        for target in targets(match):
            ranked.setdefault(target, own_score(match))
    return list(ranked.items())


def _shown_by(where: Where) -> Where | None:
    """Return the filters that decide which of several products or documents names an image, None for none."""
    chosen = where.model_copy(update={"owner": None, "owners": (), "editions": "all"})
    return None if chosen == Where(editions="all") else chosen


_TARGETS: Mapping[ResultKind, Callable[[ReadCache], ToTargets]] = {
    "image": _images_of,
    "product": _products_of,
    "chunk": _chunks_of,
}
