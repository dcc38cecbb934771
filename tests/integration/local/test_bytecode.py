"""The functions of the embedded cloud run from the bytecode of their assets."""

import io
import zipfile
from pathlib import Path

import pytest

from tests.integration.local.clouds import Cloud
from tools.bytecode import FUNCTIONS_AT, add_bytecode, missing_runtime


@pytest.mark.skipif(bool(missing_runtime()), reason=missing_runtime())
def test_a_function_with_bytecode_answers_without_a_look_at_its_source(corrected: Cloud, tmp_path: Path) -> None:
    source = tmp_path / "hello" / "handler.py"
    source.parent.mkdir()
    source.write_text("def handler(event, context):\n    return 'hello'\n")
    add_bytecode(tmp_path, FUNCTIONS_AT)
    source.write_text("this is not Python")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as package:
        for file in filter(Path.is_file, tmp_path.rglob("*")):
            package.write(file, file.relative_to(tmp_path))
    corrected.create("from-bytecode", archive.getvalue(), Handler="hello.handler.handler")
    answer = corrected.client("lambda").invoke(FunctionName="from-bytecode")
    assert (answer.get("FunctionError"), answer["Payload"].read()) == (None, b'"hello"')
