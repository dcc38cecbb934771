"""The guide for forks, done to a copy of the repository: linted, tested, deployed onto a cloud of its own, and run."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.client import Envelope, answer, open_page, press, take
from local.providers import activate, made_up
from operate.embedded import http
from operate.embedded.cloud import ROOT, Cloud
from stacks.stage.settings import Settings
from tests.e2e.scene import Scene, until
from tests.fork import GUIDE, Block, Fork, blocks, commands
from tests.unit.test_architecture import lines_of_code

KEEPER = """
import sys; from pathlib import Path; from local.launch import take_down
sys.stdin.read(); take_down(Path(sys.argv[1]))
"""
"""Takes a cloud down when whoever started it says so, or is gone."""


@pytest.fixture(scope="module")
def fork(tmp_path_factory: pytest.TempPathFactory) -> Fork:
    """A copy that the guide was followed in."""
    made = Fork.of_checkout(tmp_path_factory.mktemp("fork"))
    for block in blocks():
        made.follow(block)
    return made


@pytest.fixture(scope="module")
def fork_cloud(fork: Fork) -> Iterator[Cloud]:
    """The cloud that the guide's commands bring up; it is taken down whatever becomes of this process."""
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
    """Return how many lines of code a block has; docstrings, comments and blank lines are none."""
    if not block.path.endswith(".py"):
        return sum(bool(line.strip()) and not line.startswith("#") for line in block.text.splitlines())
    (folder / "block.py").write_text(block.text)
    return lines_of_code(folder / "block.py")


def test_a_provider_and_a_workflow_are_less_than_a_hundred_lines_with_their_tests_and_settings(tmp_path: Path) -> None:
    assert sum(code_of(block, tmp_path) for block in blocks()) < 100


def test_they_are_new_files_and_lines_of_settings_and_nothing_else_is_edited() -> None:
    new = [block.path for block in blocks() if not block.at_the_end]
    assert [block.path for block in blocks() if block.at_the_end] == ["settings/local.toml"]
    assert len(new) == len(set(new)) == 5
    assert {path.split("/")[0] for path in new} == {"extensions"}


def test_what_the_guide_adds_is_styled_and_typed_as_the_rest(fork: Fork) -> None:
    files = " ".join(block.path for block in blocks() if block.path.endswith(".py"))
    fork.run(f".venv/bin/ruff check {files} && .venv/bin/ruff format --check {files} docs/fork-for-payments.md")
    fork.run(f".venv/bin/python -m mypy {files}")


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_the_same_lines_are_right_for_a_stage_in_an_account(fork: Fork, stage: str) -> None:
    (settings,) = (block for block in blocks() if block.at_the_end)
    path = f"settings/{stage}.toml"
    fork.follow(Block(path, settings.text, at_the_end=True))
    deployed = Settings.load(fork.root / path)
    assert deployed.providers["acmepay"].scheme == "acmepay"
    assert deployed.workflows["deposit"].function == "deposit"
    assert [row.up_to for row in deployed.policies["deposit"]] == ["1000.00", None]


def credit_of(cloud: Cloud, request_id: str) -> Envelope:
    """Take the hand-off of a credit from the queue, as the worker does."""
    task_id = f"{request_id}.credit"
    (envelope,) = until(
        lambda: take(cloud, lambda envelope: envelope.get("task_id") == task_id), "the hand-off of the credit"
    )
    return envelope


def test_the_fork_runs_a_deposit_from_the_signed_webhook_to_the_one_credit(fork: Fork, fork_cloud: Cloud) -> None:
    told = fork.run(commands()[1])
    assert '"recorded"' in told or '"parked"' in told, told
    scene = Scene(fork_cloud, "deposit-1", "deposit")
    link = scene.link("treasury@countersign.example")
    assert link in fork.run(commands()[2])
    assert press(open_page(link), "approve").answer.status == 200
    asked = credit_of(fork_cloud, "deposit-1")
    key = asked["task"]["idempotency_key"]
    assert uuid.UUID(key).version == 4
    assert [answer(asked, "succeed", {}).json()["status"] for _ in range(2)] == ["recorded", "duplicate"]
    report = scene.ended()
    assert report["status"] == "succeeded", report
    assert (report["result"]["status"], report["result"]["idempotency_key"]) == ("credited", key)


