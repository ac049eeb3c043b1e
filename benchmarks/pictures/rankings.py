"""The JSON that a system writes, the ten nearest others of each picture, and its score."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, median
from typing import Annotated, Final

from pydantic import Field

from benchmarks.catalogues.answers import NAME, Seen
from benchmarks.pictures.sets import PictureSet, picture_sets
from devtools.json_record import read_record
from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import Record

NEAREST: Final = 10
Ids = Annotated[tuple[str, ...], Field(max_length=NEAREST)]
FORMAT: Final = "The format is in benchmarks/pictures/DATASHEET.md."


class SystemRankings(Record):
    """The whole file: the system, how it had met each set, and set -> id of a picture -> the nearest others."""

    system: str = Field(pattern=NAME)
    version: str = ""
    about: str = Field(min_length=1)
    seen: dict[str, Seen]
    not_run: str | None = None
    sets: dict[str, dict[str, Ids]] = Field(default_factory=dict)


class ClassScore(Record):
    """The pictures of a class: how many, the share whose nearest is of it, and the mean share of the nearest ten."""

    pictures: int
    nearest: float
    of_ten: float


class SetScore(Record):
    """The score of a set. `labels`: the digest of its pictures and classes; `missing`: pictures without an answer."""

    seen: Seen
    labels: str
    missing: int
    classes: dict[str, ClassScore]

    @property
    def nearest(self) -> float:
        """Return the share of all pictures whose nearest is of their class."""
        return self._weighted([each.nearest for each in self.classes.values()])

    @property
    def of_ten(self) -> float:
        return self._weighted([each.of_ten for each in self.classes.values()])

    @property
    def of_classes(self) -> tuple[float, float]:
        """Return median and floor of the share of classes."""
        shares = [each.nearest for each in self.classes.values()]
        return median(shares), min(shares)

    def _weighted(self, shares: Sequence[float]) -> float:
        counts = [each.pictures for each in self.classes.values()]
        return sum(share * count for share, count in zip(shares, counts, strict=True)) / sum(counts)


class PictureScore(Record):
    """The scores of a system on the sets that it answered; `not_run` says why on none."""

    system: str = Field(pattern=NAME)
    version: str
    about: str
    not_run: str | None = None
    sets: dict[str, SetScore] = Field(default_factory=dict)


def read_rankings(file: Path) -> SystemRankings:
    """Return what a system wrote. Raises InvalidReference with the first fault."""
    found = read_record(SystemRankings, file, advice=FORMAT)
    for name, rankings in found.sets.items():
        if name not in picture_sets():
            raise InvalidReference(f"{file}: there is no set {name!r}.", advice=f"Sets: {', '.join(picture_sets())}.")
        if name not in found.seen:
            raise InvalidReference(f"{file}: `seen` does not name the set {name!r}.", advice=FORMAT)
        if fault := _fault(rankings, picture_sets()[name].classes):
            raise InvalidReference(f"{file}: {name}: {fault}.", advice=FORMAT)
    return found


def _fault(rankings: Mapping[str, Sequence[str]], classes: Mapping[str, str]) -> str | None:
    for picture, others in rankings.items():
        if unknown := [each for each in (picture, *others) if each not in classes]:
            return f"the set has no picture {unknown[0]!r}"
        if picture in others or len(set(others)) < len(others):
            return f"{picture} names itself, or another picture twice"
    return None


def score_rankings(found: SystemRankings) -> PictureScore:
    """Return the scores of a system; a picture without an answer counts as zero."""
    sets = {
        name: _score(rankings, picture_sets()[name], found.seen[name]) for name, rankings in sorted(found.sets.items())
    }
    return PictureScore(**found.model_dump(include={"system", "version", "about", "not_run"}), sets=sets)


def _score(rankings: Mapping[str, Sequence[str]], pictures: PictureSet, seen: Seen) -> SetScore:
    right: dict[str, list[list[bool]]] = {}
    for picture, of_class in pictures.classes.items():
        right.setdefault(of_class, []).append(
            [pictures.classes[other] == of_class for other in rankings.get(picture, ())]
        )
    classes = {
        of_class: ClassScore(
            pictures=len(hits),
            nearest=round(mean(any(each[:1]) for each in hits), 4),
            of_ten=round(mean(sum(each) / NEAREST for each in hits), 4),
        )
        for of_class, hits in sorted(right.items())
    }
    missing = len(pictures.classes) - len(rankings)
    return SetScore(seen=seen, labels=pictures.digest, missing=missing, classes=classes)


def read_scores(file: Path) -> PictureScore:
    """Return the scores that `score` wrote. Raises InvalidReference."""
    return read_record(PictureScore, file, advice="`python -m benchmarks.pictures score` writes such files.")
