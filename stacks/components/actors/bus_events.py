"""Results: answers of machines that come as events, on the kit's bus and on those of partners."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_events as events
from constructs import Construct

from stacks.components.flow.hand_off import Channel, HandOffBus
from stacks.components.house.alarm import Alarm, Watch
from stacks.components.house.function_options import FunctionDefaults, FunctionOptions
from stacks.components.house.python_function import PythonFunction
from stacks.components.house.queues import grant_send
from stacks.components.state.ledger import Ledger
from stacks.stage.policies import compact
from stacks.stage.providers import PartnerSettings

RESULT = "TaskResult"
"""The detail-type of a machine's answer."""


class Results(Construct):
    """Answers on the bus, and events of partners → queue → function.

    Attributes:
        function: The function.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        ledger: Ledger,
        hand_offs: HandOffBus,
        partners: Mapping[str, PartnerSettings],
        defaults: FunctionDefaults,
    ) -> None:
        """Build the queue, its rules and the function.

        Args:
            scope: The parent.
            construct_id: The id.
            ledger: Where the answers go.
            hand_offs: The kit's bus.
            partners: Providers whose events come over EventBridge, by name; each gets the bus of its event source.
            defaults: What it has in common with the stack's other functions.

        Raises:
            MissingSourceError: Our library does not know the scheme of a partner.
        """
        super().__init__(scope, construct_id)
        timeout = Duration.seconds(30)
        self._channel = Channel(
            self,
            "Inbound",
            name="results",
            description="Answers of machines that come as events, for the results function",
            bus=hand_offs.bus,
            pattern=events.EventPattern(detail_type=[RESULT]),
            consumer_timeout=timeout,
        )
        for name, partner in partners.items():
            self._take_from(name, partner)
        given_up = self._channel.work.dead_letter_queue
        self.function = PythonFunction(
            self,
            "Results",
            folder="bus_events",
            description="Records what machines answer as events",
            defaults=defaults,
            options=FunctionOptions(timeout=timeout),
            environment={
                "LEDGER_TABLE": ledger.table.table_name,
                "DEAD_LETTERS_URL": given_up.queue_url,
                **self._known(partners, defaults),
            },
        )
        ledger.grant_answers(self.function)
        grant_send(given_up, self.function)
        self._channel.work.feed(self.function)
        conflicts = self.function.metric_count("ResultsConflict")
        Watch(
            self,
            "Payments",
            graphs={"For a person to look at": [conflicts]},
            alarms=[
                Alarm(
                    "ResultsConflict",
                    conflicts,
                    "A partner sent two events under one id, and the kit did not apply the second one. First ask the"
                    " partner which is true",
                )
            ],
        )

    def _take_from(self, name: str, partner: PartnerSettings) -> None:
        construct_id = name.title().replace("-", "")
        # Making a bus of the event source's name is what accepts it; until then the partner's events go nowhere.
        bus = events.EventBus(self, f"{construct_id}Bus", event_source_name=partner.event_source)
        self._channel.take(f"{construct_id}Rule", events.EventPattern(source=[partner.event_source]), bus)

    def _known(self, partners: Mapping[str, PartnerSettings], defaults: FunctionDefaults) -> dict[str, str]:
        """Return the variable that tells the function of the partners; none where there are none."""
        known = {
            partner.event_source: {"name": name, "scheme": defaults.sources.scheme(partner.scheme), **partner.expects}
            for name, partner in partners.items()
        }
        return {"PARTNERS": compact(known)} if known else {}
