"""The cold starts of the public functions, against a bare script that imports boto3 and makes two clients.

All run as fresh processes on the built layers, in turn. Their processor time is measured, so that other work on the
machine does not count.
"""

import os
import statistics
import subprocess
import sys
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

RUNS = 15
BOUND = 1.25

_ROOT = Path(__file__).parent.parent
_LAYERS = (_ROOT / "build/vendor-layer/python", _ROOT / "layers/countersign/python", _ROOT / "lambdas")

_WEBHOOK = "import webhook.handler; webhook.providers.webhooks()"
_REVIEW = "import review.handler; review.review.reviews()"

BARE = "boto3 with lambda and dynamodb clients"
WEBHOOK, REVIEW = "webhook: import and clients", "review: import and clients"
SCRIPTS = {
    BARE: "import boto3; boto3.client('lambda'); boto3.client('dynamodb')",
    WEBHOOK: _WEBHOOK,
    REVIEW: _REVIEW,
    "webhook: and a provider": f"{_WEBHOOK}; import countersign.providers.stripe",
    "review: and its first page rendered": f"{_REVIEW}; review.pages.problem_page('unknown_link')",
}


def measure() -> bool:
    """Print the medians and ratios; return whether import and clients of both functions keep the bound."""
    for script in SCRIPTS.values():
        _run(script)  # compiles what the measured runs import
    rounds = [{name: _run(script) for name, script in SCRIPTS.items()} for _ in range(RUNS)]
    ratios = {name: statistics.median(seconds[name] / seconds[BARE] for seconds in rounds) for name in SCRIPTS}
    print(f"cold start, processor time, medians of {RUNS} fresh processes each, in turn; ratios, of the pairs:")
    for name, ratio in ratios.items():
        milliseconds = 1000 * statistics.median(seconds[name] for seconds in rounds)
        bound = f" (at most {BOUND})" if name in (WEBHOOK, REVIEW) else ""
        print(f"  {name:39}  {milliseconds:4.0f} ms  {ratio:.2f} x{bound}")
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
        "METRICS_STAGE": "bench",
    }
    before = getrusage(RUSAGE_CHILDREN)
    # -S: without site-packages, so that everything comes from the layers, as it does in Lambda.
    subprocess.run([sys.executable, "-S", "-c", script], env=environment, check=True, stdout=subprocess.DEVNULL)
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
