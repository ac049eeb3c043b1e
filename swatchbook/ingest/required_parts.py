"""Check that every part is there that a document with its options needs, before anything is paid for."""

from collections.abc import Callable
from functools import partial

from swatchbook.domain.errors import Configuration, Failure
from swatchbook.domain.extras import require_extras
from swatchbook.domain.records import TEXT_ROLES, IngestOptions, Role
from swatchbook.domain.settings import Settings
from swatchbook.models import registry
from swatchbook.models.registry import Models
from swatchbook.store.ledger.space_registry import TEXT_ENCODER_ROLES

_OF_ENCODER = frozenset(Role) - TEXT_ENCODER_ROLES - {Role.ANALYSIS}

Check = Callable[[], object]
"""Raises the Failure that says what is missing."""


def require_parts(
    models: Models,
    settings: Settings,
    options: IngestOptions = IngestOptions(),
    *,
    weights: bool = True,
    discovers: bool = True,
    reviews: bool = False,
    more: tuple[Check, ...] = (),
) -> None:
    """Check extras, models, addresses, keys and weights. No network is loaded and no provider is asked.

    `weights`: this process runs the encoders itself; `discovers`, `reviews`: it also finds products, or reviews
    pictures; `more`: other checks. Raises the failure of what is missing, or a Configuration that names everything.
    """
    roles = set(options.roles or Role)
    roles |= {Role.ANALYSIS} if roles & TEXT_ROLES else set()
    checks: list[Check] = [
        *more,
        partial(require_extras, settings),
        partial(registry.requested, settings, options.roles),
        *(partial(models.require, role) for role in Role if role in roles and (weights or role not in _OF_ENCODER)),
    ]
    if roles & TEXT_ENCODER_ROLES and not settings.has_local_text_encoder:
        # `require` does not look at the key where the extra is missing
        from swatchbook.models.providers.endpoint import endpoint

        checks.append(partial(endpoint, settings, "text"))
    if discovers and settings.discovery != "layout":
        checks.append(lambda: models.llm)
    if reviews:
        checks.append(lambda: models.reviewer)
    _require_all(checks)


def _require_all(checks: list[Check]) -> None:
    failures = list[Failure]()
    for check in checks:
        try:
            check()
        except Failure as failure:
            if not any(failure.message in known.message for known in failures):
                failures.append(failure)
    if len(failures) == 1:
        raise failures[0]
    if failures:
        advice = dict.fromkeys(failure.advice for failure in failures if failure.advice)
        raise Configuration(" ".join(failure.message for failure in failures), advice=" ".join(advice))
