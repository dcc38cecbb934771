"""`make watch` on an emulator with one function and its library."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from countersign.functions.environment import TABLES_FILE
from local import watch
from local.emulator import emulator
from operate.embedded import aws
from operate.embedded.cloud import Cloud
from operate.terminal import Terminal

HANDLER = "lambdas/hello/handler.py"
WORDS = "layers/countersign/python/countersign/words.py"
CHECKOUT = {
    "lambdas/hello/__init__.py": "",
    HANDLER: "from countersign.words import GREETING\n\ndef handler(event, context):\n    return GREETING + '!'\n",
    "layers/countersign/python/countersign/__init__.py": "",
    WORDS: "GREETING = 'hello'\n",
    "settings/local.toml": "",
}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[emulator.Emulator]:
    started = emulator.start(tmp_path_factory.mktemp("cloud"), with_parent=True)
    yield started
    started.stop()


class Checkout:
    """A checkout whose one function is deployed, and `make watch` beside it."""

    def __init__(self, root: Path, endpoint_url: str) -> None:
        self.root = root
        self.home = root / ".local"
        self.home.mkdir()
        for file, content in CHECKOUT.items():
            self.write(file, content)
        url = endpoint_url
        Cloud(url, aws.REGION, aws.ACCOUNT, url, url, {}, "", "", {}, {}, {}).write(self.home)
        self.client = aws.client("lambda", url)
        self._deploy(root.name.replace("_", "-"))

    def _deploy(self, name: str) -> None:
        self.name = name
        layer = self.root / "layers" / "countersign"
        library = watch._zipped(watch._files(layer, layer), "/opt")
        arn = self.client.publish_layer_version(LayerName=name, Content={"ZipFile": library})["LayerVersionArn"]
        base = self.root / "lambdas"
        self.client.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Handler="hello.handler.handler",
            Role=f"arn:aws:iam::{aws.ACCOUNT}:role/any",
            Code={"ZipFile": watch._zipped(watch._files(base, base), "/var/task", {TABLES_FILE: b'{"policy": []}'})},
            Layers=[arn],
        )
        self.client.publish_version(FunctionName=name)
        self.client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")

    def write(self, file: str, content: str) -> str:
        (self.root / file).parent.mkdir(parents=True, exist_ok=True)
        (self.root / file).write_text(content)
        return file

    def bring(self, *files: str) -> bool:
        return watch.bring(self.home, files, Terminal(), self.root)

    def answer(self, qualifier: str = "live") -> str:
        payload = self.client.invoke(FunctionName=self.name, Qualifier=qualifier)["Payload"].read()
        text: str = json.loads(payload)
        return text


@pytest.fixture
def checkout(running: emulator.Emulator, tmp_path: Path) -> Iterator[Checkout]:
    made = Checkout(tmp_path, running.endpoint_url)
    yield made
    made.client.delete_function(FunctionName=made.name)


def test_a_changed_handler_and_library_are_live_and_running_executions_keep_their_version(
    checkout: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    assert checkout.answer() == "hello!"
    assert checkout.bring(checkout.write(HANDLER, CHECKOUT[HANDLER].replace("!", "?")))
    assert checkout.answer() == checkout.answer("$LATEST") == "hello?"
    assert checkout.bring(checkout.write(WORDS, "GREETING = 'good day'\n"))
    assert checkout.answer() == checkout.answer("$LATEST") == "good day?"
    assert (checkout.answer("1"), capsys.readouterr().out.count("hello.handler, in ")) == ("hello!", 2)


def test_a_changed_handler_keeps_the_tables_that_the_stage_gave_it(checkout: Checkout) -> None:
    file = f"os.environ['LAMBDA_TASK_ROOT'] + '/{TABLES_FILE}'"
    assert checkout.bring(checkout.write(HANDLER, f"import os\n\ndef handler(*_):\n    return open({file}).read()\n"))
    assert checkout.answer() == '{"policy": []}'


@pytest.mark.parametrize(
    ("file", "content", "problem"),
    [
        (HANDLER, "def handler(event, context):\n    return (\n", f"{HANDLER}:2: SyntaxError: "),
        (WORDS, "FAREWELL = 'bye'\n", f"{HANDLER}:1: ImportError: cannot import name 'GREETING'"),
        ("lambdas/hello/words.json", '{\n"a": }', "lambdas/hello/words.json:2: JSONDecodeError: "),
    ],
    ids=["syntax", "import", "json"],
)
def test_a_file_that_cannot_be_imported_is_reported_with_its_place_and_not_live(
    checkout: Checkout, capsys: pytest.CaptureFixture[str], file: str, content: str, problem: str
) -> None:
    assert not checkout.bring(checkout.write(file, content))
    assert capsys.readouterr().err.startswith(f"error: {problem}")
    assert checkout.answer() == "hello!"


def test_a_deployed_function_that_cannot_be_imported_is_named_with_its_place(checkout: Checkout) -> None:
    checkout.write(HANDLER, "import json\nimport of_nothing\n")
    with pytest.raises(watch.WatchError, match=f"^{HANDLER}:2: ModuleNotFoundError: No module named 'of_nothing'$"):
        watch.Live(checkout.client.meta.endpoint_url, checkout.root).check()


def test_a_change_that_needs_a_deploy_is_reported_with_the_command(
    checkout: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    assert checkout.bring("settings/local.toml", checkout.write("lambdas/other/handler.py", ""), HANDLER)
    printed = capsys.readouterr()
    assert "lambdas/other/handler.py, settings/local.toml changed: that needs a deploy\n  Run `make up`." in printed.err
    assert "hello.handler, in " in printed.out


def test_a_missing_cloud_is_reported_and_the_change_is_kept(
    checkout: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    here = Cloud.read(checkout.home)
    assert here
    (checkout.home / "cloud.json").write_text(json.dumps({**vars(here), "endpoint_url": "http://127.0.0.1:1"}))
    assert not checkout.bring(HANDLER)
    (checkout.home / "cloud.json").unlink()
    assert not checkout.bring(HANDLER)
    errors = capsys.readouterr().err
    assert f"{HANDLER} is not live: Could not connect" in errors
    assert f"{HANDLER} is not live: the embedded cloud is not up\n  Run `make up`." in errors
