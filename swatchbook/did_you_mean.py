"""Name the nearest of the names that there are, where somebody has written one that there is not."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """Return ` Did you mean color?`, to stand behind a sentence; "" where no name is near. Case does not matter."""
    by_letters = {each.casefold(): each for each in known}
    near = get_close_matches(given.casefold(), by_letters, n=1)
    return f" Did you mean {by_letters[near[0]]}?" if near else ""
