"""References between stacks: what CloudFormation would refuse in an update, and what goes stale silently."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from stacks.components.edge import review
from stacks.components.house.sources import Sources
from stacks.stage.settings import EncryptionSettings
from tests.infra.templates import DevWith, Synthesised

WEAK = {
    "Answers/Key": "the key goes with the last workflow that asks for encrypted answers",
    "AuditArchive/Bucket": "a stage can end its copies of the audit",
    "Events/Bucket": "a stage can stop keeping events",
}
"""What stacks refer to weakly, and why. An export in use would refuse to remove these. Neither is ever replaced.

CloudFormation resolves a weak reference in a deploy that changes its stack, and otherwise leaves it as it is.
"""

WITHOUT = (
    ("[patterns]\nretention_days = 7\n", ""),
    ('[providers.stripe]\nscheme = "stripe"\n', ""),
    ("[workflows]\n", "[workflows]\npayment.enabled = false\n"),
    ("[mail]\n", 'base_url = "https://approvals.example.com"\n\n[mail]\n'),
)


@pytest.fixture(scope="module")
def least(dev_with: DevWith) -> Synthesised:
    """Without a workflow of the fork, one of the kit, the patterns, the provider, a route; at an address, by mail."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(review, "_PAGES", review._PAGES[1:])
        return dev_with(*WITHOUT)


def test_only_what_the_list_says_is_referred_to_weakly_and_by_the_dashboard_all(varied: Synthesised) -> None:
    monitoring = f"{varied.settings.prefix}monitoring"
    found = {
        varied.resolve({"Fn::GetStackOutput": reference}, stack).partition(".")[0]
        for stack, template in varied.templates.items()
        if stack != monitoring
        for reference in every(template, "Fn::GetStackOutput")
    }
    assert found == WEAK.keys()
    assert not list(every(varied.templates[monitoring], "Fn::ImportValue"))


def test_no_weak_reference_is_split_which_cloudformation_does_not_do(varied: Synthesised) -> None:
    for split in every(varied.templates, "Fn::Split"):
        assert not list(every(split, "Fn::GetStackOutput"))


@pytest.mark.parametrize("added", [False, True])
def test_what_comes_and_goes_leaves_no_export_in_use(varied: Synthesised, least: Synthesised, *, added: bool) -> None:
    before, after = (least, varied) if added else (varied, least)
    assert list(refused(before, after, list(after.templates))) == []


def test_the_stage_s_key_goes_after_all_its_users(prod: Synthesised, sources: Sources, context: dict[str, Any]) -> None:
    settings = prod.settings.model_copy(update={"encryption": EncryptionSettings(customer_keys=False)})
    after = Synthesised(settings, sources, context, by_rules=False)
    assert list(refused(prod, after, list(after.templates)))
    assert list(refused(prod, after, list(reversed(after.templates)))) == []


def refused(before: Synthesised, after: Synthesised, order: list[str]) -> Iterator[str]:
    """Yield what CloudFormation refuses while the stacks are deployed in an order; the others stay as they are."""
    deployed = dict(before.templates)
    for stack in order:
        others = [template for name, template in deployed.items() if name != stack]
        used = {name for template in others for name in every(template, "Fn::ImportValue")}
        old, new = exports(deployed.get(stack, {})), exports(after.templates[stack])
        yield from (f"{name} is in use" for name in sorted(used & old.keys()) if new.get(name) != old[name])
        known = {name for template in others for name in exports(template)}
        wanted = set(every(after.templates[stack], "Fn::ImportValue"))
        yield from (f"{name} is unknown" for name in sorted(wanted - known))
        deployed[stack] = after.templates[stack]


def exports(template: Mapping[str, Any]) -> dict[str, str]:
    outputs = [output for output in template.get("Outputs", {}).values() if "Export" in output]
    return {output["Export"]["Name"]: json.dumps(output["Value"]) for output in outputs}


def every(part: Any, function: str) -> Iterator[Any]:
    """Yield the arguments of a function of CloudFormation wherever a template has it."""
    if isinstance(part, Mapping):
        if function in part:
            yield part[function]
        part = list(part.values())
    if isinstance(part, list):
        for each in part:
            yield from every(each, function)
