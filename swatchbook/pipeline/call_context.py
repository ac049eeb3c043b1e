"""Who pays for the calls of a stage, and whether they are sent at once or in a provider's batch."""

from swatchbook.ledger import runs
from swatchbook.ledger.calls import CallContext
from swatchbook.ledger.runs import Run
from swatchbook.providers.batch_choice import AWAITED_SECONDS, goes_in_batch
from swatchbook.providers.endpoint import Part
from swatchbook.resources import Resources


def call_context(resources: Resources, run: Run, stage: str, part: Part, calls: int) -> CallContext:
    """Return the context of a stage's calls to a part's model. `calls`: how many there are, as far as it is known."""
    ledger, settings = resources.ledger, resources.settings
    if not goes_in_batch(settings, part, calls, awaited=False):
        return CallContext(ledger, run, stage)
    awaited = runs.is_awaited(ledger, run, seconds=AWAITED_SECONDS)
    later = resources.files if goes_in_batch(settings, part, calls, awaited=awaited) else None
    return CallContext(ledger, run, stage, later)
