"""Report unexpected errors and dead runs to Sentry, without any content of documents or settings.

What our modules log with level ERROR is reported. Messages of exceptions and local variables may quote pages, so an
event contains only the type and traceback of an error, the fixed text of the log line, and the ids of document and run.
"""

import logging
from typing import TYPE_CHECKING, Any

from swatchbook.extras import is_installed
from swatchbook.settings import Settings

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

log = logging.getLogger(__name__)

_OURS = ("swatchbook", "blocks", "tasks", "flows", "scheduler", "deployments", "interface")
_KEPT = ("event_id", "timestamp", "level", "platform", "logger", "environment", "release")
_TAGS = ("document", "run", "stage")
"""Fields of a log record that are reported as tags."""

_FRAME = ("filename", "function", "module", "lineno", "in_app")


def watch(settings: Settings) -> None:
    """Start reporting errors of this process; repeated calls do nothing.

    Without SWATCHBOOK_SENTRY_DSN, Sentry is not imported. Without its package, commands go on that start no run.
    """
    if settings.sentry_dsn is None:
        return
    if not is_installed("sentry"):
        log.warning("errors are not reported: SWATCHBOOK_SENTRY_DSN needs the extra sentry")
        return
    import sentry_sdk
    from sentry_sdk.integrations.logging import LoggingIntegration

    if sentry_sdk.is_initialized():
        return
    sentry_sdk.init(
        dsn=settings.sentry_dsn.get_secret_value(),
        before_send=_keep_safe_fields,
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

    return [AtexitIntegration(callback=lambda pending, timeout: None)]  # otherwise it prints to stderr while it waits


def _keep_safe_fields(event: "Event", hint: "Hint") -> "Event | None":
    """Return the event with only the fields listed here; None if another package logged it."""
    fields: dict[str, Any] = dict(event)
    if str(fields.get("logger", "")).partition(".")[0] not in _OURS:
        return None
    safe: dict[str, Any] = {name: fields[name] for name in _KEPT if name in fields}
    safe["logentry"] = {"message": str(fields.get("logentry", {}).get("message", ""))}
    safe["tags"] = {name: str(fields["extra"][name]) for name in _TAGS if name in fields.get("extra", {})}
    errors = fields.get("exception", {}).get("values", ())
    safe["exception"] = {"values": [_error(error) for error in errors]}
    return safe  # type: ignore[return-value]  # a TypedDict of the same shape


def _error(error: dict[str, Any]) -> dict[str, Any]:
    frames = (error.get("stacktrace") or {}).get("frames", ())
    return {
        "type": error.get("type"),
        "module": error.get("module"),
        "stacktrace": {"frames": [{name: frame.get(name) for name in _FRAME} for frame in frames]},
    }
