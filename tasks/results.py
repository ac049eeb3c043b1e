"""Store the results of pure stages as JSON of Swatchbook's records, and use them again in later runs.

A stored result is not used if a file is gone, if a loss may be temporary, or if it has any other form, since a document
could name a class to import.

Prefect's own JSON serializer imports and builds any class that a key `__class__` names, at any depth of a result, and
our results contain dictionaries whose keys come from the catalogue.
"""

import asyncio
import json
from collections.abc import Callable, Coroutine
from inspect import signature
from typing import Any, Literal, ParamSpec, TypeVar

from prefect import Task
from prefect.filesystems import LocalFileSystem, RemoteFileSystem
from prefect.results import get_result_store
from prefect.serializers import Serializer

from swatchbook.domain import records
from swatchbook.domain.errors import KINDS, as_failure
from swatchbook.domain.records import Record, sha256
from swatchbook.resources import Resources
from swatchbook.store.files.object_store import options_of
from swatchbook.store.files.upload_buffer import is_remote
from swatchbook.store.ledger.retention import unreferenced_files

P = ParamSpec("P")
R = TypeVar("R")

_RECORDS: dict[str, type[Record]] = {
    name: kind for name, kind in vars(records).items() if isinstance(kind, type) and issubclass(kind, Record)
}


class RecordSerializer(Serializer):
    """Serialise a record or a list of records; of an error that has ended a flow, what it says as a failure.

    `loads` raises KeyError, TypeError or ValueError for anything else.
    """

    type: Literal["records"] = "records"

    def dumps(self, obj: Any) -> bytes:
        failure = as_failure(obj) if isinstance(obj, BaseException) else None
        stored = {"failure": failure.kind, "message": failure.message, "advice": failure.advice} if failure else obj
        return json.dumps(stored, default=_to_json).encode()

    def loads(self, blob: bytes) -> Any:
        data = json.loads(blob)
        if isinstance(data, dict) and "failure" in data:
            return KINDS[data["failure"]](data["message"], advice=data["advice"])
        return [_to_record(each) for each in data] if isinstance(data, list) else _to_record(data)


def store_results_in(place: str) -> None:
    """Have the flow of this context, and its tasks, store results in a folder or at a URL, whatever Prefect says.

    A worker that a person starts has settings of its own. Prefect's decorators take only storage that is saved in its
    database, so the store of the flow run is changed.
    """
    get_result_store().result_storage = (
        RemoteFileSystem(basepath=place, settings=options_of(place))
        if is_remote(place)
        else LocalFileSystem(basepath=place)
    )


async def cached(task: Task[P, Coroutine[Any, Any, R]], key: str, *args: P.args, **kwargs: P.kwargs) -> tuple[R, bool]:
    """Return a pure task's result, and whether it came from the cache. The task must have a parameter `resources`.

    A hash of the pages that the inputs lost is added to the key: a later run may read these pages, and must then not
    get the result without them. The task runs again if the cached result is not usable: it was not written by
    RecordSerializer, a file that it refers to is missing, or it lacks pages whose failure was transient.
    """
    parameters = signature(task.fn).bind(*args, **kwargs).arguments
    if lost := sorted((name, page.page) for name, of in parameters.items() for page in getattr(of, "lost", ())):
        key = f"{key}-{sha256(str(lost).encode())[:16]}"
    call: Callable[..., Coroutine[Any, Any, Any]] = task.with_options(cache_key_fn=lambda *_: key)
    recompute: Callable[..., Coroutine[Any, Any, R]] = task.with_options(
        cache_key_fn=lambda *_: key, refresh_cache=True
    )
    if await _is_foreign(key):
        return await recompute(*args, **kwargs), False
    state = await call(*args, **kwargs, return_state=True)
    from_cache = state.name == "Cached"
    try:
        result: R = await state.aresult()
    except (ValueError, TypeError, KeyError):  # the cached bytes are not a valid result
        if not from_cache:
            raise
        return await recompute(*args, **kwargs), False
    if from_cache and not await asyncio.to_thread(_is_usable, parameters["resources"], result):
        return await recompute(*args, **kwargs), False
    return result, from_cache


def _is_usable(resources: Resources, result: Any) -> bool:
    """Return whether a cached result lacks no page that may be read now, and no file; from now on its files stay.

    Of a run that was killed before it saved the result, no row names the files yet: garbage collection takes them for
    those of the killed run.
    """
    if any(lost.transient for lost in getattr(result, "lost", ())):
        return False
    files, keys = resources.files, list(getattr(result, "files", ()))
    unnamed = unreferenced_files(resources.ledger, keys)
    return all(files.renew(key) if key in unnamed else files.has(key) for key in keys)


async def _is_foreign(key: str) -> bool:
    """Return whether the cached result of a key was not written by RecordSerializer.

    Prefect would load it with the serializer that the stored result names.
    """
    try:
        storage = get_result_store().result_storage
        if not isinstance(storage, LocalFileSystem | RemoteFileSystem):
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
