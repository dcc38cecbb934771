"""The assets: each function has its own folder with bytecode and nothing else, and the same bytes every time."""

import dataclasses
import json
import marshal
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_lambda as lambda_

import app
from benchmarks import cold_start
from countersign.functions.environment import TABLES_FILE
from countersign.testing import http_event
from stacks.components.house.sources import MissingSourceError, Sources
from tests.infra.templates import Resource, Synthesised
from tools.bytecode import add_bytecode, missing_runtime, without_bytecode

with_the_functions_python = pytest.mark.skipif(bool(missing_runtime()), reason=missing_runtime())


def staged(stage: Synthesised, resource: Resource, bucket_property: str) -> Path:
    return stage.asset(resource.properties[bucket_property])


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"}


@with_the_functions_python
def test_every_deployed_module_has_bytecode_that_runs_without_a_look_at_its_source(prod: Synthesised) -> None:
    functions = {staged(prod, function, "Code") for function in prod.of_type("AWS::Lambda::Function")}
    layers = {staged(prod, layer, "Content") for layer in prod.of_type("AWS::Lambda::LayerVersion")}
    assert functions
    assert len(layers) == 2
    unchecked_hash = (1).to_bytes(4, "little")
    for asset, place in [*((one, "/var/task") for one in functions), *((one, "/opt") for one in layers)]:
        assert without_bytecode(asset) == []
        for bytecode in asset.rglob("*.pyc"):
            content = bytecode.read_bytes()
            source = bytecode.parent.parent / f"{bytecode.name.partition('.')[0]}.py"
            assert content[4:8] == unchecked_hash
            module = marshal.loads(content[16:])  # noqa: S302  made by this test's own synthesis
            assert module.co_filename == f"{place}/{source.relative_to(asset)}"


def test_a_function_s_asset_is_its_own_folder_whole_and_its_tables(prod: Synthesised) -> None:
    lambdas = Sources.of_checkout().functions
    for function in prod.of_type("AWS::Lambda::Function"):
        folder = function.properties["Handler"].partition(".")[0]
        written = {f"{folder}/{name}" for name in files(lambdas / folder)}
        written |= {TABLES_FILE} if prod.tables(function.properties) else set()
        assert files(staged(prod, function, "Code")) == written


def test_the_review_function_answers_an_unknown_route_from_its_assets_and_five_variables(prod: Synthesised) -> None:
    (review,) = (
        each for each in prod.of_type("AWS::Lambda::Function") if each.properties["Handler"] == "review.handler.handler"
    )
    assert (staged(prod, review, "Code") / "review" / "handler.py").is_file()
    vendor = Sources.of_checkout().vendor_layer / "python"
    paths = [staged(prod, review, "Code"), staged(prod, our_layer(prod), "Content") / "python", vendor]
    named = dict.fromkeys(("LEDGER_TABLE", "DIRECTORY_TABLE", "BASE_URL", "LIMITS_TABLE", "LIMITS"), "{}")
    powertools = {"POWERTOOLS_SERVICE_NAME": "review", "POWERTOOLS_METRICS_NAMESPACE": "Countersign"}
    code = (
        "import json, sys\nfrom review.handler import handler\nprint(json.dumps(handler(json.load(sys.stdin), None)))"
    )
    run = subprocess.run(
        [sys.executable, "-S", "-B", "-P", "-c", code],
        input=json.dumps(http_event("GET", "/nowhere", headers={"accept": "text/html"})),
        env={**named, **powertools, "LAMBDA_TASK_ROOT": str(paths[0]), "PYTHONPATH": os.pathsep.join(map(str, paths))},
        check=True,
        capture_output=True,
        text=True,
    )
    answer = json.loads(run.stdout)
    assert (answer["statusCode"], answer["body"][:15].lower()) == (404, "<!doctype html>")


def our_layer(stage: Synthesised) -> Resource:
    return next(each for each in stage.of_type("AWS::Lambda::LayerVersion") if each.path == "Layers/Countersign")


