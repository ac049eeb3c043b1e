"""Errors that nobody foresaw, and runs that died, told to a Sentry project. Nothing that a document or a setting says.

What is told is what our modules log as an error. Messages of exceptions may quote pages, and so may local variables:
an event says the class and the place of an error, the fixed text of the log line, and whose run it was.
"""

import logging
from typing import TYPE_CHECKING, Any

from swatchbook.settings import Settings

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

_OURS = ("swatchbook", "blocks", "tasks", "flows", "scheduler", "deployments", "interface")
_KEPT = ("event_id", "timestamp", "level", "platform", "logger", "environment", "release")
_NAMED = ("document", "run", "stage")
"""Fields of a log line that are ids of ours."""

_FRAME = ("filename", "function", "module", "lineno", "in_app")


def watch(settings: Settings) -> None:
    """From here on this process tells; once is enough. Without SWATCHBOOK_SENTRY_DSN nothing is even imported."""
    if settings.sentry_dsn is None:
        return
    import sentry_sdk
    from sentry_sdk.integrations.logging import LoggingIntegration

    if sentry_sdk.is_initialized():
        return
    sentry_sdk.init(
        dsn=settings.sentry_dsn.get_secret_value(),
        before_send=_told,
        default_integrations=False,
        integrations=[LoggingIntegration(level=None, event_level=logging.ERROR), *_at_exit()],
        send_default_pii=False,
        include_local_variables=False,
        include_source_context=False,
        max_breadcrumbs=0,
        auto_session_tracking=False,
        traces_sample_rate=0,
    )


def _at_exit() -> list[Any]:
    from sentry_sdk.integrations.atexit import AtexitIntegration

    return [AtexitIntegration(callback=lambda pending, timeout: None)]  # it waits without a word on stderr


def _told(event: "Event", hint: "Hint") -> "Event | None":
    """The event without all that is not named here; None where it is not ours."""
    given: dict[str, Any] = dict(event)
    if str(given.get("logger", "")).partition(".")[0] not in _OURS:
        return None
    told: dict[str, Any] = {name: given[name] for name in _KEPT if name in given}
    told["logentry"] = {"message": str(given.get("logentry", {}).get("message", ""))}
    told["tags"] = {name: str(given["extra"][name]) for name in _NAMED if name in given.get("extra", {})}
    errors = given.get("exception", {}).get("values", ())
    told["exception"] = {"values": [_error(error) for error in errors]}
    return told  # type: ignore[return-value]  # a TypedDict of the same shape


def _error(error: dict[str, Any]) -> dict[str, Any]:
    frames = (error.get("stacktrace") or {}).get("frames", ())
    return {
        "type": error.get("type"),
        "module": error.get("module"),
        "stacktrace": {"frames": [{name: frame.get(name) for name in _FRAME} for frame in frames]},
    }
