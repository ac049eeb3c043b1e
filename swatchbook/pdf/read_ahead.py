"""A document's pages read before its run begins, while what runs it still starts."""

import threading
import time
from concurrent.futures import Future

from swatchbook.pdf import reader
from swatchbook.records import Reading
from swatchbook.settings import Settings
from swatchbook.storage.files import Files


class ReadingAhead:
    """One reading under way in a thread of its own. Nobody waits for it at the end of the process."""

    def __init__(self, file: str, files: Files, settings: Settings) -> None:
        """`file` is the document's key in `files`."""
        self._outcome = Future[Reading]()
        self._progress: reader.Progress | None = None
        self.seconds = 0.0  # that it took, once it is over
        self._seen: tuple[int, int] | None = None
        work = threading.Thread(target=self._read, args=[file, files, settings], name="read ahead", daemon=True)
        work.start()

    def finish(self, progress: reader.Progress) -> Reading:
        """The reading, told about from here on. Raises what `reader.read` and `progress` raise."""
        self._progress = progress
        if self._seen:
            progress(*self._seen)
        return self._outcome.result()

    def _read(self, file: str, files: Files, settings: Settings) -> None:
        started = time.monotonic()
        try:
            with files.local(file) as path:
                reading = reader.read(path, files, settings, progress=self._tell)
            self.seconds = time.monotonic() - started
            self._outcome.set_result(reading)
        except BaseException as error:  # noqa: BLE001 — it is raised where the reading is asked for
            self._outcome.set_exception(error)

    def _tell(self, done: int, total: int) -> None:
        self._seen = done, total
        if self._progress:
            self._progress(done, total)
