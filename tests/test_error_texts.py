"""No text of a foreign exception reaches a user: it means nothing to them and may quote a document or a setting. What a
message says instead is in `swatchbook.domain.errors.reason_of` or written where the error is caught; the original is
its cause or in the log.
"""

import ast
import logging
import os
from collections.abc import Iterator

import httpx
import pytest

from devtools.size import shipped_modules
from swatchbook.domain.errors import reason_of
from tests.test_imports import ROOT, parsed

PLAIN = {"errno", "sqlite_errorcode", "filename", "response", "code", "errors"}
"""What may be read of any foreign exception: numbers, what we ourselves gave; and of a ValidationError
the messages, which pydantic writes for those who gave the values.
"""

LIBRARY = "packages/catalogue/swatchbook_catalogue"
SERVICE = "packages/service/swatchbook_service"
PROVIDERS = "packages/providers/swatchbook_providers"
WEAVIATE = "packages/weaviate/swatchbook_weaviate"
ALLOWED = {
    f"{SERVICE}/problems.py describe": "reads an HTTPException, whose detail is a text of ours",
    f"{SERVICE}/containers.py keep_reconciling": "compares it with that of the round before",
    "swatchbook/index/lance.py _failure": "searches it for the system's error number",
    "swatchbook/index/lance.py _is_conflict": "searches it for a commit that another one has made void",
    f"{WEAVIATE}/index.py _write": "quotes why the server rejected an object",
    f"{WEAVIATE}/connection.py _failure": "searches it for words of a server that starts or has no room",
    "swatchbook/store/ledger/driver_errors.py _translated": "looks up the driver's error number",
    f"{LIBRARY}/pdf/library_failure.py to_failure": "searches it for a failed allocation",
    f"{LIBRARY}/pdf/pdfium_document.py open_document": "its number may be that of a missing password",
    "swatchbook/domain/plugins.py named": "quotes in one line what a plugin raised that the person installed and named",
    f"{PROVIDERS}/wires/voyage.py speak": "names its class in the cause, which only the log has",
    "packages/tables/swatchbook_tables/rows.py _read_sql": "quotes what a database says about a person's own query",
    "swatchbook/store/files/object_store.py is_refusal": "compares its class by name: a package may be absent",
    "swatchbook/domain/tracing.py span": "names its class in the trace, which people at the service read",
    "swatchbook/domain/yaml_problem.py yaml_problem": "quotes what the parser says about a person's own file",
}
"""Path and function -> why it may use more of a foreign exception."""

pytestmark = pytest.mark.xdist_group("sources")
_TEXTS = {"str", "repr", "format", "type", "vars", "getattr", "print"}
_CAUSES = {"__cause__", "__context__"}


@pytest.fixture(scope="module")
def shipped() -> dict[str, ast.Module]:
    return {path.relative_to(ROOT).as_posix(): parsed(path) for path in shipped_modules()}


def classes_in(tree: ast.AST) -> set[str]:
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}


def quoted(tree: ast.Module, own: set[str]) -> Iterator[tuple[str, int]]:
    """Yield function and line of each use of a foreign exception as text. `own`: our classes, whose text is ours."""
    for function, name, scope in _foreign(tree, own):
        parents = {child: node for node in ast.walk(scope) for child in ast.iter_child_nodes(node)}
        for node in ast.walk(scope):
            if isinstance(node, ast.Name) and node.id == name and _is_text(node, parents):
                yield function, node.lineno


def _foreign(tree: ast.Module, own: set[str]) -> Iterator[tuple[str, str, ast.AST]]:
    """Yield function, name and scope of each caught foreign exception, and of each parameter that is one."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for given in (*function.args.args, *function.args.kwonlyargs):
            if any(each.endswith(("Error", "Exception")) for each in _names(given.annotation) - own):
                yield function.name, given.arg, function
        for node in ast.walk(function):
            if isinstance(node, ast.ExceptHandler) and node.name and _names(node.type) - own:
                yield function.name, node.name, node


def _names(types: ast.AST | None) -> set[str]:
    if isinstance(types, ast.Attribute):
        return {types.attr}
    if isinstance(types, ast.Name):
        return {types.id}
    return set().union(*map(_names, ast.iter_child_nodes(types))) if types else set()


def _is_text(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    """Return whether an expression becomes a text outside the log. An argument that is passed on does not count."""
    while (parent := parents.get(node)) is not None and not isinstance(parent, ast.stmt):
        if isinstance(parent, ast.Attribute) and parent.attr not in _CAUSES:
            return parent.attr not in PLAIN
        if isinstance(parent, ast.FormattedValue | ast.BinOp):
            return True
        if isinstance(parent, ast.Call) and node is not parent.func:
            called = ast.unparse(parent.func)
            return called in _TEXTS or called[0].isupper()
        node = parent
    return False


def test_text_of_foreign_exceptions_reaches_no_user(shipped: dict[str, ast.Module]) -> None:
    own = set().union(*map(classes_in, shipped.values()))
    assert {"Failure", "InvalidReference"} <= own
    found = {f"{path} {name}": line for path, tree in shipped.items() for name, line in quoted(tree, own)}
    assert {where: line for where, line in found.items() if where not in ALLOWED} == {}
    assert ALLOWED.keys() - found.keys() == set()


def caused_by(cause: BaseException) -> Exception:
    error = RuntimeError("internal words")
    error.__cause__ = cause
    return error


def test_reason_of_wrapped_error_comes_from_the_system() -> None:
    for error, reason in [
        (OSError(111, "internal words"), os.strerror(111).lower()),
        (caused_by(caused_by(PermissionError(13, "internal words"))), os.strerror(13).lower()),
        (caused_by(ExceptionGroup("internal words", [OSError(111, "internal words")])), os.strerror(111).lower()),
        (caused_by(TimeoutError("internal words")), "timed out"),
        (httpx.HTTPStatusError("", request=httpx.Request("GET", "x:"), response=httpx.Response(503)), "status 503"),
    ]:
        assert reason_of(error) == reason


def test_words_of_a_library_are_only_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert reason_of(OSError("internal words")) == "see the log"
    assert "internal words" in caplog.text
