"""How likely each result of a search by text is what was meant: its evidence, compared with the first results."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from functools import cache, partial, reduce
from operator import and_, or_
from types import MappingProxyType
from typing import NamedTuple

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
    words_of_text,
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


class Ranked(NamedTuple):
    """A result with what a search found out about it. Most are only counted: `as_hit` is for those that are shown."""

    hit: Hit
    why: Mapping[str, Mapping[str, float]] = MappingProxyType({})
    score: float = 0.0
    alike: tuple[str, ...] = ()
    relevance: float | None = None
    missing: tuple[str, ...] = ()
    close: bool = True

    def as_hit(self) -> Hit:
        """Return the hit with what was found out about it."""
        return self.hit.model_copy(update={name: getattr(self, name) for name in self._fields[1:]})


def with_relevance(result: Ranked, judged: Judged, fitted: Fitted) -> Ranked:
    """Return a result with its likelihood, and the words that it does not say; one that has the code is certain."""
    if CODE in result.why:
        return result._replace(relevance=1.0)
    return result._replace(relevance=round(probability(judged.evidence, fitted), 4), missing=judged.missing)


def judge(resources: Resources, results: Sequence[Ranked], text: str, by: ResultKind, where: Where) -> list[Judged]:
    """Return the results' evidence, by the background of each one's owner, compared with the first results."""
    if not where.owners:
        return behind_best(evidence(resources, results, text, by, where.owner), COMPARED)
    judged = dict[str, Judged]()
    for owner in {each.hit.owner for each in results}:
        own = [each for each in results if each.hit.owner == owner]
        judged |= zip((each.hit.id for each in own), evidence(resources, own, text, by, owner), strict=True)
    return behind_best([judged[each.hit.id] for each in results], COMPARED)


def evidence(
    resources: Resources, results: Sequence[Ranked], text: str, by: ResultKind, owner: str | None
) -> list[Judged]:
    """Return the evidence for each result of a search by text, of an owner or of all, without comparing results."""
    asked, known = content_words(text), resources.read_cache()
    texts = texts_of(known, by, [each.hit.id for each in results])
    backgrounds = _backgrounds(resources, known, {role for each in results for role in each.why}, owner)
    said_by = cache(lambda text: words_said(asked, words_of_text(text)))  # many results have the same name and texts
    said_in = cache(lambda texts: reduce(or_, map(said_by, texts), 0))
    words_of = cache(partial(_words, asked))
    named, said = list[int](), list[int]()
    for hit in (each.hit for each in results):
        in_title, in_product = said_by(hit.title), said_by(hit.product) if hit.product else 0
        in_texts = reduce(or_, map(said_in, texts.get(hit.id, ())), 0)
        in_text = said_by(hit.text) if hit.text and by == "product" else 0  # that of others is among their texts
        named.append(in_product if by == "chunk" else in_title | in_product)
        said.append(in_title | in_product | in_text | in_texts)
    in_all = reduce(and_, said, (1 << len(asked)) - 1)
    nowhere = _said_by_nothing(resources, known, words_of(~in_all), owner)
    foreign = sum(1 << bit for bit, word in enumerate(asked) if word in nowhere)
    words, vocabulary = max(1, len(asked)), max((each.vocabulary for each in backgrounds.values()), default=0.0)
    return [
        Judged(
            Evidence(
                said=has.bit_count() / words,
                named=in_names.bit_count() / words,
                close=_closeness(each.why, backgrounds),
                foreign=vocabulary * (foreign & ~has).bit_count() / words,
            ),
            words_of(~has),
        )
        for each, has, in_names in zip(results, said, named, strict=True)
    ]


def _words(asked: Sequence[str], bits: int) -> tuple[str, ...]:
    """Return the words of a question that have a bit."""
    return tuple(word for bit, word in enumerate(asked) if bits >> bit & 1)


def _said_by_nothing(resources: Resources, known: ReadCache, words: Collection[str], owner: str | None) -> set[str]:
    """Return the words that keyword search does not find in any image or chunk of an owner, or of all owners."""
    spaces, of_owner = keyword_spaces(searched_spaces(known)), Where(owner=owner, editions="all")

    def is_said(word: str) -> bool:
        with suppress(Failure):  # for example if the space was dropped meanwhile: the other evidence still counts
            return any(resources.index.keyword(space, word, 1, of_owner) for space in spaces)
        return True

    return {word for word in words if not known.once(partial(is_said, word), _said_by_nothing, owner, word)}


def _closeness(why: Mapping[str, Mapping[str, float]], backgrounds: Mapping[str, Background]) -> float:
    """Return how many deviations a result is nearer than by chance, in the role where this is most."""
    near = [backgrounds[role].closeness(each["score"]) for role, each in why.items() if role in backgrounds]
    return max(near, default=0.0)


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
