"""The architecture: allowed imports, the reading of the time, and the length of handlers."""

import ast
import re
import sys
import tokenize
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "layers/countersign/python/countersign"
TESTING = LIBRARY / "testing"
CLIENT = LIBRARY / "client.py"
LAMBDAS = ROOT / "lambdas"
HANDLERS = sorted(LAMBDAS.glob("*/handler.py"))
PATTERNS = sorted(path for path in LAMBDAS.glob("patterns/*.py") if path.stem not in ("__init__", "decider"))
GUIDE = (ROOT / "docs/fork-for-payments.md").read_text("utf-8")
AWS = {"botocore", "boto3"}
DURABLE = "aws_durable_execution_sdk_python"
BLANK = {
    *(tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING),
    tokenize.ENDMARKER,
}

FIXED = {"order_id", "task_id", "event_id", "account", "deadline_seconds"}
"""The members of inputs that no revision changes, and that workflows read after an approval."""

ASKING = [
    *(code for path in (*HANDLERS, *PATTERNS) if "request_approval(" in (code := path.read_text("utf-8"))),
    *(block for block in re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL) if "request_approval(" in block),
]

SEVERAL_KINDS_OF_LINES = '''"""Doc.

string"""

import os  # why

# comment


def f() -> str:
    """Doc."""
    return (
        os.name
    )
'''


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def modules_of(*folders: Path) -> list[Path]:
    """Return the deployed modules of these folders, without `countersign.testing`."""
    return sorted(path for folder in folders for path in folder.rglob("*.py") if TESTING not in path.parents)


@cache
def imports_of(path: Path) -> frozenset[str]:
    """Return every module that a file imports at the top, in functions or for types."""
    return frozenset(_imports_in(ast.parse(path.read_text("utf-8"))))


