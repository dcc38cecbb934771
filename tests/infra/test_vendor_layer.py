"""The vendor layer as it is built: small, pure Python, the same every time, and sufficient."""

import gzip
import json
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import botocore
import pytest

from tools.vendor_layer import (
    COMPILED,
    LAYER,
    SIZE_LIMIT_BYTES,
    ZIPPED_LIMIT_BYTES,
    build,
    listed_services,
    size,
    without_documentation,
    zipped_size,
)


@pytest.fixture(scope="session")
def layer() -> Path:
    """The layer that was built for this checkout."""
    return LAYER


def content_of(directory: Path) -> dict[str, tuple[int, bytes]]:
    """Return the mode and the content of every file."""
    files = (path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): (path.stat().st_mode, path.read_bytes()) for path in files}


def test_it_is_no_larger_than_its_limits(layer: Path) -> None:
    assert size(layer) <= SIZE_LIMIT_BYTES
    assert zipped_size(layer) <= ZIPPED_LIMIT_BYTES


def test_it_is_pure_python(layer: Path) -> None:
    assert not [path for path in layer.rglob("*") if path.suffix in COMPILED]


def test_the_sdk_finds_the_plug_in_for_traces_in_it(layer: Path) -> None:
    found = [each for distribution in distributions(path=[str(layer / "python")]) for each in distribution.entry_points]
    assert "otel-invocation" in {each.name for each in found if each.group == "aws_durable_execution.plugins"}


def test_it_is_the_same_when_built_again_elsewhere_over_another(layer: Path, tmp_path: Path) -> None:
    again = tmp_path / "another" / "place"
    (again / "python").mkdir(parents=True)
    (again / "python" / "left_over.py").touch()
    build(again)
    assert (content_of(again), [path.name for path in again.parent.iterdir()]) == (content_of(layer), ["place"])


def test_it_names_no_path_of_the_machine_that_built_it(layer: Path) -> None:
    for path in (path for path in layer.rglob("*") if path.is_file()):
        assert str(LAYER.parent.resolve()).encode() not in path.read_bytes(), path


def test_it_holds_the_models_of_the_listed_services_alone(layer: Path) -> None:
    data = layer / "python" / "botocore" / "data"
    assert {path.name for path in data.iterdir() if path.is_dir()} == listed_services()


@pytest.mark.parametrize("service", sorted(listed_services()))
def test_a_model_says_what_botocore_s_own_says(layer: Path, service: str) -> None:
    (kept,) = (layer / "python" / "botocore" / "data" / service).glob("*/service-2.json")
    original = Path(botocore.__file__).parent / "data" / service / kept.parent.name / "service-2.json.gz"
    assert json.loads(kept.read_bytes()) == without_documentation(json.loads(gzip.decompress(original.read_bytes())))


def test_everything_in_it_works_without_anything_else(layer: Path) -> None:
    code = f"""
import sys
sys.path.insert(0, {str(layer / "python")!r})
import aws_durable_execution_sdk_python, boto3, boto3.docs, botocore.docs, fastjsonschema
import dateutil.tz, urllib3, zoneinfo
zoneinfo.reset_tzpath([])  # Lambda's Python promises no time zones
assert zoneinfo.ZoneInfo("Europe/Berlin")
from importlib.metadata import version
fastjsonschema.compile({{"type": "object"}})({{}})
assert version("aws-durable-execution-sdk-python")
session = boto3.Session(region_name="eu-west-1", aws_access_key_id="id", aws_secret_access_key="secret")
url = session.client("s3").generate_presigned_url("put_object", Params={{"Bucket": "bucket", "Key": "key"}})
print("put_object", url.partition("?")[0])
for service in {sorted(listed_services())!r}:
    client = session.client(service)
    client.meta.service_model.client_context_parameters  # what botocore reads at a client's first call
    print(service, client.meta.endpoint_url)
"""
    # Neither the caller's variables nor this environment's own packages.
    finished = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", code], capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stderr
    endpoints = dict(line.split() for line in finished.stdout.splitlines())
    assert endpoints["put_object"] == "https://bucket.s3.amazonaws.com/key"
    assert endpoints["dynamodb"] == "https://dynamodb.eu-west-1.amazonaws.com"
    assert endpoints["sesv2"] == "https://email.eu-west-1.amazonaws.com"
