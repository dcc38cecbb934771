"""How often the review page asks DynamoDB, against the most that it may."""

from collections.abc import Callable
from typing import Any

from benchmarks import simulated
from countersign.adapters.counters import DynamoCounters
from countersign.adapters.directory import DynamoDirectory
from countersign.adapters.dynamodb_ledger import DynamoLedger
from countersign.domain.clock import SystemClock
from countersign.services.limits import Limiter, Rates
from countersign.services.reviews import Reviews

MOST = {"GET": 3, "POST": 5}
"""The counters of the limits, the link and the task; a click reads the directory and writes one transaction as well."""

GENEROUS = Rates(per_source=1_000, per_token=1_000)


def measure() -> bool:
    """Print the round trips of a look and of a click; tell whether both keep the bound."""
    with simulated.dynamodb() as client:
        ledger, clock = DynamoLedger(client, simulated.TABLE), SystemClock()
        directory = DynamoDirectory(client, simulated.DIRECTORY_TABLE)
        asked, reviews = simulated.Asked.by(ledger, voters=2), Reviews(ledger, directory, clock)
        limiter = Limiter("review", GENEROUS, DynamoCounters(client, simulated.LIMITS_TABLE), clock)

        def look() -> None:
            limiter.admit("203.0.113.0/24", asked.tokens[0])
            reviews.look(asked.tokens[0])

        def click() -> None:
            limiter.admit("203.0.113.0/24", asked.tokens[0])
            reviews.decide(asked.approval(0))

        made = {"GET": operations(client, look), "POST": operations(client, click)}
    print("round trips to DynamoDB:")
    for method, sent in made.items():
        print(f"  {method:4} /review  {len(sent)} (at most {MOST[method]}): {', '.join(sent)}")
    return all(len(sent) <= MOST[method] for method, sent in made.items())


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
