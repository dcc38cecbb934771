"""The cold starts of the public functions against a bare script that imports boto3 and makes two clients.

Both run as fresh processes on the built layers, in turn, so that a machine that slows down slows both.
"""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

RUNS = 15
BOUND = 1.25

_ROOT = Path(__file__).parent.parent
_LAYERS = (_ROOT / "build/vendor-layer/python", _ROOT / "layers/countersign/python", _ROOT / "lambdas")

BARE = "import boto3; boto3.client('lambda'); boto3.client('dynamodb')"
WEBHOOK = "import webhook.handler; webhook.providers.webhooks()"
REVIEW = "import review.handler; review.review.reviews()"
WITH_PAGE = f"{REVIEW}; review.pages.problem_page('unknown_link')"


def measure() -> bool:
    """Print the medians and ratios; tell whether import and clients of both functions keep the bound."""
    seconds: dict[str, list[float]] = {BARE: [], WEBHOOK: [], REVIEW: [], WITH_PAGE: []}
    for script in seconds:
        _run(script)  # compiles what the measured runs import
    for _ in range(RUNS):
        for script, runs in seconds.items():
            runs.append(_run(script))
    ratios = {script: _ratio(runs, seconds[BARE]) for script, runs in seconds.items()}
    print(f"cold start, medians of {RUNS} fresh processes each, in turn; ratios are medians of the pairs:")
    print(f"  boto3 with lambda and dynamodb clients   {_milliseconds(seconds[BARE]):4.0f} ms")
    for name, script in (("webhook", WEBHOOK), ("review", REVIEW)):
        print(
            f"  {name + ': import and clients':39}  {_milliseconds(seconds[script]):4.0f} ms"
            f"  {ratios[script]:.2f} x (at most {BOUND})"
        )
    print(
        f"  review: and its first page rendered      {_milliseconds(seconds[WITH_PAGE]):4.0f} ms"
        f"  {ratios[WITH_PAGE]:.2f} x"
    )
    return max(ratios[WEBHOOK], ratios[REVIEW]) <= BOUND


def _run(script: str) -> float:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(map(str, _LAYERS)),
        "PYTHONPYCACHEPREFIX": str(_ROOT / "build/bench-pycache"),
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",  # of no account  # nosec B105
        "LEDGER_TABLE": "bench",
        "DIRECTORY_TABLE": "bench",
        "BASE_URL": "https://bench.example.com",
        "POWERTOOLS_SERVICE_NAME": "bench",
        "POWERTOOLS_METRICS_NAMESPACE": "Countersign",
    }
    started = time.perf_counter()
    # -S: without site-packages, so that everything comes from the layers, as it does in Lambda.
    subprocess.run([sys.executable, "-S", "-c", script], env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def _ratio(runs: list[float], base: list[float]) -> float:
    return statistics.median(run / other for run, other in zip(runs, base, strict=True))


def _milliseconds(runs: list[float]) -> float:
    return 1000 * statistics.median(runs)
