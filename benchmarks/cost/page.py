"""The bills of one or more stages as Markdown: what `make cost` prints, and a part of docs/scale.md."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import fill

from benchmarks.cost.assumptions import (
    APPROVALS_A_SECOND,
    CALL_MS,
    LEDGER_DAYS,
    OTHER_CALL_MS,
    PROCESSOR_MS,
    PROCESSOR_MS_A_CALL,
    STREAM_SHARDS,
    TRANSACTION,
)
from benchmarks.cost.bill import AFTER, BEFORE_MAIL, MILLION, Bill
from benchmarks.cost.run import Used

FILE = Path(__file__).parents[2] / "docs" / "scale.md"
BEGIN = "<!-- From here to the end mark: `python -m benchmarks.cost --write`. -->\n"
END = "<!-- The end mark. -->\n"
_ONE: Mapping[str, str] = {
    "requests to the API": "http_requests",
    "invocations of functions": "lambda_requests",
    "seconds in functions": "busy_seconds",
    "durable operations": "durable_operations",
    "bytes of durable data": "durable_written",
    "write units of DynamoDB": "write_units",
    "… of them for the index": "index_units",
    "read units of DynamoDB": "read_units",
    "events on the bus": "events",
    "requests to SQS": "queue_requests",
    "bytes of logs": "logs_written",
    "bytes of pages and answers": "bytes_out",
    "objects with copies of the audit": "object_puts",
    "mails": "mails",
}
_MONTH: Mapping[str, tuple[str, ...]] = {
    "metrics of alarms": ("alarm_metrics",),
    "dashboard": ("dashboards",),
    "metrics of functions": ("custom_metrics",),
    "keys": ("keys",),
    "secrets": ("secrets",),
    "polls of empty queues": ("queue_requests",),
    "sweeps": ("lambda_requests", "lambda_seconds", "write_units", "read_units", "logs_written"),
}


def current(text: str, bills: Sequence[Bill]) -> str:
    """Return the text of docs/scale.md with these bills."""
    before, _, rest = text.partition(BEGIN)
    return before + BEGIN + page(bills) + END + rest.partition(END)[2]


def page(bills: Sequence[Bill]) -> str:
    """Return the sections of these stages' costs."""
    prices = bills[0].prices
    parts = [
        "## What one approval uses\n",
        _paragraph(f"""
            Counted from a run of the real handlers: one approver in a network of their own, for whom nothing else
            waits, one look at the page, one click, one `GET` of the result; {APPROVALS_A_SECOND} approvals a
            second. The requester is a service that reads the result. Telling a person the outcome is a line of its own.
        """),
        *_one(bills),
        "## What a million costs\n",
        _paragraph(f"""
            Dollars, by the list prices of {prices.region} of {prices.checked}, without free tiers. The arithmetic is
            that of `{_name(bills[-1])}`.
        """),
        *_million("approvals", bills, lambda bill: bill.approval.used),
        *_million("reminders", bills, lambda bill: bill.reminder),
        *_million("requesters told the outcome", bills, lambda bill: bill.told),
        *_million("payments, each with its event", bills, lambda bill: bill.payment),
        "## What a month without requests costs\n",
        *_table("dollars", bills, _rows(bills, _MONTH, lambda bill: bill.idle), total="in all"),
        *_assumptions(bills[-1]),
    ]
    return "\n".join(parts)


def _one(bills: Sequence[Bill]) -> Iterator[str]:
    yield f"| what | {' | '.join(map(_name, bills))} |"
    yield "|---|" + "---|" * len(bills)
    for what, name in _ONE.items():
        yield f"| {what} | {' | '.join(_number(bill.approval.used.get(name, 0)) for bill in bills)} |"
    yield ""
    each = ", ".join(f"{name} {_number(number)}" for name, number in sorted(bills[-1].approval.invocations.items()))
    yield _paragraph(f"The invocations in `{_name(bills[-1])}`: {each}.")


