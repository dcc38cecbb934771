"""The cold starts of functions, each to the end of its first invocation, against boto3 with two clients.

All run as deployed: the assets as synthesised, read-only, without other bytecode, on the functions' Python, each
in a new process, in turn. Processor time counts, so that other work on the machine does not. The bounds are those of
whole processes. Beside them stands the time until the first answer, without the end of the process, which Lambda never
reaches. On Lambda a cold start takes longer: its processor is slower, and it has a network.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from typing import Any

from benchmarks.deployed import Function, functions
from countersign.adapters.attributes import to_item
from countersign.adapters.dynamodb_ledger import DynamoLedger
from countersign.adapters.task_items import task_document
from countersign.domain.links import Link
from countersign.domain.questions import Correlation
from countersign.domain.tokens import mint
from countersign.testing import any_decided_task, any_payment_task, any_task, http_event
from countersign.testing.builders import APPROVER, any_envelope, sqs_event, stream_event, stream_record
from countersign.testing.deliveries import STRIPE
from tools.bytecode import FUNCTIONS_AT, add_bytecode, missing_runtime

ROUNDS = 21

Seconds = tuple[float, float]
"""The processor time of a whole process, and that until its answer."""

_BARE = "import boto3\n\nboto3.client('lambda')\nboto3.client('dynamodb')\nhandler = None\n"
_FIRST_INVOCATION = Path(__file__).with_name("first_invocation.py")


@dataclass(frozen=True)
class Start:
    """A cold start.

    Attributes:
        what: Its first invocation, in words.
        handler: The entry point in Lambda's notation.
        bound: The highest ratio to the first cold start, that of boto3; None without a bound.
        event: The event of the invocation; None if only the import is measured.
        answer: Members of the expected answer.
        items: The ledger's items, by their keys.
    """

    what: str
    handler: str
    bound: float | None = None
    event: Mapping[str, Any] | None = None
    answer: Mapping[str, Any] = field(default_factory=dict)
    items: Mapping[str, Any] = field(default_factory=dict)


def measure() -> bool:
    """Print the medians and ratios; return whether each cold start keeps its bound."""
    if warning := missing_runtime():
        print(f"cold starts are not measured: only the functions' Python runs the bytecode that they have\n{warning}")
        return False
    starts = _starts()
    with tempfile.TemporaryDirectory() as folder:
        deployed = functions(Path(folder))
        deployed[starts[0].handler] = _bare(Path(folder), deployed[starts[1].handler])
        rounds = [_round(starts, deployed) for _ in range(ROUNDS + 1)][1:]  # the first reads the files from the disk
    print(f"cold start, processor time, medians of {ROUNDS} new processes each, in turn; ratios, of the pairs:")
    print(f"  {'':46} {'process':>16} {'until the answer':>19}")
    within = [_is_within(start, rounds, place) for place, start in enumerate(starts)]
    return all(within)


def _is_within(start: Start, rounds: list[list[Seconds]], place: int) -> bool:
    """Print the figures of a cold start; return whether it keeps its bound."""
    ratios = [statistics.median(each[place][part] / each[0][part] for each in rounds) for part in (0, 1)]
    times = [1000 * statistics.median(each[place][part] for each in rounds) for part in (0, 1)]
    name = f"{start.handler.partition('.')[0]}: {start.what}"
    bound = f"  (process: at most {start.bound:.2f})" if start.bound else ""
    figures = (f"{time:4.0f} ms  {ratio:.2f} x" for time, ratio in zip(times, ratios, strict=True))
    print(f"  {name:46}   {'   '.join(figures)}{bound}")
    return start.bound is None or ratios[0] <= start.bound


def _round(starts: list[Start], deployed: Mapping[str, Function]) -> list[Seconds]:
    """Return the processor time of each cold start."""
    return [_seconds(deployed[each.handler], _told(each)) for each in starts]


def _bare(folder: Path, other: Function) -> Function:
    """Make a function that does no more than to make two clients of boto3, with the layers of another one."""
    code = folder / "bare"
    code.mkdir()
    (code / "bare.py").write_text(_BARE)
    add_bytecode(code, FUNCTIONS_AT)
    return replace(other, code=code)


def _told(start: Start) -> str:
    """Return the standard input of a first invocation."""
    told = {"event": start.event, "answer": start.answer, "items": start.items}
    secret = json.dumps({"active": [STRIPE.secret]})
    return json.dumps({**told, "module": start.handler.rpartition(".")[0], "secret": secret})


def _seconds(function: Function, told: str) -> Seconds:
    paths = f"{function.code}:{function.layers / 'python'}"
    before = getrusage(RUSAGE_CHILDREN)
    # -S -P: everything comes from the assets, as it does in Lambda. -B: no bytecode but that of the assets.
    ended = subprocess.run(
        [sys.executable, "-S", "-P", "-B", str(_FIRST_INVOCATION)],
        env={**function.environment, "PYTHONPATH": paths},
        input=told,
        text=True,
        check=True,
        capture_output=True,
    )
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, float(ended.stderr)


def _starts() -> list[Start]:
    """Return the cold starts to measure; each event is one that the function of the benchmark's stage receives."""
    now = datetime.now(UTC)
    until = now + timedelta(hours=1)
    token, fingerprint = mint()
    approval = any_task(expires_at=until, max_expires_at=until)
    intent = json.loads(STRIPE.body)["data"]["object"]
    money = Correlation("stripe", intent["id"], Decimal("250.00"), "EUR")
    payment = any_payment_task(expires_at=until, max_expires_at=until, correlation=money)
    decided = any_decided_task()
    ledgers = (_Recorder(), _Recorder())
    DynamoLedger(ledgers[0], "ledger").put_link(Link(fingerprint, approval.task_id, APPROVER), until)
    for task, table in ((approval, ledgers[0]), (payment, ledgers[0]), (decided, ledgers[1])):
        DynamoLedger(table, "ledger").open(task, (), now)
    items, items_of_decided = (table.items for table in ledgers)

    browser = {"accept": "text/html,application/xhtml+xml"}
    page = http_event("GET", "/review", query={"t": token}, headers=browser)
    unknown = http_event("GET", "/nowhere", headers=browser)
    signed = {**STRIPE.sign(STRIPE.secret, STRIPE.body, int(time.time())), "content-type": "application/json"}
    route = {"routeKey": "POST /webhooks/{provider}", "pathParameters": {"provider": "stripe"}}
    event = http_event("POST", "/webhooks/stripe", STRIPE.body.decode(), headers=signed) | route
    recorded = {"statusCode": 200, "body": json.dumps({"status": "recorded"})}
    hand_off = sqs_event(any_envelope(task={"title": "", "recipients": [APPROVER]}))
    decision = stream_event(stream_record(to_item(task_document(decided))))
    done: dict[str, Any] = {"batchItemFailures": []}
    return [
        Start("boto3 with two clients", "bare.handler"),
        Start("the first review page", "review.handler.handler", 1.0, page, {"statusCode": 200}, items),
        Start("the page of an unknown path", "review.handler.handler", None, unknown, {"statusCode": 404}),
        Start("the first verified event", "webhook.handler.handler", 1.0, event, recorded, items),
        Start("the first message", "approver.handler.handler", None, hand_off, done, items),
        Start("the first ring", "relay.handler.handler", None, decision, done, items_of_decided),
        Start("import", "order_approval.handler.handler", 1.35),
    ]


class _Recorder:
    """A client of DynamoDB that keeps what is put, by the keys."""

    def __init__(self) -> None:
        self.items: dict[str, Any] = {}

    def put_item(self, *, Item: Mapping[str, Any], **_: Any) -> None:  # noqa: N803  boto3's own
        """Keep an item."""
        self.items["|".join(Item[name]["S"] for name in ("pk", "sk"))] = Item

    def transact_write_items(self, *, TransactItems: list[dict[str, Any]]) -> None:  # noqa: N803  boto3's own
        """Keep the items of a transaction."""
        for write in TransactItems:
            self.put_item(**write["Put"])