def _imports_in(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def importers_of(package: str, modules: list[Path]) -> set[str]:
    return {named(path) for path in modules if package in {name.split(".")[0] for name in imports_of(path)}}


def readers_of_the_clock(modules: list[Path]) -> set[str]:
    return {named(path) for path in modules if _asks_the_time(ast.parse(path.read_text("utf-8")))}


def _asks_the_time(tree: ast.AST) -> bool:
    called = {
        (ast.unparse(node.func.value).split(".")[-1], node.func.attr)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    forbidden = {
        ("datetime", "now"),
        ("datetime", "utcnow"),
        ("datetime", "today"),
        ("date", "today"),
        ("time", "time"),
    }
    return bool(called & forbidden)


def lines_of_code(path: Path) -> int:
    """Return the number of lines with code, without docstrings, comments and blank lines."""
    tree = ast.parse(path.read_text("utf-8"))
    docstrings = {line for node in ast.walk(tree) for line in _docstring_lines(node)}
    with tokenize.open(path) as file:
        tokens = [token for token in tokenize.generate_tokens(file.readline) if token.type not in BLANK]
    code = {line for token in tokens for line in range(token.start[0], token.end[0] + 1)}
    return len(code - docstrings)


def _docstring_lines(node: ast.AST) -> range:
    if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) or ast.get_docstring(node) is None:
        return range(0)
    docstring = node.body[0]
    return range(docstring.lineno, (docstring.end_lineno or docstring.lineno) + 1)


def test_the_library_and_every_function_are_found() -> None:
    assert len(modules_of(LIBRARY)) > 25
    assert {path.parent.name for path in HANDLERS} >= {
        *("approver", "executions", "held_payment", "order_approval", "payment", "publisher", "relay"),
        *("bus_events", "held_payments", "requests_api", "review", "webhook"),
    }


@pytest.mark.parametrize("path", modules_of(LIBRARY / "domain"), ids=named)
def test_the_domain_imports_the_standard_library_and_itself(path: Path) -> None:
    foreign = {
        name
        for name in imports_of(path)
        if name.split(".")[0] not in sys.stdlib_module_names and not name.startswith("countersign.domain")
    }
    assert foreign == set()


@pytest.mark.parametrize("path", [*modules_of(LIBRARY / "services"), LIBRARY / "ports.py"], ids=named)
def test_services_and_ports_do_not_import_aws_the_durable_sdk_or_adapters(path: Path) -> None:
    assert {name for name in imports_of(path) if name.split(".")[0] in AWS | {DURABLE}} == set()
    assert {
        name for name in imports_of(path) if name.startswith(("countersign.adapters", "countersign.functions.clients"))
    } == set()


BASES = {"countersign.providers"} | {f"countersign.providers.{name}" for name in ("base", "documents", "signatures")}
PROVIDERS = [path for path in modules_of(LIBRARY / "providers") if "PROVIDER = " in path.read_text("utf-8")]
VERIFYING = BASES | {f"countersign.domain{name}" for name in ("", ".errors", ".money", ".provider_events")}


@pytest.mark.parametrize("path", PROVIDERS, ids=named)
def test_a_provider_imports_only_the_standard_library_and_shared_verification(path: Path) -> None:
    assert {name for name in imports_of(path) if name.split(".")[0] not in sys.stdlib_module_names} <= VERIFYING


def test_no_module_imports_a_provider() -> None:
    """A new provider is a new file, without a list of providers."""
    for path in modules_of(LIBRARY):
        assert not {name for name in imports_of(path) - BASES if name.startswith("countersign.providers")}, named(path)


def test_only_the_modules_of_workflows_import_the_durable_sdk() -> None:
    assert importers_of(DURABLE, modules_of(LIBRARY)) == {
        named(LIBRARY / "workflows" / name)
        for name in (
            *("__init__.py", "approval.py", "ask.py", "serdes.py", "external.py", "failures.py", "steps.py"),
            "workflow.py",
        )
    }


def test_only_adapters_and_the_client_factory_import_botocore() -> None:
    importers = importers_of("botocore", modules_of(LIBRARY, LAMBDAS))
    others = {path for path in importers if not path.startswith(named(LIBRARY / "adapters"))}
    assert others == {named(LIBRARY / "functions/clients.py"), named(CLIENT)}


def test_the_client_runs_on_python_3_10_with_the_standard_library_and_botocore() -> None:
    names = set(_imports_in(ast.parse(CLIENT.read_text("utf-8"), feature_version=(3, 10))))
    assert {name.split(".")[0] for name in names} - sys.stdlib_module_names == {"botocore"}


def test_only_the_plain_lambda_imports_boto3_and_it_does_not_import_the_kit() -> None:
    decider = LAMBDAS / "patterns/decider.py"
    assert importers_of("boto3", modules_of(LIBRARY, LAMBDAS)) == {named(decider)}
    assert "countersign" not in {name.split(".")[0] for name in imports_of(decider)}


DOORS = {f"countersign.{door}" for door in ("workflows", "providers", "channels", "testing", "client", "mcp")}
AUTHORS = modules_of(
    *(LAMBDAS / name for name in ("approval", "order_approval", "payment", "patterns")), ROOT / "extensions"
)


@pytest.mark.parametrize("path", AUTHORS, ids=named)
def test_code_of_forks_imports_the_kit_only_through_its_doors(path: Path) -> None:
    assert {name for name in imports_of(path) if name.split(".")[0] == "countersign"} <= DOORS


def test_code_in_documents_imports_the_kit_only_through_its_doors() -> None:
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("extensions/*.md")]
    imports = (
        re.findall(r"^(?:from|import) (countersign[\w.]*)", page.read_text("utf-8"), re.MULTILINE) for page in pages
    )
    assert set().union(*imports) <= DOORS


@pytest.mark.parametrize("door", [door for door in sorted(DOORS) if [*LIBRARY.glob(f"{door.partition('.')[2]}*")]])
def test_a_door_has_a_docstring_and_exports_existing_names(door: str) -> None:
    module = import_module(door)
    assert (module.__doc__ or "").count("\n") > 5
    assert set(module.__all__) <= set(dir(module))


def test_only_workflows_load_the_durable_sdk() -> None:
    """An import of any module of `countersign.workflows` loads the SDK, because the door imports all of them."""
    others = [path for path in modules_of(LIBRARY, LAMBDAS) if LIBRARY / "workflows" not in path.parents]
    doors = ("countersign.workflows", DURABLE)
    entering = {named(path) for path in others if any(name.startswith(doors) for name in imports_of(path))}
    folders = {str(Path(path).parent.relative_to("lambdas")) for path in entering}
    assert folders == {"approval", "held_payment", "order_approval", "patterns", "payment", "refund"}


@pytest.mark.parametrize("package", ["typer", "rich"])
def test_deployed_code_does_not_import_terminal_libraries(package: str) -> None:
    assert importers_of(package, modules_of(LIBRARY, LAMBDAS)) == set()


def test_the_packages_of_the_library_have_no_import_cycle() -> None:
    arrows: dict[str, set[str]] = {}
    for path in modules_of(LIBRARY):
        package = path.relative_to(LIBRARY).parts[0].removesuffix(".py")
        imported = {name.split(".")[1] for name in imports_of(path) if name.startswith("countersign.")}
        arrows.setdefault(package, set()).update(imported - {package})
    TopologicalSorter(arrows).prepare()  # raises a CycleError that names the packages


