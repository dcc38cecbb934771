"""What is uploaded: each function its own folder, nothing that a machine left there, and the same every time."""

import dataclasses
import shutil
from pathlib import Path

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_lambda as lambda_

from countersign.functions.environment import TABLES_FILE
from stacks.components.house.sources import MissingSourceError, Sources
from tests.infra.templates import Resource, Synthesised


def staged(stage: Synthesised, resource: Resource, bucket_property: str) -> Path:
    name: str = resource.properties[bucket_property]["S3Key"].removesuffix(".zip")
    return Path(stage.assembly.directory) / f"asset.{name}"


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_function_s_asset_is_its_own_folder_whole_and_its_tables(prod: Synthesised) -> None:
    lambdas = Sources.of_checkout().functions
    for function in prod.of_type("AWS::Lambda::Function"):
        folder = function.properties["Handler"].partition(".")[0]
        written = {f"{folder}/{name}" for name in files(lambdas / folder) if "__pycache__" not in name}
        written |= {TABLES_FILE} if prod.tables(function.properties) else set()
        assert files(staged(prod, function, "Code")) == written


def test_the_layer_of_our_code_is_importable_and_holds_nothing_else_nor_tools_for_tests(
    prod: Synthesised,
) -> None:
    (layer,) = {
        staged(prod, layer, "Content")
        for layer in prod.of_type("AWS::Lambda::LayerVersion")
        if layer.path == "Layers/Countersign"
    }
    assert "python/countersign/__init__.py" in files(layer)
    assert all(name.startswith("python/countersign/") and "__pycache__" not in name for name in files(layer))
    assert not any(name.startswith("python/countersign/testing") for name in files(layer))


def hashes(sources: Sources, policy: str = "EUR") -> list[str]:
    stack = Stack(App(), "Stack")
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
    for package in ("lambdas/greeter", "lambdas/greeter/greeter", "code/python/countersign", "vendor/python"):
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
