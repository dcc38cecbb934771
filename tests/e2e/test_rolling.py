"""Releases roll while executions wait: back from today's code to the release, and forwards again."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.clients import Approvals, Payments
from local.demo.demo import PatternDemo
from local.demo.sandbox import Event
from local.demo.scripts import SCRIPTS
from local.watch import Live
from operate.client import open_page, press, take
from operate.embedded import aws
from operate.embedded.cloud import ROOT, Cloud
from operate.embedded.mailbox import Mailbox
from stacks.stage.workflows import ON_THE_LEDGER
from tests.e2e.payment_scene import PaymentScene
from tests.e2e.scene import until

OPERATOR = "finance@countersign.example"
LIBRARY = Path("layers/countersign/python/countersign")
RELEASE = max((ROOT / "tests" / "compat").glob("*/*.whl"))
BACK, FORWARDS = 2, 19
"""Approvals, and as many payments, each way. With a held payment, its resolution and the patterns, 17 executions wait
for the release, and then 51 for today's code.

The patterns on the raw SDK are left out: a plain Lambda completes their callback at once.
"""

Deploy = Callable[[Path], None]


@pytest.fixture
def deploy(cloud: Cloud) -> Iterator[Deploy]:
    """Return a function that makes the library and the functions of a tree live; at the end, the checkout's are."""
    live = [ROOT]

    def bring(tree: Path) -> None:
        if live[-1] != tree:
            live.append(tree)
            before, after = map(_functions, live[-2:])
            files = [f"{LIBRARY}/__init__.py", *(file for file, code in after.items() if before.get(file) != code)]
            modules, rest = Live(cloud.endpoint_url, tree).bring(files)
            assert ({"order_approval.handler", "relay.handler", "review.handler"} <= set(modules), rest) == (True, [])

    yield bring
    bring(ROOT)


@pytest.fixture(autouse=True)
def _no_newer_provider(cloud: Cloud) -> Iterator[None]:
    """Configure no provider whose scheme the release lacks, as a stage of the release cannot."""
    functions = aws.client("lambda", cloud.endpoint_url)
    pages = functions.get_paginator("list_functions").paginate()
    (webhook,) = (each for page in pages for each in page["Functions"] if each["Handler"] == "webhook.handler.handler")
    variables = webhook["Environment"]["Variables"]
    known = {name: source for name, source in json.loads(variables["PROVIDERS"]).items() if name != "mollie"}

    def configure(variables: dict[str, str]) -> None:
        functions.update_function_configuration(
            FunctionName=webhook["FunctionName"], Environment={"Variables": variables}
        )

    configure(variables | {"PROVIDERS": json.dumps(known)})
    yield
    configure(variables)


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """Return a tree with the library and the functions of the newest release."""
    (tmp_path / LIBRARY.parent).mkdir(parents=True)
    (tmp_path / "extensions").symlink_to(ROOT / "extensions")
    for archive, place in ((RELEASE, tmp_path / LIBRARY.parent), (RELEASE.parent / "functions.zip", tmp_path)):
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(place)
    return tmp_path


def _functions(tree: Path) -> dict[str, bytes]:
    files = (file for file in (tree / "lambdas").rglob("*") if file.is_file() and "__pycache__" not in file.parts)
    return {str(file.relative_to(tree)): file.read_bytes() for file in files}


class Crowd:
    """Executions of every workflow that waits, and everybody who answers them."""

    def __init__(self, cloud: Cloud, name: str, each: int) -> None:
        self.cloud, self.name = cloud, name
        # One call at a time: each that runs beside another costs a new process of the emulator.
        self.approvals = Approvals(cloud, [f"{name}-approval-{number}" for number in range(each)], at_once=1)
        self.payments = Payments(cloud, [f"{name}-payment-{number}" for number in range(each)], at_once=1)
        self.held = PaymentScene(cloud, f"{name}-held")
        self.patterns = [PatternDemo(workflow=each, cloud=cloud, request_id=f"{name}-{each}") for each in ON_THE_LEDGER]

    def wait(self) -> None:
        """Start all of them, and wait until each waits for an answer."""
        self.approvals.start()
        self.payments.start()
        self.held.submit()
        for each in self.patterns:
            each.start()
        ids = {*self.approvals.ids, *self.payments.ids, *(each.request_id for each in self.patterns)}
        until(lambda: ids <= self._opened(), "an open task of each request")
        wrong = replace(self.held.payment, amount="25.00")
        until(lambda: self.held.post(Event.of(wrong, "paid")).json()["status"] == "held", "a held payment")
        self.approvals.wait()
        until(self._resolution, "the mail to the operator")

    def answer(self) -> None:
        """Answer all of them, and check that each has ended as it should."""
        self.approvals.answer()
        self.payments.answer()
        press(open_page(self._resolution()), "approve")
        until(self._patterns_ended, "the end of every pattern")
        assert self.approvals.tally().is_right
        assert self.payments.tally().is_right
        result = self.held.result()
        assert (result["status"], result["amount"]) == ("paid", "25.00")
        for each in self.patterns:
            report = each.ended_report()
            assert report
            assert (report.status, report.result) == ("succeeded", SCRIPTS[each.workflow]["happy"].result)

    def _patterns_ended(self) -> bool:
        demos = {each.request_id: each for each in self.patterns}
        for envelope in take(self.cloud, lambda envelope: envelope.get("request_id", "").startswith(self.name)):
            if demo := demos.get(envelope["request_id"]):
                demo.reply(envelope)
        for demo in self.patterns:
            demo.review()
        return all(demo.ended_report() for demo in self.patterns)

    def _opened(self) -> set[str]:
        table = aws.client("dynamodb", self.cloud.endpoint_url)
        pages = table.get_paginator("scan").paginate(TableName=self.cloud.table, ConsistentRead=True)
        return {item["request_id"]["S"] for page in pages for item in page["Items"] if item["sk"]["S"] == "TASK"}

    def _resolution(self) -> str:
        mails = Mailbox(self.cloud.mailbox_url).mails(OPERATOR)
        own = (mail.review_link for mail in mails if self.held.payment.external_id in mail.subject)
        return next(own, None) or ""


def test_executions_that_wait_end_right_when_a_release_rolls_back_and_forwards(
    cloud: Cloud, deploy: Deploy, release: Path
) -> None:
    for way, tree, each in (("back", release, BACK), ("forwards", ROOT, FORWARDS)):
        crowd = Crowd(cloud, way, each)
        crowd.wait()
        deploy(tree)
        crowd.answer()
