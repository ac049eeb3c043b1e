"""Read a document's pages while the server that will run its ingest is still starting."""

import threading
import time
from concurrent.futures import Future

from swatchbook.pdf import reader
from swatchbook.records import Reading
from swatchbook.settings import Settings
from swatchbook.storage.files import Files


class ReadingAhead:
    """A reading in a daemon thread, which does not keep the process alive."""

    def __init__(self, file: str, files: Files, settings: Settings) -> None:
        """`file` is the document's key in `files`."""
        self._result = Future[Reading]()
        self._progress: reader.Progress | None = None
        self.seconds = 0.0  # duration of the reading, once it is finished
        self._last_progress: tuple[int, int] | None = None
        thread = threading.Thread(target=self._read, args=[file, files, settings], name="read ahead", daemon=True)
        thread.start()

    def finish(self, progress: reader.Progress) -> Reading:
        """Wait for the reading and return it, reporting progress. Raises what `reader.read` and `progress` raise."""
        self._progress = progress
        if self._last_progress:
            progress(*self._last_progress)
        return self._result.result()

    def _read(self, file: str, files: Files, settings: Settings) -> None:
        started = time.monotonic()
        try:
            with files.local(file) as path:
                reading = reader.read(path, files, settings, progress=self._report)
            self.seconds = time.monotonic() - started
            self._result.set_result(reading)
        except BaseException as error:  # noqa: BLE001 — `finish` raises it
            self._result.set_exception(error)

    def _report(self, done: int, total: int) -> None:
        self._last_progress = done, total
        if self._progress:
            self._progress(done, total)
