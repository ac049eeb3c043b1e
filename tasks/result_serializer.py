"""How a pure task's result is kept: records as JSON, revived as what they were and as nothing else.

Prefect's own JSON serializer imports and builds whatever a `__class__` names, at any depth of a result. Our results
hold dictionaries whose keys a catalogue has written, so that a page could name one.
"""

import json
from typing import Any, Literal

from prefect.results import aget_default_result_storage
from prefect.serializers import Serializer

from swatchbook import records
from swatchbook.records import Record

_RECORDS: dict[str, type[Record]] = {
    name: kind for name, kind in vars(records).items() if isinstance(kind, type) and issubclass(kind, Record)
}


class RecordSerializer(Serializer):
    """A record of swatchbook.records, or a list of them; `loads` raises KeyError, TypeError or ValueError for else."""

    type: Literal["records"] = "records"

    def dumps(self, obj: Any) -> bytes:
        return json.dumps(obj, default=_keep).encode()

    def loads(self, blob: bytes) -> Any:
        kept = json.loads(blob)
        return [_revive(each) for each in kept] if isinstance(kept, list) else _revive(kept)


async def is_foreign(key: str) -> bool:
    """Whether what is kept under a key was not written by us: Prefect would trust the serializer that it names."""
    try:
        storage = await aget_default_result_storage()
        kept = await storage.read_path(key)
    except (ValueError, OSError):  # nothing is kept there
        return False
    try:
        return bool(json.loads(kept)["metadata"]["serializer"]["type"] != "records")
    except (ValueError, KeyError, TypeError):
        return True


def _keep(record: Record) -> dict[str, Any]:
    return {"record": type(record).__name__, "data": record.model_dump(mode="json")}


def _revive(kept: dict[str, Any]) -> Record:
    return _RECORDS[kept["record"]].model_validate(kept["data"])
