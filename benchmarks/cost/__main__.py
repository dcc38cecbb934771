"""Print what a stage costs: `python -m benchmarks.cost dev [--items]`; write docs/scale.md: `… --write`."""

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from aws_cdk import App

from app import SETTINGS, build
from benchmarks.cost import assumptions
from benchmarks.cost.bill import AFTER, Bill, Line
from benchmarks.cost.deployed import Deployed
from benchmarks.cost.prices import Prices
from benchmarks.cost.run import Used
from stacks.components.house.sources import Sources
from stacks.stage.problems import SettingsError
from stacks.stage.settings import Settings


def synthesised(file: Path, directory: str) -> Deployed:
    """Synthesise a stage."""
    settings = Settings.load(file)
    app = App(context=json.loads(Path("cdk.json").read_text(encoding="utf-8"))["context"], outdir=directory)
    build(app, settings, Sources.of_checkout())
    return Deployed(settings, app, app.synth())


def report(bill: Bill) -> Iterator[str]:
    """Yield the lines that `make cost` prints."""
    prices, settings = bill.prices, bill.deployed.settings
    yield f"stage {settings.stage}, dollars: list prices of {prices.region} of {prices.checked}, without free tiers"
    yield from _million(bill, "approvals, at ten a second", bill.approval.used)
    within = "within" if bill.is_within else "ABOVE"
    yield f"  before mail: {within} the bound of {bill.bound}"
    for load, counted in (("one record a batch", bill.one_by_one), ("full batches", bill.full)):
        yield f"  before mail, with {load}: {bill.before_mail(counted.used):.2f}"
    calls = ", ".join(f"{name} {number:g}" for name, number in sorted(bill.approval.invocations.items()))
    yield f"  invocations of one: {calls}"
    yield from _million(bill, "reminders", bill.reminder)
    yield from _million(bill, "payments", bill.payment.used)
    yield from ("", "a month, without any request:", *map(_row, bill.fixed))
    yield f"  {'sum':22} {sum(line.dollars for line in bill.fixed):8.2f}"
    yield from ("", "assumptions (benchmarks/cost/assumptions.py):")
    for name, value in vars(assumptions).items():
        if name.isupper() and isinstance(value, int | float):
            yield f"  {name} = {value:g}"
    sizes = ", ".join(f"{name} {size}" for name, size in bill.batches.items())
    yield f"  records in a batch at {assumptions.APPROVALS_A_SECOND} a second: {sizes}"


def _million(bill: Bill, title: str, used: Used) -> Iterator[str]:
    yield from ("", f"a million {title}:", *map(_row, bill.lines(used)))
    before, after = bill.before_mail(used), bill.lines(used, AFTER)
    yield _row(Line("before mail", before, ""))
    yield from map(_row, after)
    yield _row(Line("in all", before + sum(line.dollars for line in after), ""))


def _row(line: Line) -> str:
    return f"  {line.service:22} {line.dollars:8.2f}   {line.arithmetic}".rstrip()


def accesses(bill: Bill) -> Iterator[str]:
    """Yield each read and write of one approval."""
    for each in bill.one_by_one.accesses:
        units = f"read {each.reads:g}, write {each.writes}, index {each.index}"
        yield f"  {each.function:16} {each.call:22} {each.key[:60]:60} {each.size:6} B  {units}"


def main(
    stage: Annotated[str, typer.Argument(help="A stage of settings/.")] = "dev",
    *,
    items: Annotated[bool, typer.Option("--items", help="List each read and write of one approval.")] = False,
) -> None:
    """Print what a stage costs; return 1 when a million approvals cost more than the bound."""
    prices = Prices.load()
    if warning := prices.warning(datetime.now(UTC).date()):
        print(warning, file=sys.stderr)
    with TemporaryDirectory() as directory:
        try:
            bill = Bill(synthesised(SETTINGS / f"{stage}.toml", directory), prices)
        except SettingsError as error:
            print(f"error: {error}", file=sys.stderr)
            raise typer.Exit(2) from error
        print("\n".join((*report(bill), *(accesses(bill) if items else ()))))
    raise typer.Exit(not bill.is_within)


if __name__ == "__main__":
    typer.run(main)
