"""Store the cached results of pure stages as JSON of Swatchbook's records.

A result in any other form is not loaded, since a document could name a class to import.

Prefect's own JSON serializer imports and builds any class that a key `__class__` names, at any depth of a result, and
our results contain dictionaries whose keys come from the catalogue.
"""

import json
from pathlib import Path
from typing import Any, Literal

from prefect.filesystems import LocalFileSystem
from prefect.results import get_result_store
from prefect.serializers import Serializer

from swatchbook import records
from swatchbook.records import Record

_RECORDS: dict[str, type[Record]] = {
    name: kind for name, kind in vars(records).items() if isinstance(kind, type) and issubclass(kind, Record)
}


class RecordSerializer(Serializer):
    """Serialise a record or a list of records. `loads` raises KeyError, TypeError or ValueError for anything else."""

    type: Literal["records"] = "records"

    def dumps(self, obj: Any) -> bytes:
        return json.dumps(obj, default=_to_json).encode()

    def loads(self, blob: bytes) -> Any:
        data = json.loads(blob)
        return [_to_record(each) for each in data] if isinstance(data, list) else _to_record(data)


def store_results_in(folder: Path) -> None:
    """Have the flow of this context, and its tasks, store results in a folder, whatever Prefect's settings are.

    A worker that a person starts has settings of its own. Prefect's decorators take only storage that is saved in its
    database, so the store of the flow run is changed.
    """
    get_result_store().result_storage = LocalFileSystem(basepath=str(folder))


async def is_foreign(key: str) -> bool:
    """Return whether the cached result of a key was not written by RecordSerializer.

    Prefect would load it with the serializer that the stored result names.
    """
    try:
        storage = get_result_store().result_storage
        if not isinstance(storage, LocalFileSystem):
            return False
        stored = await storage.aread_path(key)
    except (ValueError, OSError):  # no result is stored under the key
        return False
    try:
        return bool(json.loads(stored)["metadata"]["serializer"]["type"] != "records")
    except (ValueError, KeyError, TypeError):
        return True


def _to_json(record: Record) -> dict[str, Any]:
    return {"record": type(record).__name__, "data": record.model_dump(mode="json")}


def _to_record(data: dict[str, Any]) -> Record:
    return _RECORDS[data["record"]].model_validate(data["data"])