Row = tuple[str, list[float], str]


def _million(title: str, bills: Sequence[Bill], of: Callable[[Bill], Used]) -> Iterator[str]:
    def used(bill: Bill) -> Used:
        return {name: MILLION * quantity for name, quantity in of(bill).items()}

    before = [*_rows(bills, BEFORE_MAIL, used)]
    yield from _table(f"a million {title}", bills, before, total="before mail")[:-1]
    if title == "approvals":
        yield _row("with one record a batch", [bill.before_mail(bill.one_by_one.used) for bill in bills], "")
        yield _row("with full batches", [bill.before_mail(bill.full.used) for bill in bills], "")
        yield _row("at most", [bill.bound for bill in bills], "the bounds of `make cost`")
    after = [*_rows(bills, AFTER, used)]
    yield from (_row(*row) for row in after)
    yield _row("**in all**", _sums([*before, *after]), "")
    yield ""


def _rows(
    bills: Sequence[Bill], services: Mapping[str, tuple[str, ...]], used: Callable[[Bill], Used]
) -> Iterator[Row]:
    for service, names in services.items():
        dollars = [bill.dollars(used(bill), names) for bill in bills]
        if any(round(each, 2) for each in dollars):
            yield service, dollars, bills[-1].arithmetic(used(bills[-1]), names)


def _table(title: str, bills: Sequence[Bill], rows: Iterator[Row] | list[Row], total: str) -> list[str]:
    rows = [*rows]
    head = [f"| {title} | {' | '.join(map(_name, bills))} | arithmetic |", "|---|" + "---|" * (len(bills) + 1)]
    return [*head, *(_row(*row) for row in rows), _row(f"**{total}**", _sums(rows), ""), ""]


def _sums(rows: list[Row]) -> list[float]:
    return [sum(column) for column in zip(*(dollars for _, dollars, _ in rows), strict=True)]


def _row(what: str, dollars: Sequence[float], arithmetic: str) -> str:
    return f"| {what} | {' | '.join(f'{each:.2f}' for each in dollars)} | {arithmetic} |"


def _assumptions(bill: Bill) -> Iterator[str]:
    batches = ", ".join(f"{name} {size}" for name, size in sorted(bill.batches.items()) if size > 1) or "none"
    yield _paragraph(f"""
        The count assumes warm functions. An invocation waits {CALL_MS["dynamodb"]} ms for each call to DynamoDB,
        {CALL_MS[TRANSACTION]} ms for a transaction, {CALL_MS["sesv2"]} ms for a mail and {OTHER_CALL_MS} ms for each
        other call. On a full core, it computes for {PROCESSOR_MS} ms, and {PROCESSOR_MS_A_CALL} ms a call; functions
        have the share of a core that their memory gives them. The ledger's stream has {STREAM_SHARDS} shards, as that
        of a new table. Without a batch window, an invocation gets one record; with a window, it gets those of the
        window. In `{_name(bill)}`, these functions get more than one: {batches}. Everything in the ledger is stored for
        {LEDGER_DAYS} days. Copies of the audit, events and logs are stored for as long as the stage keeps them.
    """)
    yield _paragraph("""
        The count leaves out cold starts, retries, and requests to KMS: AWS's services cache the keys. AWS does not say
        whether the start of an execution counts as an operation: if so, a million cost 8.00 more. Nor does it say how
        often a durable execution uses a stage's own key: ten requests to KMS each would be 30.00 more.
    """)


def _paragraph(text: str) -> str:
    return fill(" ".join(text.split()), 120, break_long_words=False, break_on_hyphens=False) + "\n"


def _name(bill: Bill) -> str:
    return bill.deployed.settings.stage


def _number(quantity: float) -> str:
    return f"{quantity:,.0f}" if quantity >= 100 else f"{quantity:.1f}".removesuffix(".0")
