"""The state: the ledger, the archive of its audit, the kept events, the directory, the bus, and the topic of alarms."""

from __future__ import annotations

from aws_cdk import CfnOutput
from constructs import Construct

from stacks.components.flow.hand_off import HandOffBus
from stacks.components.house.stack import HouseStack
from stacks.components.state.answers_key import AnswersKey
from stacks.components.state.audit_archive import AuditArchive
from stacks.components.state.customer_key import CustomerKey
from stacks.components.state.directory import Directory
from stacks.components.state.kept_events import KeptEvents
from stacks.components.state.ledger import Ledger
from stacks.components.watch.alarm_topic import AlarmTopic
from stacks.options import environment, removal_policy
from stacks.stage.settings import Settings


class LedgerStack(HouseStack):
    """The stateful stack. On a protected stage CloudFormation refuses to delete it.

    Attributes:
        key: The key of the stage's data; None on a stage that uses AWS's own keys.
        ledger: The ledger.
        directory: The directory.
        answers: The key of encrypted answers; None if no workflow asks for them.
        archive: The archive of the audit; None on a stage without one.
        events: The kept events; None on a stage that keeps none.
        hand_offs: The hand-off bus.
        alarms: The topic of alarms.
    """

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings) -> None:
        super().__init__(
            scope,
            construct_id,
            prefix=settings.prefix,
            env=environment(settings),
            name="ledger",
            description="the ledger of tasks and the hand-off bus",
            protected=settings.ledger.protected,
        )
        removal = removal_policy(settings)
        self.key: CustomerKey | None = None
        self.archive: AuditArchive | None = None
        self.events: KeptEvents | None = None
        if settings.encryption.customer_keys:
            names = f"{settings.prefix}*"
            self.key = CustomerKey(self, "CustomerKey", stack_names=names, removal_policy=removal)
        self.ledger = Ledger(
            self,
            "Ledger",
            protected=settings.ledger.protected,
            restored_table=settings.restored_table,
            audit_keep_days=settings.audit.keep_days,
            removal_policy=removal,
        )
        self.directory = Directory(
            self,
            "Directory",
            separate_tags=settings.directory.separate_tags,
            protected=settings.ledger.protected,
            removal_policy=removal,
        )
        self.answers = AnswersKey(self, "Answers", removal_policy=removal) if settings.has_encrypted_answers else None
        if settings.audit.object_lock_days:
            self.archive = AuditArchive(
                self,
                "AuditArchive",
                object_lock_days=settings.audit.object_lock_days,
                protected=settings.ledger.protected,
                removal_policy=removal,
            )
        if settings.keep_events_days:
            self.events = KeptEvents(
                self, "Events", keep_days=settings.keep_events_days, key=self.key, removal_policy=removal
            )
        self.hand_offs = HandOffBus(
            self,
            "HandOffs",
            name=f"{settings.prefix}hand-offs",
            archive_days=settings.hand_off.archive_days,
            removal_policy=removal,
        )
        self.alarms = AlarmTopic(
            self, "Alarms", title=settings.title, email=settings.alarms.email, removal_policy=removal
        )
        # A failed first deploy deletes its resources, except a protected table. So the tables come last.
        for each in (self.key, self.answers, self.archive, self.events, self.hand_offs, self.alarms):
            if each:
                self.directory.node.add_dependency(each)
        self.ledger.node.add_dependency(self.directory)
        CfnOutput(self, "TableName", value=self.ledger.table.table_name)
        CfnOutput(self, "DirectoryTableName", value=self.directory.table.table_name)
        CfnOutput(self, "BusName", value=self.hand_offs.bus.event_bus_name)
