"""The form that Prefect's UI shows of a deployment is made from the flow's parameter schema."""

from importlib import import_module

import pytest
from prefect.utilities.callables import parameter_schema
from prefect.utilities.schema_tools import validate

from swatchbook.deployments.declared import flow_names
from swatchbook.domain.records import Example, IngestOptions, Role, TaughtReading, TextRule
from swatchbook.flows.ingest_catalogue import ingest_catalogue

SCHEMA = parameter_schema(ingest_catalogue).model_dump_for_openapi()
TAUGHT = TaughtReading(
    names=(TextRule(traits={"size": 12.0, "bold": True, "font": "Arial"}),),
    examples=(Example(page=5, box=(10, 20, 30.5, 40), text="POLO B"), Example(page=6, box=(1, 2, 3, 4), right=False)),
)


def test_the_form_offers_choices_and_ways_to_sources() -> None:
    """Prefect's form shows a choice that may be null as a field of free text."""
    execution = SCHEMA["definitions"]["IngestOptions"]["properties"]["execution"]
    assert (execution["type"], execution["enum"]) == ("string", ["as set", "inline", "pool"])
    assert execution["default"] == "as set"
    roles = SCHEMA["definitions"]["IngestOptions"]["properties"]["roles"]
    assert (roles["type"], roles["default"]) == ("array", [])
    assert SCHEMA["definitions"][roles["items"]["$ref"].rpartition("/")[2]]["enum"] == [*Role]
    assert "all" in roles["description"]
    told = SCHEMA["properties"]["source"]["description"]
    for way in ("upload it to the service", "SWATCHBOOK_INPUT_ROOTS", "key of the file store"):
        assert way in told


def test_fields_of_every_form_are_prefilled_and_explained() -> None:
    for name in flow_names():
        schema = parameter_schema(getattr(import_module(f"flows.{name}"), name)).model_dump_for_openapi()
        fields = [*schema["properties"].values()]
        for model in ("IngestOptions", "BlockNames"):
            fields += schema.get("definitions", {}).get(model, {}).get("properties", {}).values()
        for field in fields:
            assert field["title"], field
            assert field["description"].endswith((".", ")")), field
        assert {n for n, field in schema["properties"].items() if "default" not in field} <= {"source", "manifest"}


@pytest.mark.parametrize("options", [IngestOptions(), IngestOptions(taught=TAUGHT)], ids=["as it stands", "taught"])
def test_options_fit_the_form_and_come_back(options: IngestOptions) -> None:
    filled = {"source": "x", "options": options.model_dump(mode="json")}
    assert validate(filled, SCHEMA) == []
    assert ingest_catalogue.validate_parameters(filled)["options"] == options
