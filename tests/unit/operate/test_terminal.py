"""Output for people on a terminal and for programs."""

import json

import pytest

from operate.terminal import Terminal, shown

COLUMNS = ("task", "status")
ROWS = (("order-1001.approval", "OPEN"), ("o-2.approval", "DECIDED"))


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)


def on_a_terminal(monkeypatch: pytest.MonkeyPatch, width: int) -> Terminal:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", str(width))
    return Terminal()


def test_piped_output_is_plain_aligned_and_never_cut(terminal: None, capsys: pytest.CaptureFixture[str]) -> None:
    long = "x" * 300
    Terminal().table(COLUMNS, [*ROWS, (long, "OPEN")])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["TASK", "STATUS"]
    assert [line.split() for line in lines[1:]] == [[*row] for row in (*ROWS, (long, "OPEN"))]
    assert len({line.index(line.split()[1], 300) for line in lines}) == 1
    assert "\x1b" not in "".join(lines)


def test_a_wide_terminal_shows_a_coloured_table(
    terminal: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    on_a_terminal(monkeypatch, 100).table(COLUMNS, ROWS)
    out = capsys.readouterr().out
    assert "─" in out
    assert "\x1b[33mOPEN" in out


def test_a_narrow_terminal_shows_blocks_with_whole_ids(
    terminal: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    on_a_terminal(monkeypatch, 24).table(COLUMNS, ROWS)
    out = capsys.readouterr().out
    assert "─" not in out
    assert "order-1001.approval" in out
    assert "…" not in out


@pytest.mark.parametrize("hostile", ["\x1b[2J", "a\rb", "a\nb", "\x07", "\u202e"])
def test_untrusted_text_controls_no_terminal(terminal: None, capsys: pytest.CaptureFixture[str], hostile: str) -> None:
    Terminal().say(f"[bold]{hostile}")
    Terminal().table(("a",), [(hostile,)])
    Terminal().error(hostile, hostile)
    said = capsys.readouterr()
    assert hostile not in said.out + said.err
    assert "[bold]" in said.out, "and it is not parsed as markup"
    assert shown(hostile).isprintable()


def test_amounts_are_readable_on_the_terminal() -> None:
    assert shown("1,249.90\u00a0EUR, 10\u202f000") == "1,249.90 EUR, 10 000"


def test_a_result_is_a_line_or_json_without_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    document = {"comment": "\x9b31mred\x85\x7f\x1b", "title": "é"}
    Terminal(as_json=True).result("done", document)
    out = capsys.readouterr().out
    assert json.loads(out) == document
    assert not any("\x7f" <= sign <= "\x9f" for sign in out)
    Terminal().result("done", document)
    assert capsys.readouterr().out == "done\n"


def test_a_progress_bar_is_shown_only_on_a_terminal(
    terminal: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert list(Terminal().track(iter("ab"), "reading", 0)) == ["a", "b"]
    assert capsys.readouterr() == ("", "")
    assert list(on_a_terminal(monkeypatch, 80).track(iter("ab"), "reading", 0)) == ["a", "b"]
    out, errors = capsys.readouterr()
    assert out == ""
    assert "reading" in errors
