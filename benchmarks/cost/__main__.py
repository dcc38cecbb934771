"""Print what stages cost: `python -m benchmarks.cost [dev] [--items]`. Write docs/scale.md: `… --write`."""

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
from benchmarks.cost import page
from benchmarks.cost.bill import Bill
from benchmarks.cost.deployed import Deployed
from benchmarks.cost.prices import Prices
from stacks.components.house.sources import Sources
from stacks.stage.problems import SettingsError
from stacks.stage.settings import Settings
from tests import SETTINGS as KIT_SETTINGS

DOCUMENTED = ("dev", "prod")
"""The stages in docs/scale.md, with the kit's settings, whatever a fork has in its own."""


def bill_of(file: Path, prices: Prices) -> Bill:
    """Synthesise a stage, and return its bill."""
    settings = Settings.load(file)
    with TemporaryDirectory() as directory:
        app = App(context=json.loads(Path("cdk.json").read_text(encoding="utf-8"))["context"], outdir=directory)
        build(app, settings, Sources.of_checkout())
        return Bill(Deployed.of(settings, app), prices)


def accesses(bill: Bill) -> Iterator[str]:
    """Yield each read and write of one approval."""
    for each in bill.one_by_one.accesses:
        units = f"read {each.reads:g}, write {each.writes}, index {each.index}"
        yield f"{each.function:16} {each.call:22} {each.key[:60]:60} {each.size:6} B  {units}"


def main(
    stages: Annotated[list[str] | None, typer.Argument(help="Stages of settings/; by default dev and prod.")] = None,
    *,
    items: Annotated[bool, typer.Option("--items", help="List each read and write of one approval.")] = False,
    write: Annotated[bool, typer.Option("--write", help="Write docs/scale.md instead.")] = False,
) -> None:
    """Print what stages cost. Return 1 when a million approvals cost more than the bound of one of them."""
    prices = Prices.load()
    if warning := prices.warning(datetime.now(UTC).date()):
        print(warning, file=sys.stderr)
    names, folder = (DOCUMENTED, KIT_SETTINGS) if write else (stages or DOCUMENTED, SETTINGS)
    try:
        bills = [bill_of(folder / f"{name}.toml", prices) for name in names]
    except SettingsError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from error
    if write:
        page.FILE.write_text(page.current(page.FILE.read_text(encoding="utf-8"), bills), encoding="utf-8")
        return
    print(page.page(bills))
    if items:
        print(*accesses(bills[0]), sep="\n")
    raise typer.Exit(not all(bill.is_within for bill in bills))


if __name__ == "__main__":
    typer.run(main)
