"""Suggest the known name that is nearest to an unknown one."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """Return ` Did you mean color?`, to append to a sentence; "" if no known name is near."""
    near = nearest(given, known)
    return f" Did you mean {near}?" if near else ""


def nearest(given: str, known: Iterable[str]) -> str | None:
    """Return the known name that is nearest to one, None if no name is near. Case does not matter."""
    by_letters = {each.casefold(): each for each in known}
    near = get_close_matches(given.casefold(), by_letters, n=1, cutoff=0.7)
    return by_letters[near[0]] if near else None
