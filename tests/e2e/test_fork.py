"""The guide for forks, followed in a copy of the repository: linted, deployed onto its own cloud, and run."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from local.providers import activate, made_up
from operate.client import Envelope, open_page, press, take
from operate.embedded import http
from operate.embedded.cloud import ROOT, Cloud
from tests.e2e.scene import Scene, until
from tests.fork import Block, Fork, blocks, commands, worker
from tests.unit.test_architecture import lines_of_code

KEEPER = """
import sys; from pathlib import Path; from local.launch import take_down
sys.stdin.read(); take_down(Path(sys.argv[1]))
"""
"""Takes a cloud down when its parent closes the pipe or ends."""


PORT = "8080"
"""The port of the guide's chat, which the tests replace by a free one."""


@dataclass(frozen=True)
class Chat:
    """The guide's chat, which prints the messages that it receives.

    Attributes:
        port: Its port.
        log: The file of its output.
    """

    port: str
    log: Path

    def link(self, recipient: str, about: str = "") -> str:
        """Wait for a message to a person with these words in its text, and return its link."""

        def find() -> str | None:
            messages = [json.loads(line) for line in self.log.read_text().splitlines()]
            links = [each["link"] for each in messages if each["to"] == recipient and about in each["text"]]
            return links[-1] if links else None

        return until(find, f"a message to {recipient}")


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chat]:
    """The chat of the guide's second terminal."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        chat = Chat(str(free.getsockname()[1]), tmp_path_factory.mktemp("chat") / "log")
    with chat.log.open("w") as log:
        command = commands()[3].replace(PORT, chat.port)
        terminal = subprocess.Popen(["bash", "-c", f"exec {command}"], cwd=ROOT, stdout=log, stderr=subprocess.DEVNULL)
    yield chat
    terminal.kill()
    terminal.wait()


@pytest.fixture(scope="module")
def fork(tmp_path_factory: pytest.TempPathFactory, chat: Chat) -> Fork:
    """A copy that the guide was followed in, without the callback patterns, which the guide does not mention."""
    made = Fork.of_checkout(tmp_path_factory.mktemp("fork"))
    for block in blocks():
        made.follow(block)
    settings = made.root / "settings" / "local.toml"
    text = settings.read_text().replace(f":{PORT}/", f":{chat.port}/")
    settings.write_text(re.sub(r"^\[patterns\]\n.+\n", "", text, flags=re.MULTILINE))
    return made


@pytest.fixture(scope="module")
def fork_cloud(fork: Fork) -> Iterator[Cloud]:
    """The cloud that the guide's commands bring up; it ends also when this process is killed."""
    home = fork.root / ".local"
    keeper = subprocess.Popen(
        [sys.executable, "-c", KEEPER, str(home)], cwd=ROOT, stdin=subprocess.PIPE, start_new_session=True
    )
    try:
        fork.run(commands()[0])
        cloud = Cloud.read(home)
        assert cloud
        yield cloud
    finally:
        keeper.communicate()
    assert Cloud.read(home) is None


def code_of(block: Block, folder: Path) -> int:
    """Return a block's lines of code, without docstrings, comments and blank lines."""
    if not block.path.endswith(".py"):
        return sum(bool(line.strip()) and not line.startswith("#") for line in block.text.splitlines())
    (folder / "block.py").write_text(block.text)
    return lines_of_code(folder / "block.py")


def test_a_provider_and_a_workflow_are_at_most_a_hundred_lines_with_their_tests_and_settings(tmp_path: Path) -> None:
    assert sum(code_of(block, tmp_path) for block in blocks() if "chat" not in block.path + block.text) <= 100


def test_the_guide_adds_files_and_settings_and_edits_no_file_of_the_kit() -> None:
    new = [block.path for block in blocks() if block.is_new]
    assert {block.path for block in blocks() if not block.is_new} == {"settings/local.toml"}
    assert len(new) == len(set(new)) == 6
    assert {path.split("/")[0] for path in new} == {"extensions"}


def test_the_guides_code_passes_the_linter_and_the_type_checker(fork: Fork) -> None:
    files = " ".join(block.path for block in blocks() if block.path.endswith(".py"))
    fork.run(f".venv/bin/ruff check {files} && .venv/bin/ruff format --check {files} docs/fork-for-payments.md")
    fork.run(f".venv/bin/python -m mypy {files}")


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_the_guides_settings_are_valid_for_a_stage_in_an_account(fork: Fork, stage: str) -> None:
    path = f"settings/{stage}.toml"
    for block in blocks():
        if not block.is_new:
            fork.follow(Block(path, block.text, block.where))
    load = f"from stacks.stage.settings import *; print(Settings.load(Path('{path}')).extensions)"
    assert fork.run(f'.venv/bin/python -c "{load}"') == (
        "Extensions(providers=('acmepay',), workflows=('deposit',), channels=('chat',))\n"
    )


def credit_of(cloud: Cloud, request_id: str) -> Envelope:
    """Take the hand-off of a credit from the queue, as the worker does."""
    task_id = f"{request_id}.credit"
    (envelope,) = until(
        lambda: take(cloud, lambda envelope: envelope.get("task_id") == task_id), "the hand-off of the credit"
    )
    return envelope


