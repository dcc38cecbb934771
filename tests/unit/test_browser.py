"""The search for the browser of the end-to-end tests."""

from pathlib import Path

import pytest

from tools import browser


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without a browser."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setattr(browser, "MACOS_APPLICATIONS", ())
    monkeypatch.setattr(browser, "_playwrights_own", lambda: str(tmp_path / "playwright" / "chrome"))
    return tmp_path


def install(path: Path, answer: str = "Chromium 156.0", *, status: int = 0) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{answer}'\nexit {status}\n")
    path.chmod(0o755)
    return path


def test_a_named_browser_is_used_before_the_path_and_playwright(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert browser.find() is None
    for name in ("playwright/chrome", "chromium-browser", "google-chrome", "chromium"):
        assert browser.find() != (there := install(machine / name))
        assert browser.find() == there
    monkeypatch.setenv("CHROMIUM", str(named := install(machine / "mine", "Google Chrome 150")))
    assert browser.find() == named


def test_a_script_that_only_prints_advice_is_not_a_browser(machine: Path) -> None:
    install(machine / "chromium-browser", "requires the chromium snap to be installed", status=1)
    install(machine / "chromium", "install me first")
    assert browser.find() is None


@pytest.mark.parametrize(
    ("named", "said"),
    [("/nowhere/chromium", "CHROMIUM=/nowhere/chromium does not answer"), ("", "apt-get install chromium")],
)
def test_a_named_browser_that_fails_is_not_replaced_and_a_missing_one_is_reported_with_the_fix(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], named: str, said: str
) -> None:
    if named:
        install(machine / "chromium")
    monkeypatch.setenv("CHROMIUM", named)
    monkeypatch.setattr(browser, "_download", lambda: None)
    assert browser.main() == 1
    assert said in capsys.readouterr().err


def test_a_browser_that_playwright_downloads_is_used(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = machine / "playwright" / "chrome"
    monkeypatch.setattr(browser, "_download", lambda: install(own))
    assert browser.obtain() == own
