"""A simulated person teaches catalogues whose texts are kept, without their words."""

import random
from pathlib import Path
from statistics import mean

import pytest

from devtools.evaluation.kept_texts import FOLDER, mask, read_kept
from devtools.evaluation.person import f1_of, teach

LABELS = Path("tests/truth/tuning")
NAMES = sorted(path.name.removesuffix(".json.gz") for path in FOLDER.glob("*.json.gz"))
ACTIONS = 3
LEAST = 0.75
"""The least mean F1 after three actions: weights were fitted on these catalogues, so it is a guard, no result."""


def course(name: str) -> list[float]:
    """Return the F1 of a catalogue after each action, from none on."""
    labelled = read_kept(LABELS, FOLDER, name)
    f1 = [f1_of(labelled, labelled.texts.found)]
    for best in teach(labelled, random.Random(name), ACTIONS):
        f1.append(f1_of(labelled, best.texts) if best else f1[-1])
    return f1


@pytest.fixture(scope="module")
def courses() -> dict[str, list[float]]:
    return {name: course(name) for name in NAMES}


def test_three_actions_find_most_names_especially_the_first(courses: dict[str, list[float]]) -> None:
    assert len(courses) >= 10
    assert mean(f1[ACTIONS] for f1 in courses.values()) >= LEAST, courses
    gains = [mean(f1[n + 1] - f1[n] for f1 in courses.values()) for n in range(ACTIONS)]
    assert gains[0] == max(gains), gains
    assert gains[0] >= 0.1, gains


def test_masked_words_keep_their_form() -> None:
    masked = mask("REF: Polo B 12,5 – Straße")
    assert [w.isupper() for w in masked.split()] == [w.isupper() for w in ["REF:", "Polo", "B", "12,5", "–", "Straße"]]
    assert len(masked) == len("REF: Polo B 12,5 – Straße")
    assert "Polo" not in masked
    assert mask("Polo") in masked
