"""Finding the browser that the end-to-end tests drive."""

from pathlib import Path

import pytest

from tools import browser


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No browser anywhere: an empty PATH, nothing named, and nothing of Playwright's."""
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


def test_there_may_be_none(machine: Path) -> None:
    assert browser.find() is None


@pytest.mark.parametrize("name", ["chromium", "google-chrome", "chromium-browser"])
def test_one_on_the_path_is_found(machine: Path, name: str) -> None:
    there = install(machine / name)
    assert browser.find() == there


def test_a_script_that_only_says_where_to_get_one_is_not_a_browser(machine: Path) -> None:
    install(machine / "chromium-browser", "requires the chromium snap to be installed", status=1)
    install(machine / "chromium", "install me first")
    assert browser.find() is None


def test_playwrights_own_is_the_last_resort(machine: Path) -> None:
    own = install(machine / "playwright" / "chrome")
    assert browser.find() == own
    assert browser.find() != install(machine / "chromium")
    assert browser.find() == machine / "chromium"


def test_a_named_one_comes_first(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(machine / "chromium")
    named = install(machine / "mine", "Google Chrome 150")
    monkeypatch.setenv("CHROMIUM", str(named))
    assert browser.find() == named


def test_a_named_one_that_does_not_run_is_an_error_and_not_replaced(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(machine / "chromium")
    monkeypatch.setenv("CHROMIUM", "/nowhere/chromium")
    assert browser.main() == 1
    assert "CHROMIUM=/nowhere/chromium does not answer" in capsys.readouterr().err


def test_where_none_can_be_had_it_says_how_to_get_one(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(browser, "_download", lambda: None)
    assert browser.main() == 1
    assert "apt-get install chromium" in capsys.readouterr().err


def test_one_that_playwright_downloads_will_do(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = machine / "playwright" / "chrome"
    monkeypatch.setattr(browser, "_download", lambda: install(own))
    assert browser.obtain() == own
