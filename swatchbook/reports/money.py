"""Write costs for people: a cost of which a part is not known is never shown as if it were all, nor as 0."""

from collections.abc import Iterable

from swatchbook.records import Spent


def cost_of(spent: Iterable[Spent], *, digits: int = 4) -> str:
    """Return what calls have cost, in US dollars: "unknown" where the price of none is known."""
    spent = list(spent)
    known = sum(each.cost_usd for each in spent)
    if not any(each.unpriced for each in spent):
        return f"${known:.{digits}f}"
    return f"${known:.{digits}f} + unknown" if known else "unknown"
