"""Searches and facets as requests of a service, for the Python clients of `packages/client`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack, cast

from swatchbook.domain.records import Facets, Hit, ResultKind, SearchResults, Unmatched
from swatchbook.doors.client_request import Call, SentFile, record
from swatchbook.index.contract import FilterArguments


class Hits(list[Hit]):
    """Results of a search, best first. `unmatched`: of a search without results, the filters that nothing matches.

    `total`: how many there are, `next`: the offset of those after these.
    Those that are not `close` come last.
    """

    def __init__(self, found: SearchResults) -> None:
        super().__init__(found.hits)
        self.unmatched: Sequence[Unmatched] = found.unmatched
        self.next: int | None = found.next
        self.total: int | None = found.total


def search(
    text: str | None = None,
    *,
    image: Path | str | bytes | None = None,
    like: Sequence[str] = (),
    unlike: Sequence[str] = (),
    by: ResultKind = "image",
    k: int = 10,
    offset: int = 0,
    weights: Mapping[str, float] | None = None,
    owner: str | Sequence[str] | None = None,
    explain: bool = False,
    **filters: Unpack[FilterArguments],
) -> Call[Hits]:
    """Return the best images, products or chunks for a text, a picture (its path or bytes), or both, best first.

    Without any of them, all that match the filters, newest document first.
    A result matches every filter, and for each filter at least one of its values. `like`, `unlike`: ids of images
    that the results are to be like, or not. `offset`: results before the first; `next` of the results is that of
    the next ones. `weights`: role -> weight, instead of the defaults. `owner`: one, or several.
    """
    asked = _query(text, like, unlike, weights, owner, by, filters) | {"k": k, "offset": offset, "explain": explain}
    if image is None:
        return record(SearchResults, "GET", "/search", params=asked).then(Hits)
    sent = SentFile("image", "image", image if isinstance(image, bytes) else Path(image), "application/octet-stream")
    return record(SearchResults, "POST", "/search", fields=asked, file=sent).then(Hits)


def facets(
    text: str | None = None,
    *,
    like: Sequence[str] = (),
    unlike: Sequence[str] = (),
    by: ResultKind = "image",
    weights: Mapping[str, float] | None = None,
    owner: str | Sequence[str] | None = None,
    **filters: Unpack[FilterArguments],
) -> Call[Facets]:
    """Return the values to filter by, with counts, of the images, products or chunks that match the filters.

    With a text or `like`, of those that such a search finds.
    """
    return record(Facets, "GET", "/facets", params=_query(text, like, unlike, weights, owner, by, filters))


def _query(
    text: str | None,
    like: Sequence[str],
    unlike: Sequence[str],
    weights: Mapping[str, float] | None,
    owner: str | Sequence[str] | None,
    by: ResultKind,
    filters: FilterArguments,
) -> dict[str, Any]:
    """Return the parameters that searches and facets share; several values as a list."""
    listed = None if weights is None else ",".join(f"{role}={weight:f}" for role, weight in weights.items())
    asked: dict[str, Any] = {"text": text, "like": list(like), "not": list(unlike), "weights": listed}
    asked |= {"owner": owner if owner is None or isinstance(owner, str) else list(owner), "by": by}
    return asked | {
        name: value if value is None or isinstance(value, float | str | int) else list(cast(Sequence[Any], value))
        for name, value in filters.items()
    }
