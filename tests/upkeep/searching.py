"""Somebody who searches all the time: `python -m tests.upkeep.searching KEPT PICTURE LOG` until it is terminated.

KEPT has, for each role that is searched at the beginning, the ids of the objects that stay, as JSON. Each answer is a
line in LOG: by which models, and what is wrong with it, if anything. An answer is right if its roles were searched in
spaces that were active together, and if each of these spaces gave everything that stays.
"""

import json
import os
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

from swatchbook.domain.records import Hit, Role
from swatchbook.domain.settings import load_settings
from swatchbook.index.contract import Index, Match, Space, Vector, Where
from swatchbook.resources import Resources, open_resources
from swatchbook.search.request import SearchRequest
from swatchbook.search.search import search
from swatchbook.store.ledger.space_registry import active_spaces

PAUSE = 0.0 if os.environ.get("SWATCHBOOK_TEST_SOAK") else 0.1
"""Seconds after a search: without, it takes a core from the others."""

Kept = Mapping[str, frozenset[str]]
"""Role -> ids of the objects that stay."""


class Recorded:
    """An index, and from which space it last gave what for each role."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self.gave = dict[str, tuple[Space, set[str]]]()

    def search(self, space: Space, vector: Vector, k: int, where: Where | None = None) -> list[Match]:
        found = self._index.search(space, vector, k, where)
        self.gave[space.role] = space, {match.id for match in found}
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._index, name)


def tags(resources: Resources) -> dict[str, str]:
    return {role.value: each.space.tag for role, each in active_spaces(resources.ledger).items()}


def wrong(
    hits: Sequence[Hit], gave: Mapping[str, tuple[Space, set[str]]], together: Sequence[Mapping[str, str]], kept: Kept
) -> list[str]:
    """What is wrong with an answer. `together`: role -> tag, before and after it."""
    roles = {role for hit in hits for role in hit.why} & gave.keys()
    read = {role: gave[role][0].tag for role in roles}
    found = []
    if not roles:
        found.append("nothing was found")
    if not any(read.items() <= state.items() for state in together):
        found.append(f"{read} were not active together: {together}")
    for role in sorted(roles):
        if missing := kept.get(role, kept[Role.VISUAL]) - gave[role][1]:
            found.append(f"{gave[role][0].name} lacks {len(missing)} of {len(kept.get(role, kept[Role.VISUAL]))}")
    return found


def main(kept: Kept, picture: Path, log: Path) -> None:
    with open_resources(load_settings()) as resources, log.open("a", buffering=1) as lines:
        index = Recorded(resources.index)
        resources.index = index  # type: ignore[assignment]
        asks = {
            "text": SearchRequest("oak floor", k=100),
            "image": SearchRequest(image=picture, k=100),
            "chunk": SearchRequest("oak floor", by="chunk", k=100),
        }
        for name, asked in cycle(asks.items()):
            before = tags(resources)
            index.gave.clear()
            try:
                hits = search(resources, asked)
                problems = wrong(hits, index.gave, (before, tags(resources)), kept)
            except Exception:
                problems = [traceback.format_exc()]
            read = sorted({space.tag for space, _ in index.gave.values()})
            lines.write(json.dumps({"asked": name, "read": read, "wrong": problems}) + "\n")
            time.sleep(PAUSE)


if __name__ == "__main__":
    given = json.loads(Path(sys.argv[1]).read_text())
    main({role: frozenset(ids) for role, ids in given.items()}, Path(sys.argv[2]), Path(sys.argv[3]))
