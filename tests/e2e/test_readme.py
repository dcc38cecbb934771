"""The request that the README sends by curl, in a shell that `countersign env --local` has prepared."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

from local.client import RequestsApi
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


def test_the_request_of_the_readme_is_accepted(cloud: Cloud, requests_api: RequestsApi, tmp_path: Path) -> None:
    (commands,) = re.findall(r"^```\n(eval .*?)^```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL | re.MULTILINE)
    cloud.write(tmp_path)
    program = tmp_path / ".venv" / "bin" / "countersign"
    program.parent.mkdir(parents=True)
    program.write_text(COUNTERSIGN.format(python=shlex.quote(sys.executable), root=ROOT))
    program.chmod(0o755)
    shell = subprocess.run(["sh", "-euc", commands], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert json.loads(shell.stdout)["request_id"] == "order-1001"
    assert requests_api.report("order-1001").status == 200