def test_a_small_deposit_is_approved_by_the_policy_and_nobody_is_asked(fork_cloud: Cloud) -> None:
    scene = Scene(fork_cloud, "deposit-small", "deposit")
    deposit = {"account": "ACC-2", "external_id": "pay_2", "amount": "1000.00", "currency": "EUR"}
    assert scene.api.submit("deposit", scene.request_id, deposit).status == 202
    assert acmepay_says(fork_cloud, fork_cloud.providers["acmepay"], "pay_2", 100_000) in {200, 202}
    assert credit_of(fork_cloud, scene.request_id)["task"]["account"] == "ACC-2"


def test_what_is_credited_is_what_an_operator_accepts_in_the_place_of_what_was_asked(fork_cloud: Cloud) -> None:
    scene = Scene(fork_cloud, "deposit-held", "deposit")
    deposit = {"account": "ACC-4", "external_id": "pay_4", "amount": "500.00", "currency": "EUR"}
    assert scene.api.submit("deposit", scene.request_id, deposit).status == 202
    assert scene.task()["status"] == "OPEN"
    assert acmepay_says(fork_cloud, fork_cloud.providers["acmepay"], "pay_4", 40_000) == 200
    mail = scene.mail("finance@countersign.example", about="pay_4")
    assert press(open_page(mail.review_link or ""), "approve").answer.status == 200
    assert credit_of(fork_cloud, scene.request_id)["task"]["amount"] == "400.00"


def acmepay_says(cloud: Cloud, secret: str, payment: str, cents: int) -> int:
    """Post an event as Acmepay does, and return what it is answered."""
    sent = {"id": payment, "status": "settled", "amount": cents, "currency": "EUR"}
    body = json.dumps({"id": f"evt_{uuid.uuid4()}", "type": "payment", "payment": sent})
    now = str(int(time.time()))
    signed = ["openssl", "dgst", "-sha256", "-hmac", secret, "-r"]
    signature = subprocess.run(signed, input=f"{now}.{body}".encode(), check=True, capture_output=True).stdout[:64]
    headers = {"Content-Type": "application/json", "Acmepay-Timestamp": now, "Acmepay-Signature": signature.decode()}
    return http.send("POST", f"{cloud.api_url}/webhooks/acmepay", body.encode(), headers).status


def test_its_secret_is_rotated_as_the_guide_says_and_no_event_is_refused_meanwhile(fork_cloud: Cloud) -> None:
    old, new = fork_cloud.providers["acmepay"], made_up("acmepay")
    where = fork_cloud.provider_secret("acmepay")
    steps = re.findall(r"--secret-string '(.*)'$", GUIDE.read_text("utf-8"), re.MULTILINE)
    assert steps == ['{"active": ["OLD"]}', '{"active": ["NEW", "OLD"]}', '{"active": ["NEW"]}']

    def put(step: str) -> None:
        active = json.loads(step.replace("OLD", old).replace("NEW", new))["active"]
        activate(fork_cloud.endpoint_url, where, *active)

    put(steps[0])
    assert acmepay_says(fork_cloud, old, "pay_9", 1) == 202
    put(steps[1])
    assert acmepay_says(fork_cloud, old, "pay_9", 1) == 202
    until(lambda: acmepay_says(fork_cloud, new, "pay_9", 1) == 202 or None, "a webhook signed with the new secret")
    put(steps[2])
    assert acmepay_says(fork_cloud, new, "pay_9", 1) == 202
    put(steps[0])  # what the other tests sign with
    until(lambda: acmepay_says(fork_cloud, old, "pay_9", 1) == 202 or None, "a webhook signed with the old secret")
