"""A worker: the function that a workflow's tasks for machines are handed to by invoking it."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.components.house.function_options import FunctionDefaults, FunctionOptions
from stacks.components.house.python_function import PythonFunction
from stacks.components.house.queues import DeadLetterQueue, retry_invocations


class Worker(Construct):
    """A function of the fork's own. It is invoked with the envelope, and answers at its `callback`.

    Attributes:
        function: The function: it may write its log, and whatever the fork grants it.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, workflow: str, folder: str, defaults: FunctionDefaults
    ) -> None:
        """Build the function.

        Args:
            scope: The parent.
            construct_id: The id.
            workflow: Whose tasks it works on.
            folder: Its folder under `lambdas/`.
            defaults: What it has in common with the stack's other functions.

        Raises:
            MissingSourceError: The folder has no handler.
        """
        super().__init__(scope, construct_id)
        self._name = f"{workflow}-worker-dlq"
        self._dead_letters = DeadLetterQueue(self, "DeadLetters")
        self.function = PythonFunction(
            self,
            "Worker",
            folder=folder,
            description=f"Works on what the workflow {workflow} hands to machines",
            defaults=defaults,
            options=FunctionOptions(timeout=Duration.minutes(5), dead_letter_queue=self._dead_letters),
            environment={},
        )
        retry_invocations(self.function)

    @property
    def dead_letters(self) -> dict[str, sqs.IQueue]:
        """The queue of the envelopes that it failed on for good, by its name."""
        return {self._name: self._dead_letters}
