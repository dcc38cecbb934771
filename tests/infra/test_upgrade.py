"""A fork takes a release: its files and the kit's do not meet, so that git merges them, and the result loads."""

import os
import sys
from pathlib import Path

from tests.fork import Fork, blocks

GIT = "git -c user.name=kit -c user.email=kit@example.com -c core.autocrlf=false"
FORKS_OWN = (":!settings", ":!extensions")
"""As docs/upgrading.md has them."""


def changed_by_upstream(root: Path, names: list[str]) -> None:
    """Put a line to the end of each file of text."""
    for name in names:
        content = (root / name).read_bytes()
        if b"\0" not in content:
            (root / name).write_bytes(content + b"\n")


def test_a_release_that_changes_every_file_of_the_kit_merges_into_a_fork_whose_settings_load(tmp_path: Path) -> None:
    fork = Fork.of_checkout(tmp_path / "fork")
    fork.run(f"{GIT} init -q -b fork && {GIT} add -A && {GIT} commit -qm kit && git branch kit")
    for block in blocks():
        fork.follow(block)
    fork.run("sed -i 's/@countersign.example/@shop.example/' settings/local.toml")
    fork.run(f"{GIT} add -A && {GIT} commit -qm 'Take deposits' --allow-empty")
    fork.run("git checkout -q kit")
    kits = fork.run(f"git ls-files -z -- . {' '.join(map(repr, FORKS_OWN))}").split("\0")
    changed_by_upstream(fork.root, list(filter(None, kits)))
    fork.run(f"{GIT} commit -qam release && git checkout -q fork && {GIT} merge -q --no-edit kit")
    assert fork.run("git status --porcelain") == ""
    assert set(fork.run("git diff --name-only kit").split()) <= {block.path for block in blocks()}
    code = (
        "from pathlib import Path; from stacks.stage.settings import Settings; "
        "print(*Settings.load(Path('settings/local.toml')).workflows)"
    )
    path = os.pathsep.join(str(fork.root / folder) for folder in ("", "layers/countersign/python"))
    assert "deposit" in fork.run(f'PYTHONPATH={path} {sys.executable} -c "{code}"').split()
