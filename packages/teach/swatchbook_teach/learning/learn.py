"""Learn from a few examples which texts of a document are names: the rules that agree with them, likeliest first.

A hypothesis is a set of texts that share traits. How likely it is follows from what it is like (`score.py`) and from
the examples: of two sets that hold them all, the smaller one is likelier, and the more so with each example.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from swatchbook.domain.records import UNTAUGHT, WHOLE_TEXT, Cut, Example, Shown, TaughtReading, TextRule, fold
from swatchbook_catalogue.name_labels import without_label
from swatchbook_teach.learning.cuts import find_cuts, names_in
from swatchbook_teach.learning.examples import Place, locate
from swatchbook_teach.learning.score import Base, RuleCounts, measure, score, update_backing
from swatchbook_teach.learning.shared_traits import GROUP, UNUSUAL, Trait, holds, sets_in_common, simplify, traits_of
from swatchbook_teach.learning.texts import Booleans, DocumentTexts, PageText

MOST_LEARNT: Final = 150
"""The most of the likeliest sets among which other readings are chosen."""
LEAST_GAIN: Final = 1e-6
"""By how much another reading must raise the expected F1 of the best one."""
MOST_KEPT: Final = 50
"""The most sets of examples after which a process keeps what it proposed for a document."""
MOST_PLAIN: Final = 200
"""The most sets that are compared before wrong examples are left out."""
MOST_WIDELY: Final = 12
"""The most sets from which what is like wrong examples is left out, too."""
MOST_EXCEPTIONS: Final = 12
"""The most ways to do so that are compared for each."""
CHOSEN: Final = 0.9
"""How likely a reading is right that a person has chosen."""


@dataclass(frozen=True)
class Hypothesis:
    """Texts that may be the names: those of its rules, without those of `not_names`. `literal`: examples that no rule
    explains.
    """

    names: tuple[TextRule, ...]
    not_names: tuple[TextRule, ...]
    texts: Booleans
    literal: int = 0

    @cached_property
    def key(self) -> bytes:
        return self.texts.tobytes()

    @property
    def shape(self) -> RuleCounts:
        """How many rules it needs, and how many traits these have."""
        traits = sum(len(rule.traits) for rule in self.names)
        return RuleCounts(len(self.names), traits, len(self.not_names), self.literal)

    @property
    def cost(self) -> tuple[int, ...]:
        """How much it assumes, to choose between hypotheses with the same texts."""
        counts = self.shape
        return counts.literal + counts.names + counts.not_names, counts.traits


class Learnt(NamedTuple):
    """A reading with its probability, its texts, and for each text how likely it is a name by all readings."""

    reading: TaughtReading
    probability: float
    texts: Booleans
    likely: NDArray[np.float64]


def learn(
    texts: DocumentTexts,
    examples: Sequence[Example],
    start: TaughtReading = UNTAUGHT,
    *,
    most: int = 1,
    besides: Booleans | None = None,
) -> list[Learnt]:
    """Return the likeliest reading that agrees with the examples, and others of which one is probably better.

    Those of `start` count as examples, too. Each example corrects what was proposed after those before it, so that it
    says the more, the less was wrong there. Without examples these are the present names and the groups of likely
    names. A name that is on no text of its page is kept as an example only. `besides`: the texts of a reading that a
    person is shown in any case, instead of the likeliest one.
    """
    shown = (*start.examples, *examples)
    names = [each for each in shown if each.what is Shown.NAME]
    weighed = _weigh_in_turn(texts, names, start)
    if not names:
        weighed = [each for each in weighed if each[1].texts.any()]
    if not weighed:
        return []
    raised = np.exp(np.array([value for value, _ in weighed]) - weighed[0][0])
    shares = raised / raised.sum()
    sets = np.array([h.texts for _, h in weighed], np.float64)
    likely = shares @ sets
    first = sets[0] if besides is None else besides.astype(np.float64)
    chosen = list(islice(_most_promising(sets[:MOST_LEARNT], shares[:MOST_LEARNT], first), most - 1))
    numbers = chosen if besides is not None else [0, *chosen]
    return [
        Learnt(_reading(texts, start, shown, weighed[n][1]), float(shares[n]), weighed[n][1].texts, likely)
        for n in numbers
    ]


def _weigh_in_turn(
    texts: DocumentTexts, names: Sequence[Example], start: TaughtReading
) -> list[tuple[float, Hypothesis]]:
    """Return the score of each hypothesis after all examples; what each one corrects is kept for the next call."""
    proposed = [base_of(texts, start).texts]
    weighed = []
    for n in range(min(1, len(names)), len(names) + 1):
        key = repr((start, names[:n]))
        if n == len(names) or key not in texts.proposed:
            weighed = weigh(texts, names[:n], proposed[:n], start)
            texts.proposed[key] = weighed[0][1].texts if weighed else proposed[0]
            for oldest in list(texts.proposed)[:-MOST_KEPT]:
                texts.proposed.pop(oldest, None)
        proposed.append(texts.proposed[key])
    return weighed


def _most_promising(
    sets: NDArray[np.float64], probabilities: NDArray[np.float64], first: NDArray[np.float64]
) -> Iterator[int]:
    """Yield which set raises the expected F1 of the best one of those shown most, one after the other.

    `sets` has a row for each set of texts, and `first` is shown already.
    """
    sizes = sets.sum(axis=1)
    f1 = 2 * (sets @ sets.T) / np.maximum(sizes[:, None] + sizes[None, :], 1.0)
    best = 2 * (sets @ first) / np.maximum(sizes + first.sum(), 1.0)
    while True:
        gains = probabilities @ np.maximum(f1 - best[:, None], 0.0)
        chosen = int(gains.argmax())
        if gains[chosen] <= LEAST_GAIN:
            return
        yield chosen
        best = np.maximum(best, f1[:, chosen])


def _reading(
    texts: DocumentTexts, start: TaughtReading, examples: tuple[Example, ...], found: Hypothesis
) -> TaughtReading:
    names, not_names = (tuple(_simplest(texts, rule) for rule in rules) for rules in (found.names, found.not_names))
    return start.model_copy(update={"names": names, "not_names": not_names, "examples": examples})


def weigh(
    texts: DocumentTexts, examples: Sequence[Example], proposed: Sequence[Booleans], start: TaughtReading = UNTAUGHT
) -> list[tuple[float, Hypothesis]]:
    """Return the score of each hypothesis, the highest first. `proposed`: what each example corrects."""
    found = [(score(features), each) for each, features in measured_hypotheses(texts, examples, proposed, start)]
    return sorted(found, key=lambda each: -each[0])


def measured_hypotheses(
    texts: DocumentTexts, examples: Sequence[Example], proposed: Sequence[Booleans], start: TaughtReading = UNTAUGHT
) -> Iterator[tuple[Hypothesis, Mapping[str, float]]]:
    """Yield each hypothesis with its features. `proposed`: what each example corrects."""
    places = locate(texts, examples)
    right, wrong = ([p.number for p in places if p.example.right == is_right] for is_right in (True, False))
    updated = update_backing(texts, right, wrong)
    base = base_of(texts, start)
    # Each set of texts is measured once, by the fewest rules.
    kept: dict[bytes, Hypothesis] = {}
    for hypothesis in _hypotheses(texts, places, updated, start, base):
        known = kept.get(hypothesis.key)
        if known is None or hypothesis.cost < known.cost:
            kept[hypothesis.key] = hypothesis
    for each in kept.values():
        yield each, measure(texts, each.texts, each.shape, proposed[: len(examples)], updated, base)


# --- hypotheses -------------------------------------------------------------------------------------------------------


def _hypotheses(
    texts: DocumentTexts, places: Sequence[Place], backing: NDArray[np.float64], start: TaughtReading, base: Base
) -> Iterator[Hypothesis]:
    """Yield the sets of texts that hold all right examples and no wrong one, with their rules."""
    right = [place for place in places if place.example.right]
    wrong = [place for place in places if not place.example.right]
    present = list(_present(texts, start))
    groups = [_of_trait(texts, (GROUP + name, True)) for name in texts.groups]
    groups = [h for h in groups if not right or any(h.texts[place.number] for place in right)]
    plain: list[Hypothesis] = [*present, *groups]
    if right:
        plain += _sharing(texts, texts.named, right)
        for other in (*present, *groups):
            missing = [place for place in right if not other.texts[place.number]]
            plain += [
                Hypothesis((*other.names, *more.names), other.not_names, other.texts | more.texts)
                for more in (_sharing(texts, texts.named, missing) if missing else ())
            ]
    for place, hypothesis in enumerate(_best(texts, plain, backing, base, MOST_PLAIN)):
        yield from _corrected(texts, hypothesis, right, wrong, widely=place < MOST_WIDELY)


def _best(
    texts: DocumentTexts, found: Iterable[Hypothesis], backing: NDArray[np.float64], base: Base, most: int
) -> list[Hypothesis]:
    """Return the likeliest of some hypotheses."""
    return sorted(found, key=lambda h: -score(measure(texts, h.texts, h.shape, (), backing, base)))[:most]


def base_of(texts: DocumentTexts, start: TaughtReading) -> Base:
    """Return the names of the reading that one starts from; without one, the present names."""
    if start.names:
        return Base(texts_of(texts, start), CHOSEN)
    return Base(texts.found, texts.choice.probability if texts.choice else 0.0)


def _present(texts: DocumentTexts, start: TaughtReading) -> Iterator[Hypothesis]:
    """Yield what counts without examples: the reading that one starts from, and the present names."""
    if start.names:
        yield Hypothesis(start.names, start.not_names, texts_of(texts, start))
    yield _of_trait(texts, ("found", True))


def _of_trait(texts: DocumentTexts, trait: Trait) -> Hypothesis:
    return Hypothesis((TextRule(traits=dict([trait])),), (), holds(texts, trait))


def _sharing(texts: DocumentTexts, among: Booleans, right: Sequence[Place]) -> list[Hypothesis]:
    """Return the sets of texts among some that share traits with all of some examples; each set once.

    Each set is given by the traits that the examples share with one or two other texts. Texts that are never names,
    such as prices and running heads, are left out unless an example is one.
    """
    cuts = find_cuts([(texts.texts[p.number].text.text, p.wanted) for p in right])
    plain = all(_is_plain(texts.texts[p.number], p.wanted) for p in right)
    cut = WHOLE_TEXT if plain else next(iter(cuts), None)
    if cut is None:
        return []
    usual = all(texts.usual[p.number] for p in right)
    universe = among & (texts.usual if usual else texts.named)
    universe = universe if plain else universe & _has_cut(texts, cut)
    unusual = {} if usual else dict([UNUSUAL])
    numbers = [place.number for place in right]
    return [
        Hypothesis((TextRule(traits=dict(traits) | unusual, cut=cut),), (), mask)
        for traits, mask in sets_in_common(texts, numbers, traits_of(texts, numbers[0]), universe, texts.backing)
    ]


def _is_plain(text: PageText, wanted: str) -> bool:
    """Return whether a wanted name is that of a text without a label before it, which other names would have, too."""
    return fold(text.name) == fold(wanted) and without_label(text.text.text) == text.text.text


def _simplest(texts: DocumentTexts, rule: TextRule) -> TextRule:
    """Return a rule without the traits that change nothing."""
    unusual = [trait for trait in rule.traits.items() if trait == UNUSUAL]
    among = texts.named if unusual else texts.usual
    among = among if rule.cut == WHOLE_TEXT else among & _has_cut(texts, rule.cut)
    traits = simplify(texts, (trait for trait in rule.traits.items() if trait != UNUSUAL), among)
    return TextRule(traits=traits | dict(unusual), cut=rule.cut)


def _has_cut(texts: DocumentTexts, cut: Cut) -> Booleans:
    return np.array([bool(names_in(t.text.text, cut)) for t in texts.texts])


def texts_of(texts: DocumentTexts, taught: TaughtReading) -> Booleans:
    """Return the texts that the rules of a reading take for names."""
    return select(texts, taught.names) & ~select(texts, taught.not_names)


def select(texts: DocumentTexts, rules: Iterable[TextRule]) -> Booleans:
    """Return the texts that have all traits of one of the rules."""
    found = np.zeros(len(texts.texts), bool)
    for rule in rules:
        mask = texts.named if UNUSUAL in rule.traits.items() else texts.usual
        for trait in rule.traits.items():
            mask = mask & holds(texts, trait)
        if rule.cut != WHOLE_TEXT:
            mask &= _has_cut(texts, rule.cut)
        found |= mask
    return found


# --- wrong examples ---------------------------------------------------------------------------------------------------


def _says(texts: DocumentTexts, rules: Iterable[TextRule], place: Place) -> bool:
    """Return whether one of the rules cuts the name that a person showed from its text."""
    text, wanted = texts.texts[place.number], fold(place.wanted)
    return any(
        wanted == fold(text.name) if rule.cut == WHOLE_TEXT else wanted in map(fold, names_in(text.text.text, rule.cut))
        for rule in rules
    )


def _corrected(
    texts: DocumentTexts, hypothesis: Hypothesis, right: Sequence[Place], wrong: Sequence[Place], *, widely: bool
) -> Iterator[Hypothesis]:
    """Yield a hypothesis with all right examples and no wrong one; `widely`: also without what is like these."""
    mask, literal = hypothesis.texts.copy(), 0
    for place in right:
        literal += not mask[place.number] or not _says(texts, hypothesis.names, place)
        mask[place.number] = True
    bad = [place._replace(wanted=texts.texts[place.number].name) for place in wrong if mask[place.number]]
    alone = mask.copy()
    alone[[place.number for place in bad]] = False
    yield replace(hypothesis, texts=alone, literal=literal + len(bad))
    if not bad or not widely:
        return
    for parts in dict.fromkeys([tuple(bad), *((place,) for place in bad)]):
        like = [h for h in _sharing(texts, mask, parts) if not any(h.texts[place.number] for place in right)]
        kept = [(mask & ~h.texts, h.names) for h in like if 0 < h.texts.sum() < mask.sum()]
        kept = sorted(kept, key=lambda each: -float(texts.backing[each[0]].sum()) / float(each[0].sum()))
        for left, rules in kept[:MOST_EXCEPTIONS]:
            still = left.copy()
            still[[place.number for place in bad]] = False
            extra = int((left & ~still).sum())
            yield replace(hypothesis, texts=still, not_names=(*hypothesis.not_names, *rules), literal=literal + extra)
