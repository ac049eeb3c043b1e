"""Continuous integration, on a public host too: the same make targets, and the Pythons that the package names."""

import re
import tomllib
from typing import Any

import yaml

from tests.fixtures import ROOT

WORKFLOW: dict[str, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
STEPS = [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]


def test_workflow_runs_the_targets_of_ci_run() -> None:
    local = re.findall(r"^(?:SERVE=0 )?phase (?:bare )?make ([\w-]+)", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    public = [step["run"].removeprefix("make ") for step in STEPS if step.get("run", "").startswith("make ")]
    assert sorted(public) == sorted(local)
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"]
    named = re.findall(r"Python :: (3\.\d+)", " ".join(classifiers))
    assert WORKFLOW["jobs"]["test"]["strategy"]["matrix"]["python"] == named
    locked = re.findall(r"^PYTHONS := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert locked == [" ".join(named)]
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert all("permissions" not in job for job in WORKFLOW["jobs"].values())
    pinned = [re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", step["uses"]) for step in STEPS if "uses" in step]
    assert pinned
    assert all(pinned)
