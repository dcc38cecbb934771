"""The requests that the documents send, in a shell that `countersign env --local` has prepared."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

from operate.embedded.cloud import ROOT, Cloud

COUNTERSIGN = """\
#!/bin/sh
exec {python} -c 'import sys; sys.path.append("{root}")
from pathlib import Path
from operate import stage
from operate.program import main
stage.HOME = Path()
sys.exit(main())' "$@"
"""


def test_the_request_of_the_readme_is_accepted(cloud: Cloud, tmp_path: Path) -> None:
    (commands,) = blocks_of("README.md", "", "eval ")
    assert json.loads(run(commands, cloud, tmp_path))["request_id"] == "order-1001"
    assert cloud.client().get("order-1001").workflow == "order-approval"


def test_the_python_of_the_page_on_deploying_starts_a_request(cloud: Cloud, tmp_path: Path) -> None:
    (program,) = blocks_of("docs/deploy.md", "python", "import os")
    (tmp_path / "call.py").write_text(program)
    commands = (
        'eval "$(.venv/bin/countersign env --local)"; '
        f"PYTHONPATH={ROOT}/layers/countersign/python {shlex.quote(sys.executable)} call.py"
    )
    assert run(commands, cloud, tmp_path) == "running\n"


def blocks_of(page: str, language: str, beginning: str) -> list[str]:
    """Return the blocks of code of a page that begin so."""
    text = (ROOT / page).read_text("utf-8")
    return re.findall(rf"^```{language}\n({beginning}.*?)^```", text, re.DOTALL | re.MULTILINE)


def run(commands: str, cloud: Cloud, tmp_path: Path) -> str:
    """Run commands in a shell, in a folder with the kit's program, and return what they print."""
    cloud.write(tmp_path)
    program = tmp_path / ".venv" / "bin" / "countersign"
    program.parent.mkdir(parents=True)
    program.write_text(COUNTERSIGN.format(python=shlex.quote(sys.executable), root=ROOT))
    program.chmod(0o755)
    return subprocess.run(["sh", "-euc", commands], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
