"""The time that a process takes to import `countersign.client`, which loads botocore at the first call only."""

import subprocess
import sys
from pathlib import Path
from statistics import median

_LIBRARY = Path(__file__).resolve().parents[1] / "layers/countersign/python"

ROUNDS = 21
BOUND_MILLISECONDS = 60

_PROGRAM = """import sys, time
sys.path.insert(0, sys.argv[1])
began = time.process_time()
import countersign.client
print(1_000 * (time.process_time() - began))"""


def measure() -> bool:
    """Print the processor time of the import, each in a new process; return whether it keeps its bound."""
    command = [sys.executable, "-I", "-c", _PROGRAM, str(_LIBRARY)]
    runs = (subprocess.run(command, check=True, capture_output=True, text=True).stdout for _ in range(ROUNDS))
    milliseconds = median(map(float, runs))
    print(f"import of countersign.client                  {milliseconds:.0f} ms (at most {BOUND_MILLISECONDS})")
    return milliseconds <= BOUND_MILLISECONDS
