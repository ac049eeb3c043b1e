"""Prefect makes a form of the options of an ingest, and checks what is filled in against its schema."""

from typing import Any

import pytest
from prefect.utilities.callables import parameter_schema
from prefect.utilities.schema_tools import validate

from flows.ingest_catalogue import ingest_catalogue
from swatchbook.records import Example, IngestOptions, TaughtReading, TextRule

TAUGHT = TaughtReading(
    names=(TextRule(traits={"size": 12.0, "bold": True, "font": "Arial"}),),
    examples=(Example(page=5, box=(10, 20, 30.5, 40), text="POLO B"), Example(page=6, box=(1, 2, 3, 4), right=False)),
)


def schema() -> dict[str, Any]:
    return parameter_schema(ingest_catalogue).model_dump_for_openapi()


@pytest.mark.parametrize("options", [IngestOptions(), IngestOptions(taught=TAUGHT)], ids=["as it stands", "taught"])
def test_options_fit_the_form_and_come_back(options: IngestOptions) -> None:
    filled = {"source": "x", "options": options.model_dump(mode="json")}
    assert validate(filled, schema()) == []
    assert ingest_catalogue.validate_parameters(filled)["options"] == options


def test_a_reading_with_an_unknown_field_does_not_fit() -> None:
    filled = {"source": "x", "options": {"taught": {"rules": []}}}
    assert validate(filled, schema())
