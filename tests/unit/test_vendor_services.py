"""The vendor layer's list of AWS services, compared with the clients in the code."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tools.vendor_layer import ROOT, listed_services, without_documentation

CODE = [ROOT / "lambdas", ROOT / "layers" / "countersign"]

USED_BY_LIBRARIES = {"lambda"}
"""The durable SDK makes this client itself, for its checkpoints."""


def calls_of_client() -> Iterator[tuple[Path, ast.Call]]:
    """Return every call of `countersign.functions.clients.client` or `boto3.client`."""
    for source in (source for folder in CODE for source in folder.rglob("*.py")):
        tree = ast.parse(source.read_text(encoding="utf-8"))
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            called = call.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if name == "client":
                yield source, call


def services_in_the_code() -> set[str]:
    return {call.args[0].value for _, call in calls_of_client() if isinstance(call.args[0], ast.Constant)}  # type: ignore[misc]


def test_every_client_names_its_service_literally() -> None:
    """The layer is built from these names."""
    for source, call in calls_of_client():
        assert [type(argument) for argument in call.args] == [ast.Constant], f"{source}:{call.lineno}"


def test_only_one_module_creates_clients() -> None:
    """The plain Lambda of the patterns is an exception and uses only boto3."""
    files = (source for folder in CODE for source in folder.rglob("*.py"))
    for source in (source for source in files if source.name not in ("clients.py", "decider.py")):
        text = source.read_text(encoding="utf-8")
        assert "create_client(" not in text, source
        assert "boto3.client(" not in text, source
        assert "boto3.resource(" not in text, source


def test_the_layer_keeps_only_the_services_in_use() -> None:
    assert listed_services() == services_in_the_code() | USED_BY_LIBRARIES


def test_the_list_of_services_may_contain_comments_and_empty_lines(tmp_path: Path) -> None:
    listed = tmp_path / "services.txt"
    listed.write_text("# why\n\ndynamodb  # the ledger\n sqs\n", encoding="utf-8")
    assert listed_services(listed) == {"dynamodb", "sqs"}


def test_only_texts_are_removed_as_documentation() -> None:
    model = {
        "documentation": "a text",
        "members": {"documentation": {"shape": "S", "documentation": "a text"}},
        "e": ["x"],
    }
    parameters = {"clientContextParams": {"Accelerate": {"documentation": "botocore asks for it", "type": "boolean"}}}
    assert without_documentation(parameters) == parameters
    assert without_documentation(model) == {"members": {"documentation": {"shape": "S"}}, "e": ["x"]}
