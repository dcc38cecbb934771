"""How often the review page asks DynamoDB, against the least that it needs."""

from collections.abc import Callable
from typing import Any

from benchmarks import simulated
from countersign.adapters.dynamodb_ledger import DynamoLedger
from countersign.domain.clock import SystemClock
from countersign.services.reviews import Reviews
from tests.fakes import MemoryDirectory

LEAST = {"GET": 2, "POST": 3}
"""The link and the task; a click writes one transaction as well."""

SPARE = 1


def measure() -> bool:
    """Print the round trips of a look and of a click; tell whether both keep the bound."""
    with simulated.dynamodb() as client:
        ledger = DynamoLedger(client, simulated.TABLE)
        asked, reviews = simulated.Asked.by(ledger, voters=2), Reviews(ledger, MemoryDirectory(), SystemClock())
        made = {
            "GET": operations(client, lambda: reviews.look(asked.tokens[0])),
            "POST": operations(client, lambda: reviews.decide(asked.approval(0))),
        }
    print("round trips to DynamoDB:")
    for method, sent in made.items():
        most = LEAST[method] + SPARE
        print(f"  {method:4} /review  {len(sent)} (least {LEAST[method]}, at most {most}): {', '.join(sent)}")
    return all(len(sent) <= LEAST[method] + SPARE for method, sent in made.items())


def operations(client: Any, act: Callable[[], object]) -> list[str]:
    """Return the operations that a DynamoDB client sends during an act, each try of each, as botocore tells of them."""
    sent: list[str] = []

    def note(operation_name: str, **_: Any) -> None:
        sent.append(operation_name)

    client.meta.events.register("request-created.dynamodb", note)
    try:
        act()
    finally:
        client.meta.events.unregister("request-created.dynamodb", note)
    return sent
