"""The bill of materials and the licences of the images: from the lock, and from what packages say."""

import json

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from devtools.bill_of_materials import (
    RULES,
    Package,
    bill,
    expression_of,
    is_allowed,
    licence_list,
    problems,
    read_lock,
)
from tests.tables import check_rows, text_of

NOTHING_SAID = Package("mystery", "1.0", (), "")
FORBIDDEN = Package("closed", "2.0", (), "SSPL-1.0")
NVIDIA = Package("nvidia-cublas", "13.4", (), "LicenseRef-NVIDIA-Proprietary")


def test_lock_is_read_for_this_machine_with_licences() -> None:
    assert read_lock(text_of(__file__, "lock")) == [
        Package("httpx", "0.28.1", ("aa", "bb"), "BSD-3-Clause"),
        Package("psycopg", "3.3.9", ("dd",), "LGPL-3.0-only"),
    ]


def test_licences_become_expressions_that_are_judged() -> None:
    check_rows(__file__, "expressions", expression_of)
    check_rows(__file__, "allowed", lambda expression: is_allowed(expression, RULES["allowed"]))


def test_licences_are_judged_and_listed_by_variant() -> None:
    sound = Package("httpx", "0.28.1", (), "BSD-3-Clause")
    assert problems("light", [NOTHING_SAID, sound, FORBIDDEN]) == [
        "mystery 1.0 (light): its licence is unknown.",
        "closed 2.0 (light): its licence SSPL-1.0 is not allowed.",
    ]
    assert problems("models", [NVIDIA]) == []
    assert len(problems("light", [NVIDIA])) == 1
    sound = Package("httpx", "0.28.1", (), "BSD-3-Clause")
    rows = licence_list({"light": [sound], "models": [sound, NVIDIA]}).splitlines()[2:]
    assert rows == [
        "| httpx | 0.28.1 | BSD-3-Clause | light, models |",
        "| nvidia-cublas | 13.4 | LicenseRef-NVIDIA-Proprietary | models |",
    ]


def test_bill_has_each_package_with_licence_and_hashes() -> None:
    written = bill("light", [Package("httpx", "0.28.1", ("ab" * 32,), "BSD-3-Clause"), NOTHING_SAID])
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(written) is None
    told = json.loads(written)
    assert told["metadata"]["component"]["name"] == "swatchbook-core-light"
    httpx, mystery = told["components"]
    assert httpx["purl"] == "pkg:pypi/httpx@0.28.1"
    assert httpx["licenses"] == [{"expression": "BSD-3-Clause"}]
    assert httpx["externalReferences"][0]["hashes"] == [{"alg": "SHA-256", "content": "ab" * 32}]
    assert "licenses" not in mystery
