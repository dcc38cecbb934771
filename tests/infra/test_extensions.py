"""A fork's own code: found by the settings, checked, and deployed; nothing else of its folder is."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from countersign.functions.environment import TABLES_FILE
from stacks.stage import extensions
from stacks.stage.extensions import ExtensionError, Extensions
from stacks.stage.problems import SettingsError
from tests.fork import blocks
from tests.infra.templates import DevWith, Resource, Synthesised, statements
from tests.infra.test_assets import files, staged

PROVIDER = """
from countersign.providers.base import Provider

class Acmepay(Provider):
    settings = frozenset({"live"})
    def verify(self, request, secrets, now): ...
    def translate(self, verified, expected): ...

PROVIDER = Acmepay()
"""
(CHANNEL,) = (block.text for block in blocks() if block.path == "extensions/channels/chat.py")
"""What the guide writes into the channel's file."""
HANDLER = "from countersign.workflows import workflow\n\n@workflow\ndef handler(document, context): ...\n"
SCHEMA = '{"examples": [{"amount": "1.00", "currency": "EUR"}], "x-rules": ["money"], "type": "object"}'
LINES = """
[providers.acme]
scheme = "acmepay"
live = false

[channels.chat]
url = "https://chat.example.com/messages"

[workflows.pay-out]
function = "pay_out"
execution_timeout_seconds = 90_000
retention_days = 7
deadline_seconds = 3_600
"""
IN_A_CHAT = ("[mail]", '[mail]\nchannel = "chat"')
IN_THE_GUIDE = {
    "channels/chat.py": CHANNEL,
    "providers/acmepay.py": PROVIDER,
    "workflows/pay_out/handler.py": HANDLER,
    "workflows/pay_out/rules.py": "",
    "workflows/pay_out/input.json": SCHEMA,
    "workflows/pay_out/answer.json": "{}",
}
NOT_NAMED = {
    "providers/broken.py": "raise ValueError",
    "workflows/other/handler.py": "raise ValueError",
    "workflows/pay_out/tests/test_pay_out.py": "import extensions.providers.acmepay",
    "tests/test_acmepay.py": "",
}

Write = Callable[[dict[str, str]], Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write files of `extensions/`, in a checkout of a test's own."""
    return writing(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory, dev_with: DevWith) -> Synthesised:
    """The dev stage with what the settings name of a fork's extensions."""
    with pytest.MonkeyPatch.context() as patch:
        writing(tmp_path_factory.mktemp("checkout"), patch)(IN_THE_GUIDE | NOT_NAMED)
        return dev_with(IN_A_CHAT, more=LINES)


def writing(checkout: Path, patch: pytest.MonkeyPatch) -> Write:
    folder = checkout / "extensions"
    for module in [name for name in sys.modules if name.startswith("extensions")]:
        patch.delitem(sys.modules, module)
    patch.syspath_prepend(checkout)
    patch.setattr(extensions, "FOLDER", folder)

    def written(texts: dict[str, str]) -> Path:
        for name, text in texts.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, "utf-8")
        return folder

    return written


def test_what_the_settings_name_is_deployed_and_nothing_else(extended: Synthesised) -> None:
    function = extended.one("AWS::Lambda::Function", "Durable/PayOut/Workflow/Function")
    assert function.properties["Handler"] == "extensions.workflows.pay_out.handler.handler"
    here = "extensions/workflows/pay_out"
    assert files(staged(extended, function, "Code")) == {
        *(f"{here}/{name}" for name in ("handler.py", "rules.py", "input.json", "answer.json")),
        TABLES_FILE,
    }
    layers = [layer for layer in extended.of_type("AWS::Lambda::LayerVersion") if layer.path == "Layers/Extensions"]
    (content,) = {staged(extended, layer, "Content") for layer in layers}
    assert files(content) == {
        "python/extensions/channels/chat.py",
        "python/extensions/providers/acmepay.py",
        *(f"python/{here}/{name}" for name in ("input.json", "answer.json")),
    }
    assert all(len(function.properties["Layers"]) == 3 for function in functions_of(extended.of_type))


def functions_of(of_type: Callable[[str], list[Resource]]) -> list[Resource]:
    return [function for function in of_type("AWS::Lambda::Function") if "Layers" in function.properties]


def test_a_stage_without_extensions_has_no_layer_for_them(prod: Synthesised) -> None:
    assert not [layer for layer in prod.of_type("AWS::Lambda::LayerVersion") if layer.path == "Layers/Extensions"]


def test_a_channel_s_secret_is_read_by_the_approver_alone(extended: Synthesised) -> None:
    secret = extended.one("AWS::SecretsManager::Secret", "Approver/Channel/Secret")
    variables = extended.variables("Approver/Approver")
    assert json.loads(variables["CHANNEL_SETTINGS"]) == {"url": "https://chat.example.com/messages"}
    assert (variables["CHANNEL"], json.loads(variables["CHANNEL_SECRET"])) == ("chat", {"chat": secret.path})
    line = f"secretsmanager:GetSecretValue on {secret.path}"
    assert [role for role, right in statements(extended) if right == line] == ["Approver/Approver/Role"]
    assert not [role for role, right in statements(extended) if "Approver" in role and right.startswith("ses:")]


