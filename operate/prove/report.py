"""The report of `prove`: each claim with its evidence, and what stays in the account."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from operate.embedded.cloud import ROOT
from operate.errors import explained
from operate.prove.run import CannotProveError, NotProvedError, Run
from operate.prove.safe import Claim


class Verdict(StrEnum):
    """The verdict on a claim."""

    PROVED = "proved"
    NOT_PROVED = "not proved"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Result:
    """The verdict on a claim.

    Attributes:
        claim: Its name.
        says: What it says.
        verdict: The verdict.
        evidence: The evidence, or the reason why it was skipped.
        seconds: How long it took.
        dollars: About what it cost.
    """

    claim: str
    says: str
    verdict: Verdict
    evidence: str
    seconds: float
    dollars: float


def proved(run: Run, claims: Mapping[str, Claim]) -> Iterator[Result]:
    """Yield the verdict on each claim."""
    for name, claim in claims.items():
        began, sent = time.monotonic(), len(run.requests)
        verdict, evidence = _verdict(run, claim)
        seconds, dollars = time.monotonic() - began, (len(run.requests) - sent) * _dollars_a_request()
        yield Result(name, says(claim), verdict, evidence, round(seconds, 1), round(dollars, 6))


@cache
def _dollars_a_request() -> float:
    """Return the dollars for a request with one mail: docs/scale.md has those for a million, by list prices."""
    found = re.search(r"\*\*in all\*\* \| [\d.]+ \| ([\d.]+)", (ROOT / "docs/scale.md").read_text("utf-8"))
    return float(found[1]) / 1_000_000 if found else 0


def says(claim: Claim) -> str:
    """Return what a claim says: the first line of its docstring."""
    return (claim.__doc__ or "").partition("\n")[0]


def _verdict(run: Run, claim: Claim) -> tuple[Verdict, str]:
    try:
        return Verdict.PROVED, claim(run)
    except CannotProveError as error:
        return Verdict.SKIPPED, str(error)
    except (NotProvedError, LookupError, OSError) as error:
        return Verdict.NOT_PROVED, str(error)
    except Exception as error:
        known = explained(error)
        if known is None:
            raise
        return Verdict.NOT_PROVED, f"{known} {known.advice}".strip()


def stays(run: Run) -> list[str]:
    """Return what a run leaves in the account."""
    stage = run.stage
    left = [
        f"{len(run.requests)} requests and their tasks in the ledger, until it removes them after 400 days",
        f"the audit entries of these tasks: {'for good' if not stage.settings.audit.keep_days else 'as long as any'}",
        f"{run.mails} mails to SES's mailbox simulator in the account's mail statistics; its rates leave them out",
    ]
    if stage.audit_bucket:
        left.append(f"the copies of these audit entries in {stage.audit_bucket}, locked like any other")
    if not stage.cloud:
        left.append("the state of the executions, until their retention ends; the alarm MailsBounced")
    return left


def write(run: Run, results: list[Result], base: Path) -> None:
    """Write the report as `<base>.json` and `<base>.md`."""
    base.parent.mkdir(parents=True, exist_ok=True)
    document = _document(run, results)
    base.with_name(f"{base.name}.json").write_text(
        json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    base.with_name(f"{base.name}.md").write_text(_page(document), encoding="utf-8")


def _document(run: Run, results: list[Result]) -> dict[str, Any]:
    return {
        "stage": run.stage.name,
        "label": run.stage.label,
        "operator": run.stage.operator,
        "at": f"{run.context.now:%Y-%m-%dT%H:%M:%SZ}",
        "seconds": round(sum(result.seconds for result in results), 1),
        "dollars": round(sum(result.dollars for result in results), 6),
        "claims": [asdict(result) for result in results],
        "stays": stays(run),
    }


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "¦")


def _page(document: Mapping[str, Any]) -> str:
    rows = [
        f"| {each['claim']} | {each['says']} | **{each['verdict']}** | {_cell(each['evidence'])} |"
        f" {each['seconds']} | {each['dollars']:.4f} |"
        for each in document["claims"]
    ]
    return "\n".join(
        (
            f"# Proof of {document['label']}",
            "",
            f"By {document['operator']} at {document['at']}.",
            "",
            f"It took {document['seconds']} seconds and about ${document['dollars']:.4f}.",
            "",
            "| claim | says | verdict | evidence | seconds | dollars |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
            "What stays in the account:",
            "",
            *(f"- {line}" for line in document["stays"]),
            "",
        )
    )