def test_the_fork_runs_a_deposit_from_the_signed_webhook_to_the_credit_by_the_example_worker(
    fork: Fork, fork_cloud: Cloud, chat: Chat
) -> None:
    answered = fork.run(commands()[1])
    assert '"recorded"' in answered or '"parked"' in answered, answered
    scene = Scene(fork_cloud, "deposit-1", "deposit")
    assert press(open_page(chat.link("treasury@countersign.example")), "approve").answer.status == 200
    working = fork.start(worker())
    try:
        report = scene.ended()
    finally:
        working.send_signal(signal.SIGINT)
        log, _ = working.communicate(timeout=30)
    assert (working.returncode, "credit.requested deposit-1.credit: succeeded" in log) == (0, True), log
    assert (report["status"], report["result"]["status"]) == ("succeeded", "credited"), report
    assert uuid.UUID(report["result"]["idempotency_key"]).version == 4


def test_a_click_on_the_link_in_the_chat_decides_and_make_mail_lists_the_message(
    fork: Fork, fork_cloud: Cloud, chat: Chat
) -> None:
    up, _, asked = commands()[4].partition("\n")
    assert up == "make up"
    fork.run(asked)
    assert press(open_page(chat.link("maria@example.com")), "approve").answer.status == 200
    assert Scene(fork_cloud, "order-1").ended()["result"]["decided_by"] == "maria@example.com"
    assert "maria@example.com: Order 1 (by the channel chat, which got the link)" in fork.run(commands()[2])


def test_a_small_deposit_is_approved_by_the_policy_and_nobody_is_asked(fork_cloud: Cloud) -> None:
    scene = Scene(fork_cloud, "deposit-small", "deposit")
    deposit = {"account": "ACC-2", "external_id": "pay_2", "amount": "1000.00", "currency": "EUR"}
    assert fork_cloud.client().request("deposit", scene.request_id, deposit).is_new
    assert post_as_acmepay(fork_cloud, fork_cloud.providers["acmepay"], "pay_2", 100_000) in {200, 202}
    assert credit_of(fork_cloud, scene.request_id)["task"]["account"] == "ACC-2"


def test_the_amount_that_an_operator_accepts_of_a_held_payment_is_credited(fork_cloud: Cloud, chat: Chat) -> None:
    scene = Scene(fork_cloud, "deposit-held", "deposit")
    deposit = {"account": "ACC-4", "external_id": "pay_4", "amount": "500.00", "currency": "EUR"}
    assert fork_cloud.client().request("deposit", scene.request_id, deposit).is_new
    assert scene.task()["status"] == "OPEN"
    assert post_as_acmepay(fork_cloud, fork_cloud.providers["acmepay"], "pay_4", 40_000) == 200
    assert press(open_page(chat.link("finance@countersign.example", "pay_4")), "approve").answer.status == 200
    assert credit_of(fork_cloud, scene.request_id)["task"]["amount"] == "400.00"


def post_as_acmepay(cloud: Cloud, secret: str, payment: str, cents: int) -> int:
    """Post an event as Acmepay does, and return the status."""
    sent = {"id": payment, "status": "settled", "amount": cents, "currency": "EUR"}
    body = json.dumps({"id": f"evt_{uuid.uuid4()}", "type": "payment", "payment": sent})
    now = str(int(time.time()))
    signed = ["openssl", "dgst", "-sha256", "-hmac", secret, "-r"]
    signature = subprocess.run(signed, input=f"{now}.{body}".encode(), check=True, capture_output=True).stdout[:64]
    headers = {"Content-Type": "application/json", "Acmepay-Timestamp": now, "Acmepay-Signature": signature.decode()}
    return http.send("POST", f"{cloud.api_url}/webhooks/acmepay", body.encode(), headers).status


def test_a_secret_is_rotated_by_the_steps_of_docs_payments_without_a_refused_event(fork_cloud: Cloud) -> None:
    old, new = fork_cloud.providers["acmepay"], made_up("acmepay")
    where = fork_cloud.provider_secret("acmepay")
    steps = re.findall(
        r"--secret-string '(.*(?:OLD|NEW).*)'$", (ROOT / "docs/payments.md").read_text("utf-8"), re.MULTILINE
    )
    assert steps == ['{"active": ["OLD"]}', '{"active": ["NEW", "OLD"]}', '{"active": ["NEW"]}']

    def put(step: str) -> None:
        active = json.loads(step.replace("OLD", old).replace("NEW", new))["active"]
        activate(fork_cloud.endpoint_url, where, *active)

    put(steps[0])
    assert post_as_acmepay(fork_cloud, old, "pay_9", 1) == 202
    put(steps[1])
    assert post_as_acmepay(fork_cloud, old, "pay_9", 1) == 202
    until(lambda: post_as_acmepay(fork_cloud, new, "pay_9", 1) == 202 or None, "a webhook signed with the new secret")
    put(steps[2])
    assert post_as_acmepay(fork_cloud, new, "pay_9", 1) == 202
    put(steps[0])  # what the other tests sign with
    until(lambda: post_as_acmepay(fork_cloud, old, "pay_9", 1) == 202 or None, "a webhook signed with the old secret")
