"""Set up the log: its files, level and format.

It goes to one file a day under the home, of which 14 are kept, and to stderr with --debug and in services.
"""

import logging
import sys
import threading
import time
from pathlib import Path

from swatchbook.domain.settings import Settings
from swatchbook.domain.tracing import ids

KEPT_DAYS = 14
REPEATED = 5
"""How often a line of one place is logged in REPEAT_SECONDS; of the others only each tenth, hundredth … is."""
REPEAT_SECONDS = 600.0
_OF_REQUESTS = (
    "swatchbook_service.problems", "uvicorn.error", "asyncio",
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
)  # fmt: skip
"""Loggers whose lines a stranger can cause as often as he likes, or a receiver of OpenTelemetry that is away."""
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class Fields(logging.Formatter):
    """Format lines such as `2025-11-20T08:37:11Z INFO swatchbook.ingest.embed batch committed document=…`, in UTC."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s", datefmt="%Y-%m-%dT%H:%M:%SZ")
        self.converter = time.gmtime

    def formatMessage(self, record: logging.LogRecord) -> str:
        extras = (f" {name}={value!r}" for name, value in record.__dict__.items() if name not in _STANDARD)
        traced = f" trace={known.trace} span={known.span}" if (known := ids()) else ""
        line = super().formatMessage(record) + "".join(extras) + traced
        return "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)  # untrusted text: shown, not removed


class Repeats(logging.Filter):
    """Leaves out lines that one place of the code repeats, and counts them: `left_out` of its next line.

    So requests cannot fill the disk. Its memory is bounded by the places in the code.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._places: dict[tuple[object, ...], tuple[float, int, int]] = {}  # -> begin, lines since, left out

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a line is logged."""
        place, now = self._place(record), time.monotonic()
        with self._lock:
            begin, lines, left_out = self._places.get(place, (now, 0, 0))
            if now - begin >= REPEAT_SECONDS:
                begin, lines = now, 0
            lines += 1
            is_logged = lines <= REPEATED or lines in (10**power for power in range(1, len(str(lines))))
            self._places[place] = begin, lines, 0 if is_logged else left_out + 1
        if is_logged and left_out:
            record.left_out = left_out
        return is_logged

    @staticmethod
    def _place(record: logging.LogRecord) -> tuple[object, ...]:
        """Return where a line comes from: its own place, and that of the error that it tells."""
        kind, _, trace = record.exc_info if record.exc_info else (None, None, None)
        while trace and trace.tb_next:
            trace = trace.tb_next
        raised = (trace.tb_frame.f_code, trace.tb_lineno) if trace else None
        return record.name, record.pathname, record.lineno, getattr(record, "kind", None), kind, raised


def start(*, debug: bool) -> None:
    """Set up logging before settings are loaded: to stderr with --debug, else nowhere. Includes library warnings."""
    handler: logging.Handler = logging.StreamHandler(sys.stderr) if debug else logging.NullHandler()
    handler.setFormatter(Fields())  # Prefect leaves a root handler with a formatter alone
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.captureWarnings(True)
    logging.raiseExceptions = debug  # else a full disk prints a traceback for each log line
    if debug:
        _set_level("DEBUG")


def keep(settings: Settings) -> None:
    """Log to today's file from now on. Files are only appended to, so several processes may share one."""
    if logging.getLogger("swatchbook").level != logging.DEBUG:
        _set_level(settings.log_level)
    file = log_file(settings)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        for old in sorted(file.parent.glob("swatchbook-*.log"))[:-KEPT_DAYS]:
            old.unlink(missing_ok=True)
        handler = logging.FileHandler(file, encoding="utf-8", errors="backslashreplace")
    except OSError:  # the command itself reports what is wrong with the home
        return
    handler.setFormatter(Fields())
    logging.getLogger().addHandler(handler)


def show() -> None:
    """Log to stderr too, as services do, and leave out what requests repeat."""
    for name in _OF_REQUESTS:
        logger = logging.getLogger(name)
        if not any(isinstance(each, Repeats) for each in logger.filters):
            logger.addFilter(Repeats())
    root = logging.getLogger()
    if not any(getattr(handler, "stream", None) is sys.stderr for handler in root.handlers):
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(Fields())
        root.addHandler(handler)


def log_file(settings: Settings) -> Path:
    """Return the path of today's log file (UTC)."""
    return settings.home / "logs" / time.strftime("swatchbook-%Y-%m-%d.log", time.gmtime())


def _set_level(level: str) -> None:
    own = logging.getLogger("swatchbook")
    own.setLevel(level)
    logging.getLogger().setLevel(max(own.level, logging.WARNING))  # of packages and libraries