@pytest.mark.parametrize(
    ("written", "instead", "message"),
    [
        ('url = "https', 'rul = "https', r"channels\.chat\.rul .*exactly url; fix: remove it"),
        (
            '[channels.chat]\nurl = "https://chat.example.com/messages"',
            "",
            r"channels\.chat\.url is missing; .*fix: add it",
        ),
        ("[channels.chat]", "[channels.other]", r"channels\.other is .*only the table of the extension"),
        (
            "live = false",
            'shop = "x.myshopify.com"',
            r"providers\.acme\.shop .* live, unmatched for the scheme acmepay",
        ),
    ],
)
def test_the_settings_of_a_channel_or_scheme_are_those_that_it_reads(
    write: Write, dev_with: DevWith, written: str, instead: str, message: str
) -> None:
    write(IN_THE_GUIDE)
    with pytest.raises(SettingsError, match=message):
        dev_with(IN_A_CHAT, more=LINES.replace(written, instead))


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({"providers/stripe.py": PROVIDER}, r"providers/stripe\.py: has a name that the kit has; fix: rename it"),
        ({"workflows/payment/handler.py": HANDLER}, r"workflows/payment: has a name that the kit has; fix: rename it"),
        ({"providers/first.py": ""}, r"providers/first\.py: has no `PROVIDER`; fix: let `PROVIDER` be an instance of"),
        ({"providers/second.py": "PROVIDER = 1"}, r"its `PROVIDER` is of int; fix"),
        ({"providers/third.py": "\nimport nothing_such"}, r"third\.py:2: cannot be imported: .*nothing_such.*; fix"),
        ({"providers/fourth.py": "\n\ndef ("}, r"fourth\.py:3: cannot be imported: SyntaxError: .*; fix: correct"),
        ({"providers/other.py": "import extensions.providers.acmepay"}, r"other\.py:1: imports .*; fix: move what it"),
        ({"providers/near.py": "from .acmepay import PROVIDER"}, r"near\.py:1: imports extensions\.providers\.acmepay"),
        (
            {
                "workflows/deep/handler.py": HANDLER,
                "workflows/deep/lib/a.py": "from extensions.providers import acmepay",
            },
            r"lib/a\.py:1: imports extensions\.providers\.acmepay",
        ),
        ({"channels/sns.py": CHANNEL}, r"channels/sns\.py: has a name that the kit has; fix: rename it"),
        (
            {"channels/wrong.py": "CHANNEL = 1"},
            r"its `CHANNEL` is of int; fix: let `CHANNEL` be an instance of Channel",
        ),
        (
            {"channels/wrong.py": CHANNEL.replace('frozenset({"url"})', '"url"')},
            r"`settings` of its `CHANNEL` is 'url'; fix: let it be a frozenset, such as frozenset\(\{\"url\"\}\)",
        ),
        ({"workflows/fifth/input.json": SCHEMA}, r"fifth/handler\.py: does not exist; fix: write it, or correct `mod"),
        ({"workflows/sixth/handler.py": "x = 1"}, r"sixth/handler\.py: has no `handler`; fix: let `handler` be a fun"),
        (
            {"workflows/plain/handler.py": "def handler(event, context): ..."},
            r"its `handler` is of function; fix: let `ha",
        ),
        (
            {"providers/class.py": PROVIDER.replace("PROVIDER = Acmepay()", "PROVIDER = Acmepay")},
            r"is the class Acmepay",
        ),
        ({"workflows/seventh/handler.py": HANDLER, "workflows/seventh/input.json": "{}"}, r"has no `examples`; fix: "),
        ({"workflows/eighth/handler.py": HANDLER, "workflows/eighth/input.json": "{\n]"}, r"input\.json:2: is not JS"),
        (
            {"workflows/ninth/handler.py": HANDLER, "workflows/ninth/input.json": SCHEMA.replace("EUR", "XXX")},
            r"example 1 breaks it: /currency: must be",
        ),
        (
            {
                "workflows/dated/handler.py": HANDLER,
                "workflows/dated/input.json": '{"properties": {"d": {"format": "date"}}, "examples": [{"d": "x"}]}',
            },
            r"example 1 breaks it: /d: .*must be date",
        ),
        (
            {"workflows/tenth/handler.py": HANDLER, "workflows/tenth/input.json": SCHEMA.replace("money", "mony")},
            r"`x-rules` names 'mony'; allowed: adult, approvers, money, small; fix: correct it",
        ),
    ],
    ids=str,
)
def test_an_extension_that_cannot_work_is_refused(write: Write, texts: dict[str, str], message: str) -> None:
    write(texts)
    kind, name = next(iter(texts)).split("/")[:2]
    stem = name.removesuffix(".py")
    with pytest.raises(ExtensionError, match=message):
        Extensions.named(schemes=[stem], functions=[(stem, "handler")], channels=[stem] if kind == "channels" else [])


@pytest.mark.parametrize(
    "linked", ["providers/acmepay.py", "workflows/pay_out", "workflows/pay_out/rules.py", "channels/chat.py"]
)
def test_symbolic_links_are_refused(write: Write, tmp_path: Path, linked: str) -> None:
    place = write(IN_THE_GUIDE) / linked
    place.rename(tmp_path / "elsewhere")
    place.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ExtensionError, match=f"{linked}: is a symbolic link; fix: put a copy"):
        Extensions.named(schemes=["acmepay"], functions=[("pay_out", "handler")], channels=["chat"])