def test_the_layer_of_our_code_is_importable_and_holds_only_what_functions_run(prod: Synthesised) -> None:
    layer = staged(prod, our_layer(prod), "Content")
    assert "python/countersign/__init__.py" in files(layer)
    assert all(name.startswith("python/countersign/") for name in files(layer))
    not_deployed = tuple(f"python/countersign/{name}" for name in ("testing", "client.py", "mcp.py"))
    assert not any(name.startswith(not_deployed) for name in files(layer))


def hashes(sources: Sources, policy: str = "EUR") -> list[str]:
    stack = Stack(App(), "Stack")
    sources = dataclasses.replace(sources)  # a synthesis reads each folder once
    greeter = sources.function("greeter", "handler", {"policy": [policy]})
    codes = [greeter.code, sources.layer_of_our_code(), sources.layer_of_dependencies()]
    found = []
    for number, code in enumerate(codes):
        layer = lambda_.LayerVersion(stack, f"Layer{number}", code=code)
        resource = stack.resolve(layer.node.default_child.content)  # type: ignore[union-attr]
        found.append(str(resource["s3Key"]))
    return found


@pytest.fixture
def checkout(tmp_path: Path) -> Sources:
    for name in ("lambdas/greeter/handler.py", "lambdas/greeter/greeter/deep.py", "lambdas/other/handler.py"):
        _write(tmp_path / name)
    for name in ("code/python/countersign/__init__.py", "vendor/python/six.py"):
        _write(tmp_path / name)
    add_bytecode(tmp_path / "vendor", "/opt")
    return Sources(tmp_path / "lambdas", tmp_path / "code", tmp_path / "vendor")


def _write(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("value = 1\n")


def test_the_same_code_has_the_same_hash_wherever_it_was_run(checkout: Sources, tmp_path: Path) -> None:
    before = hashes(checkout)
    copy = tmp_path / "elsewhere"
    for folder in (checkout.functions, checkout.code_layer, checkout.vendor_layer):
        shutil.copytree(folder, copy / folder.name)
    moved = Sources(copy / "lambdas", copy / "code", copy / "vendor")
    for package in ("lambdas/greeter", "lambdas/greeter/greeter", "code/python/countersign"):
        _write(copy / package / "__pycache__" / "module.cpython-311.pyc")
    assert hashes(moved) == before


def test_a_function_s_hash_is_its_own_and_changes_with_its_tables(checkout: Sources) -> None:
    greeter, *layers = hashes(checkout)
    assert hashes(checkout, "USD")[0] != greeter, "another policy is another version"
    _write(checkout.functions / "other" / "more.py")
    assert hashes(checkout) == [greeter, *layers]
    _write(checkout.functions / "greeter" / "greeter" / "more.py")
    changed, *same = hashes(checkout)
    assert changed != greeter
    assert same == layers


def test_a_missing_vendor_layer_says_how_to_build_it(checkout: Sources, tmp_path: Path) -> None:
    without = dataclasses.replace(checkout, vendor_layer=tmp_path / "nothing")
    with pytest.raises(MissingSourceError, match="run `make layer`"):
        without.layer_of_dependencies()


@with_the_functions_python
def test_a_vendor_layer_that_another_python_built_is_refused_with_the_fix(checkout: Sources) -> None:
    shutil.rmtree(checkout.vendor_layer / "python" / "__pycache__")
    with pytest.raises(
        MissingSourceError, match=r"built by another Python: 1 modules, such as six\.py, .*`make layer`"
    ):
        checkout.layer_of_dependencies()


def test_another_python_deploys_sources_alone_and_warns(
    checkout: Sources, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tools.bytecode.RUNTIME", (3, 99))
    hashes(checkout)
    monkeypatch.setattr(app, "build", lambda *_: sys.exit(3))
    with pytest.raises(SystemExit):
        app.main()
    assert "the functions run Python 3." in capsys.readouterr().err


def test_cold_starts_are_not_measured_on_another_python(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tools.bytecode.RUNTIME", (3, 99))
    assert not cold_start.measure()
    assert "make setup" in capsys.readouterr().out
