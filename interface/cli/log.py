"""The log of the command line: stdlib logging with structured fields, one file a day under the home."""

import logging
import sys
import time
from pathlib import Path

from swatchbook.runtime.sentry import watch
from swatchbook.settings import Settings

KEPT_DAYS = 14
_OURS = ("swatchbook", "blocks", "tasks", "flows", "scheduler", "deployments", "interface")
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class Fields(logging.Formatter):
    """Lines such as `2025-11-20T08:37:11Z INFO swatchbook.pipeline.embed batch committed document=…`, in UTC."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s", datefmt="%Y-%m-%dT%H:%M:%SZ")
        self.converter = time.gmtime

    def formatMessage(self, record: logging.LogRecord) -> str:
        extras = (f" {name}={value!r}" for name, value in record.__dict__.items() if name not in _STANDARD)
        line = super().formatMessage(record) + "".join(extras)
        return "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)  # a message may quote a stranger


def start(*, debug: bool) -> None:
    """Before settings are known: to stderr when debugging, else nowhere. Warnings of libraries go the same way."""
    handler: logging.Handler = logging.StreamHandler(sys.stderr) if debug else logging.NullHandler()
    handler.setFormatter(Fields())  # a root handler with a formatter is one that Prefect leaves alone
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.captureWarnings(True)
    logging.raiseExceptions = debug  # else a log that finds no room prints a traceback for each line
    if debug:
        _set_level("DEBUG")


def keep(settings: Settings) -> None:
    """From here on also into today's file; errors to Sentry, if that is set.

    A day's file is only ever appended to, so processes may share it.
    """
    watch(settings)
    if logging.getLogger("swatchbook").level != logging.DEBUG:
        _set_level(settings.log_level)
    file = log_file(settings)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        for old in sorted(file.parent.glob("swatchbook-*.log"))[:-KEPT_DAYS]:
            old.unlink(missing_ok=True)
        handler = logging.FileHandler(file, encoding="utf-8", errors="backslashreplace")
    except OSError:  # the command itself will say what is wrong with the home
        return
    handler.setFormatter(Fields())
    logging.getLogger().addHandler(handler)


def show() -> None:
    """Also on stderr: a service's log is read where it runs."""
    root = logging.getLogger()
    if not any(getattr(handler, "stream", None) is sys.stderr for handler in root.handlers):
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(Fields())
        root.addHandler(handler)


def log_file(settings: Settings) -> Path:
    """Today's file (UTC)."""
    return settings.home / "logs" / time.strftime("swatchbook-%Y-%m-%d.log", time.gmtime())


def _set_level(level: str) -> None:
    for name in _OURS:
        logging.getLogger(name).setLevel(level)
