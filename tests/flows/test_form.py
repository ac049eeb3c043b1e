"""The form that Prefect's UI shows of a deployment is made from the flow's parameter schema."""

from prefect.utilities.callables import parameter_schema

from flows.ingest_catalogue import ingest_catalogue
from swatchbook.records import Role

SCHEMA = parameter_schema(ingest_catalogue).model_dump_for_openapi()


def test_a_choice_is_a_list_to_choose_from_and_never_null() -> None:
    """Prefect's form shows a choice that may be null as a field of free text."""
    execution = SCHEMA["definitions"]["IngestOptions"]["properties"]["execution"]
    assert (execution["type"], execution["enum"]) == ("string", ["as set", "inline", "pool"])
    assert execution["default"] == "as set"


def test_vectors_are_chosen_from_the_roles_and_none_chosen_means_all() -> None:
    roles = SCHEMA["definitions"]["IngestOptions"]["properties"]["roles"]
    assert (roles["type"], roles["default"]) == ("array", [])
    assert SCHEMA["definitions"][roles["items"]["$ref"].rpartition("/")[2]]["enum"] == [*Role]
    assert "all" in roles["description"]


def test_the_form_says_how_a_person_gets_a_file_there() -> None:
    told = SCHEMA["properties"]["source"]["description"]
    for way in ("upload it to the service", "SWATCHBOOK_INPUT_ROOTS", "key of the file store"):
        assert way in told
