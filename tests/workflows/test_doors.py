"""The examples in the docstrings of the doors."""

import textwrap
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from countersign import providers, testing, workflows
from countersign.testing import NOW


def run_example(page: str | None, **known: Any) -> dict[str, Any]:
    """Run the indented lines of a docstring with these names, and return the resulting names."""
    indented = (line for line in (page or "").splitlines() if line.startswith("    ") and "extensions." not in line)
    exec(textwrap.dedent("\n".join(indented)), known)  # noqa: S102  our own docstring  # nosec B102
    return known


def test_the_workflow_of_the_docstring_passes_the_test_of_the_docstring() -> None:
    handler = run_example(workflows.__doc__, Any=Any)["handler"]
    run_example(testing.__doc__, handler=handler)["test_a_refund_is_paid_once_it_is_approved"]()


def test_the_provider_of_the_docstring_reads_a_signed_event() -> None:
    provider = run_example(providers.__doc__, Sequence=Sequence, datetime=datetime)["PROVIDER"]
    body = b'{"id": "evt_1", "payment": "pay_1", "amount": 250000, "currency": "EUR"}'
    signature = providers.signatures.in_hex(b"s3cr3t", body)
    verified = provider.verify(providers.WebhookRequest({"Acmepay-Signature": signature}, body), ["s3cr3t"], NOW)
    assert [testing.told(event) for event in provider.translate(verified)] == [
        ("evt_1", "pay_1", "paid", "2500.00", "EUR")
    ]
