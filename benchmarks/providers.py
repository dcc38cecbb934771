"""Webhook providers: what it costs to verify and read an event, and to import the code that does.

The event is Stripe's, of 4 KiB: verified, read as strict JSON and translated, against a bare HMAC of the same bytes
followed by `json.loads`, in turn. An import is a fresh process against one that has loaded what the webhook function
has loaded by then, in processor time, so that other work on the machine does not count.
"""

import hmac
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

from countersign.providers import base
from countersign.providers.base import WebhookRequest
from countersign.testing import sign_stripe

EVENT_BYTES = 4096
ROUNDS = 30
EVENTS_A_ROUND = 200
BOUND = 4.0

IMPORTS = 15
IMPORT_BOUND_SECONDS = 0.010

SECRET = "whsec_a_secret_of_the_benchmark"  # noqa: S105  signs this event and nothing else  # nosec B105
NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)

_ROOT = Path(__file__).parent.parent


def measure() -> bool:
    """Print the ratio and the imports; tell whether both keep their bounds."""
    within = [_measure_event(), *(_measure_import(scheme) for scheme in base.schemes())]
    return all(within)


def _measure_event() -> bool:
    body = _event()
    headers = {
        **sign_stripe(SECRET, body, int(NOW.timestamp())),
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        **{f"X-Header-{number}": "of the gateway" for number in range(10)},
    }
    stripe = base.load("stripe")

    def ours() -> None:
        stripe.translate(stripe.verify(WebhookRequest(headers, body), [SECRET], NOW))

    def bare() -> None:
        hmac.new(SECRET.encode(), body, sha256).hexdigest()
        json.loads(body)

    pairs = [(_seconds(ours), _seconds(bare)) for _ in range(ROUNDS)]
    ratio = statistics.median(one / other for one, other in pairs)
    micro = 1e6 * statistics.median(one for one, _ in pairs)
    print(f"an event of Stripe's of {len(body)} bytes, {ROUNDS} rounds of {EVENTS_A_ROUND}:")
    print(
        f"  verified, read strictly, translated: {micro:.0f} µs, {ratio:.2f} x HMAC, json.loads (at most {BOUND:.0f})"
    )
    return ratio <= BOUND


def _seconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    for _ in range(EVENTS_A_ROUND):
        work()
    return (time.perf_counter() - started) / EVENTS_A_ROUND


def _event() -> bytes:
    """Return an event like those of Stripe's documents, as indented as they are sent, filled up to 4 KiB."""
    charges = [
        {"id": f"ch_{n}", "amount": 25000, "billing_details": {"address": {"city": None, "line1": None}}, "paid": True}
        for n in range(4)
    ]
    intent = {
        "id": "pi_3MtwBwLkdIwHu7ix28a3tqPa",
        "object": "payment_intent",
        "amount": 25000,
        "amount_details": {"tip": {}},
        "amount_received": 25000,
        "charges": {"object": "list", "data": charges, "has_more": False},
        "currency": "eur",
        "metadata": {f"order_{n}": f"a line of order {n}" for n in range(30)},
        "payment_method_types": ["card", "link"],
        "status": "succeeded",
    }
    event = {
        "id": "evt_1MtwBw",
        "object": "event",
        "created": int(NOW.timestamp()) - 2,
        "data": {"object": intent},
        "type": "payment_intent.succeeded",
    }
    short = len(json.dumps({**event, "filling": ""}, indent=2).encode())
    return json.dumps({**event, "filling": "x" * (EVENT_BYTES - short)}, indent=2).encode()


def _measure_import(scheme: str) -> bool:
    before = "import countersign.services.webhooks"
    script = f"{before}, countersign.providers.{scheme}"
    _processor_seconds(script)  # compiles what the measured runs import
    pairs = [(_processor_seconds(script), _processor_seconds(before)) for _ in range(IMPORTS)]
    cost = statistics.median(one - other for one, other in pairs)
    print(
        f"  import of {scheme:18} {1000 * cost:4.1f} ms over the function (at most {1000 * IMPORT_BOUND_SECONDS:.0f})"
    )
    return cost <= IMPORT_BOUND_SECONDS


def _processor_seconds(script: str) -> float:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(_ROOT / "layers/countersign/python"),
        "PYTHONPYCACHEPREFIX": str(_ROOT / "build/bench-pycache"),
    }
    before = getrusage(RUSAGE_CHILDREN)
    # -S: without site-packages, so that everything comes from the layer, as it does in Lambda.
    subprocess.run([sys.executable, "-S", "-c", script], env=environment, check=True)
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
