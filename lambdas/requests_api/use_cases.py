"""The use cases of the `requests` function with their ports."""

from countersign.composition import Ports, once
from countersign.domain.policy import Policy
from countersign.services.caller_rules import CallerRules
from countersign.services.cancellations import Cancellations
from countersign.services.lists import Lists
from countersign.services.submissions import Startable, Submissions
from countersign.services.waiting import Waiting


@once
def rules(ports: Ports) -> CallerRules:
    """Return the stage's rules for callers, in the table `requests`."""
    return CallerRules.from_document(ports.environment.table("requests"))


@once
def submissions(ports: Ports) -> Submissions:
    """Return the use case with its ports.

    The table `workflows` has, by workflow, its `function`, its `deadline_seconds`, its `contract` and whether it is
    `retired`; `policies` the rows of each workflow with a policy. The variable TELL_ERRORS is set on the embedded cloud
    only.
    """
    table = ports.environment.table
    workflows = table("workflows")
    policies = {name: Policy.from_document(rows) for name, rows in table("policies").items()}
    startable = {
        name: Startable(
            int(workflow["deadline_seconds"]), workflow["contract"], policies.get(name), workflow["retired"]
        )
        for name, workflow in workflows.items()
    }
    return Submissions(
        ports.ledger,
        ports.starter({name: workflow["function"] for name, workflow in workflows.items()}),
        ports.directory,
        ports.clock,
        startable,
        rules(),
        tells_errors=bool(ports.environment.text("TELL_ERRORS", "")),
    )


@once
def waiting(ports: Ports) -> Waiting:
    """Return the use case with its ports."""
    return Waiting(ports.ledger, ports.places, ports.clock)


@once
def lists(ports: Ports) -> Lists:
    """Return the use case with its ports."""
    return Lists(ports.ledger, tuple(ports.environment.table("workflows")))


@once
def cancellations(ports: Ports) -> Cancellations:
    """Return the use case with its ports."""
    return Cancellations(ports.ledger, ports.clock)