@pytest.mark.parametrize(
    ("importing", "imported"),
    [
        *(("layers", name) for name in ("operate", "local", "stacks")),
        *(("lambdas", name) for name in ("operate", "local", "stacks")),
        *(("operate", "local"), ("stacks", "operate"), ("stacks", "local")),
    ],
)
def test_deployed_code_does_not_import_tools(importing: str, imported: str) -> None:
    assert importers_of(imported, modules_of(ROOT / importing)) == set()


def test_a_component_imports_no_stack_and_no_settings() -> None:
    for path in modules_of(ROOT / "stacks" / "components"):
        above = {name for name in imports_of(path) if name.startswith("stacks.")}
        assert {name for name in above if not name.startswith("stacks.components.")} == set(), named(path)


def test_deployed_code_does_not_import_what_is_not_deployed() -> None:
    outside = {LIBRARY / "mcp.py", *modules_of(ROOT / "operate", ROOT / "local")}
    callers = ("countersign.client", "countersign.mcp")
    for path in modules_of(LIBRARY, LAMBDAS, ROOT / "stacks", ROOT / "operate", ROOT / "local"):
        absent = ("countersign.testing", *(() if path in outside else callers))
        assert [name for name in imports_of(path) if name.startswith(absent)] == [], named(path)
    # The soak's cloud, on which costs are counted too, is that of the tests.
    on_tests = set(modules_of(ROOT / "benchmarks" / "cost", ROOT / "benchmarks" / "soak"))
    benchmarks = set(modules_of(ROOT / "benchmarks")) - on_tests
    assert importers_of("tests", [*TESTING.glob("*.py"), *benchmarks]) == set()


def read_after_approval(code: str) -> set[str]:
    """Return what a function reads from its input, its first argument, after it has asked people."""
    return {read for function in ast.walk(ast.parse(code)) for read in _read_after_approval(function)}


def _read_after_approval(function: ast.AST) -> Iterator[str]:
    asked = [node.end_lineno or 0 for node in ast.walk(function) if isinstance(node, ast.Call) and _asks_people(node)]
    if not isinstance(function, ast.FunctionDef) or not asked:
        return
    document = function.args.args[0].arg
    later = [node for node in ast.walk(function) if getattr(node, "lineno", 0) > min(asked)]
    fixed = {
        id(node.value)
        for node in later
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and node.slice.value in FIXED
    }
    yield from (
        ast.unparse(node)
        for node in later
        if isinstance(node, ast.Name) and node.id == document
        if id(node) not in fixed
    )


def _asks_people(call: ast.Call) -> bool:
    return getattr(call.func, "id", "") == "request_approval"


def test_only_the_clock_module_reads_the_time() -> None:
    assert readers_of_the_clock(modules_of(LIBRARY, LAMBDAS)) == {named(LIBRARY / "domain/clock.py")}


@pytest.mark.parametrize("path", HANDLERS, ids=named)
def test_a_function_imports_no_other_function(path: Path) -> None:
    functions = {handler.parent.name for handler in HANDLERS}
    assert {name.split(".")[0] for name in imports_of(path)} & functions <= {path.parent.name}


@pytest.mark.parametrize("path", [*HANDLERS, *PATTERNS], ids=named)
def test_a_handler_is_at_most_sixty_lines_of_code(path: Path) -> None:
    assert lines_of_code(path) <= 60


@pytest.mark.parametrize("code", ASKING, ids=lambda code: code.partition("\n")[0])
def test_after_an_approval_no_workflow_reads_from_its_input_what_a_requester_can_revise(code: str) -> None:
    assert read_after_approval(code) == set()


def test_every_form_of_reading_the_input_after_an_approval_is_detected() -> None:
    asking = "def handler(document, context):\n  before = document['amount']\n  request_approval(context, 'a', b)\n  "
    for code in ("x = document['amount']", "x = {**document}['amount']", "x = document.get('amount')", "pay(document)"):
        assert read_after_approval(asking + code), code
    assert read_after_approval(f"{asking}x = document['order_id']") == set()


def test_docstrings_comments_and_blank_lines_are_not_lines_of_code(tmp_path: Path) -> None:
    file = tmp_path / "handler.py"
    file.write_text(SEVERAL_KINDS_OF_LINES)
    assert lines_of_code(file) == 5


def test_every_form_of_reading_the_time_is_detected() -> None:
    for code in ("datetime.now(UTC)", "datetime.datetime.now()", "time.time()", "x = datetime.date.today()"):
        assert _asks_the_time(ast.parse(code)), code
    assert not _asks_the_time(ast.parse("clock.now()"))
