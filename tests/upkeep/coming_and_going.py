"""Documents that come and go: `python -m tests.upkeep.coming_and_going FOLDER FIRST` ingests small catalogues, from
number FIRST on, and deletes each when two others have come, until FOLDER has a file `stop`.
"""

import sys
import time
from itertools import count
from pathlib import Path

from benchmarks import bare_ingest
from swatchbook.domain.records import DEFAULT_OWNER
from swatchbook.domain.settings import load_settings
from swatchbook.ingest.delete import delete
from swatchbook.resources import open_resources
from swatchbook.store.ledger.stored_documents import find_document
from tests.upkeep.changing import small_catalogue

STAY = 2


def main(folder: Path, first: int) -> None:
    here = list[str]()
    for number in count(first):
        if (folder / "stop").exists():
            return
        path = small_catalogue(folder, number)
        bare_ingest.main(path)
        here.append(path.name)
        print(f"{path.name} has come", flush=True)
        if len(here) > STAY:
            with open_resources(load_settings()) as resources:
                document = find_document(resources.ledger, here[0], DEFAULT_OWNER).id
                while not delete(resources, document):  # a publisher that was killed keeps its rows for a minute
                    time.sleep(0.5)
            print(f"{here.pop(0)} has gone", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
