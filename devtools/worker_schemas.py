"""Write what Prefect's workers and Google publish about jobs into tests/deployments, for `test_pools.py`.

Run it in an environment that has the workers, which ours lacks: `pip install prefect-kubernetes prefect-aws prefect-gcp
google-api-python-client`, then `python -m devtools.worker_schemas`. Amazon's schemas are in botocore, which we have.
"""

import importlib.resources
import json
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

FOLDER = Path("tests/deployments")
_JOB = "GoogleCloudRunV2Job"


def main() -> None:
    """Write the schemas of the job configurations, and that of a Cloud Run job."""
    for name, package, module, configuration in (
        ("ecs_worker", "prefect-aws", "prefect_aws.workers.ecs_worker", "ECSJobConfiguration"),
        ("cloud_run_worker", "prefect-gcp", "prefect_gcp.workers.cloud_run_v2", "CloudRunWorkerJobV2Configuration"),
    ):
        kind = getattr(import_module(module), configuration)
        title = f"{kind.__name__} of {package} {version(package)} (Apache License 2.0): its JSON schema, without texts"
        _write(name, {"of": title, "job_configuration": _bare(kind.model_json_schema())})
    discovery = importlib.resources.files("googleapiclient.discovery_cache") / "documents" / "run.v2.json"
    _write("cloud_run_job.schema", cloud_run_schema(json.loads(discovery.read_text())))


def cloud_run_schema(discovery: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON schema of a job from Google's discovery document of Cloud Run; unknown fields are errors."""
    found: dict[str, Any] = {}
    names = [_JOB]
    while names:
        name = names.pop()
        if name not in found:
            found[name] = _converted(_bare(discovery["schemas"][name]), names)
    title = f"{_JOB} of Google's discovery document of Cloud Run v2, revision {discovery['revision']}, without texts"
    return {"title": title, "$ref": f"#/$defs/{_JOB}", "$defs": dict(sorted(found.items()))}


def _converted(part: Any, names: list[str]) -> Any:
    """Return a part of the discovery document as JSON schema; append the names that it refers to."""
    if isinstance(part, list):
        return [_converted(each, names) for each in part]
    if not isinstance(part, dict):
        return part
    if isinstance(part.get("$ref"), str):
        names.append(part["$ref"])
        return {"$ref": f"#/$defs/{part['$ref']}"}
    kept = {key: _converted(value, names) for key, value in part.items() if key not in ("id", "readOnly", "format")}
    closed = {"additionalProperties": False} if "properties" in part and part.get("type") == "object" else {}
    return {**closed, **kept}


def _bare(part: Any) -> Any:
    """Return a schema without descriptions and titles, which are most of its text."""
    if isinstance(part, list):
        return [_bare(each) for each in part]
    if not isinstance(part, dict):
        return part
    texts = {"description", "title", "enumDescriptions", "block_schema_references"}
    return {key: _bare(value) for key, value in part.items() if key not in texts or isinstance(value, dict)}


def _write(name: str, content: dict[str, Any]) -> None:
    (FOLDER / f"{name}.json").write_text(json.dumps(content, indent=1, sort_keys=False) + "\n")


if __name__ == "__main__":
    main()
