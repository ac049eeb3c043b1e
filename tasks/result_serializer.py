"""How the cached results of pure stages are stored: as JSON of Swatchbook's records. A result in any other form is not
loaded, since a document could name a class to import.

Prefect's own JSON serializer imports and builds any class that a key `__class__` names, at any depth of a result, and
our results contain dictionaries whose keys come from the catalogue.
"""

import json
from typing import Any, Literal

from prefect.filesystems import LocalFileSystem
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


async def is_foreign(storage: LocalFileSystem, key: str) -> bool:
    """Return whether the cached result of a key was not written by RecordSerializer.

    Prefect would load it with the serializer that the stored result names.
    """
    try:
        stored = await storage.read_path(key)
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
