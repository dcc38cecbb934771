"""Find a Chromium for the browser tests, or download one.

`python -m tools.browser` prints its path. If none is installed, it lets Playwright download one.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

NAMES = ("chromium", "google-chrome", "google-chrome-stable", "chromium-browser", "chrome")
MACOS_APPLICATIONS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)

ADVICE = """\
  Debian: apt-get install chromium · Ubuntu: snap install chromium · macOS: brew install --cask google-chrome
  or name one that you have: CHROMIUM=/path/to/chromium make test"""


class BrowserError(Exception):
    """There is no usable Chromium; the message says how to get one."""


def find() -> Path | None:
    """Return the executable of a Chromium that runs: `$CHROMIUM`, one on the PATH, or Playwright's own.

    Returns:
        The executable, for Playwright's `launch(executable_path=…)`; None when this machine has none.

    Raises:
        BrowserError: `$CHROMIUM` names a program that is no Chromium or does not run.
    """
    if named := os.environ.get("CHROMIUM"):
        if _runs(named):
            return Path(named)
        raise BrowserError(f"CHROMIUM={named} does not answer --version: name a Chromium that runs, or unset it")
    return next((Path(candidate) for candidate in _candidates() if _runs(candidate)), None)


def obtain() -> Path:
    """Return a Chromium that runs; let Playwright download one if none is installed.

    Raises:
        BrowserError: None is installed, and Playwright could not get one that runs here.
    """
    if (found := find()) is not None:
        return found
    print("browser: no Chromium on this machine; asking Playwright for one", flush=True)
    _download()
    if (found := find()) is not None:
        return found
    raise BrowserError(f"the browser tests need a Chromium, and Playwright could not get one that runs here.\n{ADVICE}")


def _candidates() -> Iterator[str]:
    yield from (path for name in NAMES if (path := shutil.which(name)))
    yield from MACOS_APPLICATIONS
    # Last, because asking starts Playwright's driver.
    yield _playwrights_own()


def _playwrights_own() -> str:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        return playwright.chromium.executable_path


def _download() -> None:
    command = [sys.executable, "-m", "playwright", "install", "--no-shell", "chromium"]
    subprocess.run(command, stdin=subprocess.DEVNULL, check=False)


def _runs(executable: str) -> bool:
    """Tell whether a browser starts: Ubuntu's `chromium-browser` may be a script that only says where to get one."""
    try:
        answer = subprocess.run([executable, "--version"], capture_output=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0 and b"Chrom" in answer.stdout


def main() -> int:
    """Print the browser's path, or how to get a browser."""
    try:
        print(f"browser: {obtain()}")
    except BrowserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
