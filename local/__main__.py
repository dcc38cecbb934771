"""`python -m local`. From its first moment a signal unwinds it, so that it stops the processes that it started."""

import signal
import sys
from types import FrameType

_came: list[int] = []


def _end(number: int, _: FrameType | None) -> None:
    """Unwind. Python's own handling of Ctrl-C would kill an import, or leave the import as another error."""
    _came.append(number)
    signal.setitimer(signal.ITIMER_REAL, 1, 1)
    sys.exit()


def _end_again(_: int, __: FrameType | None) -> None:
    """Unwind again if nothing unwinds: a callback of the interpreter, such as an import's, swallows an exception."""
    if sys.exc_info()[0] is None:
        sys.exit()


def main() -> int:
    """Run the command line and return its exit status: after a signal, what shells report for one."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    signal.signal(signal.SIGALRM, _end_again)
    try:
        from local.program import main as run  # takes a moment, in which a signal may come

        status = run()
    except BaseException:
        if not _came:
            raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    if not _came:
        return status
    sys.stdout.write("\n  Stopped.\n")
    return 128 + _came[0]


if __name__ == "__main__":
    sys.exit(main())
