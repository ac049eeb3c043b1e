"""Read pages before the run that needs them: for `--plan` and `teach`, kept for an hour, or while Prefect starts."""

import json
import threading
import time
from concurrent.futures import Future
from pathlib import Path

from pydantic import ValidationError

from swatchbook.catalogue_reader import catalogue_reader
from swatchbook.domain.records import Reading
from swatchbook.domain.settings import Settings
from swatchbook.store.files.file_store import Files
from swatchbook.store.files.result_files import ResultFiles
from swatchbook_base.reading import Progress


def keep_reading(settings: Settings, key: str, reading: Reading) -> None:
    """Keep a reading for an ingest that follows within the hour; gc deletes it then. `key`: of the stage `read`."""
    settings.temporary_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _reading_path(settings, key).write_text(reading.model_dump_json())


def find_reading(settings: Settings, files: Files, key: str) -> Reading | None:
    """Return the reading kept under this key, else the cached result of stage 1; None if there is none with its files.

    `tasks/results.py` writes and checks cached results.
    """
    for read in (_read_kept, _read_cached):
        try:
            reading = read(settings, key)
        except (OSError, ValidationError, ValueError, KeyError, TypeError):
            continue
        if all(map(files.has, reading.files)):
            return reading
    return None


def read_once(path: Path, files: Files, settings: Settings, key: str) -> Reading:
    """Return the reading that is kept or cached under this key, or else read the file and keep it.

    Raises what `CatalogueReader.read` raises.
    """
    reading = find_reading(settings, files, key)
    if reading is None:
        reading = catalogue_reader().read(path, files, settings)
        keep_reading(settings, key, reading)
    return reading


def _read_kept(settings: Settings, key: str) -> Reading:
    return Reading.model_validate_json(_reading_path(settings, key).read_bytes())


def _read_cached(settings: Settings, key: str) -> Reading:
    stored = json.loads(ResultFiles(settings).read(key))
    if stored["metadata"]["serializer"]["type"] != "records":
        raise ValueError("another serializer wrote it")
    return Reading.model_validate(json.loads(stored["result"])["data"])


def _reading_path(settings: Settings, key: str) -> Path:
    return settings.temporary_folder / f"{key}.json"


class ReadingAhead:
    """A reading in a background thread. The process does not wait for it when it ends."""

    def __init__(self, file: str, files: Files, settings: Settings, key: str) -> None:
        """Start reading `file`, a key of `files`, unless a reading is kept under `key`."""
        self._result = Future[Reading]()
        self._progress: Progress | None = None
        self.seconds = 0.0  # how long reading took, once it is finished
        self.progress: tuple[int, int, str] = (0, 0, "")  # pages done, all pages, what is read of the next one
        thread = threading.Thread(target=self._read, args=[file, files, settings, key], name="read ahead", daemon=True)
        thread.start()

    def finish(self, progress: Progress) -> Reading:
        """Wait for the reading, calling `progress` from here on. Raises what reading and `progress` raise."""
        self._progress = progress
        progress(*self.progress)
        return self._result.result()

    def _read(self, file: str, files: Files, settings: Settings, key: str) -> None:
        started = time.monotonic()
        try:
            reading = find_reading(settings, files, key)
            if reading is None or any(lost.transient for lost in reading.lost):  # it may be read now
                with files.local(file) as path:
                    reading = catalogue_reader().read(path, files, settings, progress=self._report)
            self.seconds = time.monotonic() - started
            self._result.set_result(reading)
        except BaseException as error:  # noqa: BLE001 — `finish` raises it
            self._result.set_exception(error)

    def _report(self, done: int, total: int, note: str) -> None:
        self.progress = done, total, note
        if self._progress:
            self._progress(done, total, note)
