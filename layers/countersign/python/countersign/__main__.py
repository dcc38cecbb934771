"""`python -m countersign`, the operators' tool. Its code is in `operate/` of the checkout: no function needs it."""

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tool and return its exit status; where there is no checkout around this library, say what it needs."""
    try:
        from operate.program import main as run
    except ModuleNotFoundError as missing:
        advice = "run it in the checkout, after `make setup`: .venv/bin/python -m countersign"
        sys.stderr.write(f"error: {missing}; {advice}\n")
        return 1
    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
