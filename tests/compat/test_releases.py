"""Releases understand each other's items and envelopes, in both directions."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import botocore
import pytest

from benchmarks.soak.samples import Sample, sampled
from countersign.adapters import keys
from countersign.adapters.dynamodb import SCHEMA_VERSION
from countersign.services.lifecycle_events import REQUEST_ENDED
from tools import release
from tools.sealed import require_sealed

KNOWN = ("requested", "reminder", "escalated", "inbox", "held")
"""The hand-offs that every release knows. Others stay in the dead letters of an earlier approver, for a redrive."""

RECORDED = sorted(folder.parent for folder in release.RELEASES.glob("*/SHA256SUMS"))


@pytest.fixture(scope="module")
def written() -> list[Sample]:
    """What today's code writes."""
    return sampled()[0]


@pytest.fixture(scope="module")
def this_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The release that today's code would be."""
    folder = tmp_path_factory.mktemp("compat") / "9.9.9"
    release.record("9.9.9", folder)
    return folder


def _is_known(envelope: Mapping[str, Any]) -> bool:
    """Whether every release reads an envelope or a lifecycle event; only workers read those with heartbeats."""
    if "heartbeat_seconds" in envelope.get("callback", {}) or envelope["kind"] == REQUEST_ENDED:
        return False
    return "." not in envelope["kind"] or envelope["kind"].endswith(KNOWN)


def samples_of(folder: Path) -> list[dict[str, Any]]:
    recorded: list[dict[str, Any]] = json.loads((folder / "samples.json").read_text("utf-8"))
    return recorded


@pytest.mark.parametrize("folder", RECORDED, ids=lambda folder: folder.name)
def test_today_s_code_reads_what_a_release_wrote(folder: Path) -> None:
    for sample in samples_of(folder):
        assert release.todays(sample["items"], sample["envelopes"])["facts"] == sample["facts"]


@pytest.mark.parametrize("folder", RECORDED, ids=lambda folder: folder.name)
def test_a_release_reads_what_today_s_code_writes(folder: Path, written: list[Sample]) -> None:
    for sample in written:
        items = [
            each for each in sample.items if "envelope" not in each or _is_known(json.loads(each["envelope"]["S"]))
        ]
        today = release.todays(items, [each for each in sample.envelopes if _is_known(each)])
        assert release.read_with(folder, today) == today["facts"]


@pytest.mark.parametrize("folder", RECORDED, ids=lambda folder: folder.name)
def test_a_release_is_as_it_was_recorded(folder: Path) -> None:
    require_sealed(folder)


def test_every_item_and_envelope_has_the_schema_version_of_its_writer(written: list[Sample]) -> None:
    items = [item for sample in written for item in sample.items]
    assert {item["v"]["N"] for item in items} == {str(SCHEMA_VERSION)}
    assert {envelope["version"] for sample in written for envelope in sample.envelopes} == {1}


def test_the_samples_have_every_kind_of_item(written: list[Sample]) -> None:
    places = {kind[:2] for sample in written for kind in sample.kinds}
    partitions = {keys.TASK, keys.AUDIT, keys.REQUEST, keys.EXTERNAL, keys.EVENT, keys.LINK}
    partitions |= {keys.STATUS_LINK, keys.TOKEN}
    assert {first for first, _ in places} >= {prefix.rstrip("#") for prefix in partitions}
    parts = {keys.OUTBOX, keys.SENT, keys.RESPONSE, keys.INBOX, keys.PARKED}
    assert {second for _, second in places} >= {prefix.rstrip("#") for prefix in parts}


def test_a_release_has_a_small_library_that_reads_its_own_samples(this_release: Path) -> None:
    require_sealed(this_release)
    (wheel,) = this_release.glob("*.whl")
    assert wheel.stat().st_size < 1_000_000
    first, *_ = samples_of(this_release)
    assert release.read_with(this_release, first) == first["facts"]


def test_the_client_of_a_release_needs_the_wheel_and_botocore_only(this_release: Path, tmp_path: Path) -> None:
    (wheel,) = this_release.glob("*.whl")
    for name in ("botocore", "jmespath", "dateutil", "urllib3", "six.py"):
        (tmp_path / name).symlink_to(Path(botocore.__file__).parents[1] / name)
    program = f"""import sys; sys.path += [{str(wheel)!r}, {str(tmp_path)!r}]
from countersign.client import Client, UnavailableError
client = Client("http://127.0.0.1:9", region="eu-central-1")
client._session.set_credentials("AKIA1", "s")
client._pause = lambda seconds: None
try: client.get("r1")
except UnavailableError as error: print(error.status)
"""
    alone = subprocess.run([sys.executable, "-I", "-S", "-c", program], check=True, capture_output=True, text=True)
    assert alone.stdout == "0\n"


def test_a_release_needs_a_new_number_and_documents(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "0.2.0"\n')
    (tmp_path / "CHANGELOG.md").write_text("\n## [Unreleased]\n")
    (tmp_path / "docs" / "upgrading.md").write_text("\n## Releases\n")
    problems = {"2": "three numbers", "0.3.0": 'write version = "0.3.0"', "0.2.0": "CHANGELOG.md has no section"}
    for version, problem in problems.items():
        with pytest.raises(release.ReleaseError, match=problem):
            release.require_ready(version, tmp_path)
    (tmp_path / "CHANGELOG.md").write_text("\n## [0.2.0] - 2026-12-01\n")
    with pytest.raises(release.ReleaseError, match=r"docs/upgrading\.md has no section"):
        release.require_ready("0.2.0", tmp_path)
    (tmp_path / "docs" / "upgrading.md").write_text("\n### 0.2.0\n")
    release.require_ready("0.2.0", tmp_path)
    (tmp_path / "tests" / "compat" / "0.2.0").mkdir(parents=True)
    with pytest.raises(release.ReleaseError, match="recorded already"):
        release.require_ready("0.2.0", tmp_path)
