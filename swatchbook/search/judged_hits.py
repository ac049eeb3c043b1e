"""How likely each result of a search by text is what was meant: its evidence, compared with the first results."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from functools import cache, partial

from swatchbook.domain.errors import Failure
from swatchbook.domain.records import Hit, ResultKind
from swatchbook.index.contract import Space, Where
from swatchbook.resources import Resources
from swatchbook.search.fusion import CODE, ONE_MODEL
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
    words_said,
)
from swatchbook.search.role_queries import keyword_spaces, searched_spaces
from swatchbook.store.ledger.queries.search_results import texts_of
from swatchbook.store.ledger.read_cache import ReadCache

COMPARED = 50  # number of first results that are sorted by likelihood; each result is compared with the best of them


def weights_of_relevance(resources: Resources) -> Fitted:
    """Return the weights of relevance for the text encoder of the searched spaces."""
    active = searched_spaces(resources.read_cache())
    return weights_of(next((space.tag for role, space in active.items() if role in ONE_MODEL), ""))


def judged_hit(hit: Hit, judged: Judged, fitted: Fitted) -> Hit:
    """Return a result with its likelihood, and the words that it does not say; one that has the code is certain."""
    if CODE in hit.why:
        return hit.model_copy(update={"relevance": 1.0})
    relevance = round(probability(judged.evidence, fitted), 4)
    return hit.model_copy(update={"relevance": relevance, "missing": judged.missing})


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
    spaces, of_owner = keyword_spaces(searched_spaces(known)), Where(owner=owner, editions="all")

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
    models = resources.models_of(space.pair)
    if space.role in ONE_MODEL:
        return lambda texts: models.text_encoder.embed(texts, "query")
    tower = models.text_tower
    return tower.encode_queries if tower else None
