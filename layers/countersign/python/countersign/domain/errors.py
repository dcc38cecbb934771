"""Every error of the kit. Its branch of the tree says who must act.

`ContractError`: the sender, who must send something else. `ActionRefusedError`: nobody; a person, a machine or an
operator may not do this to a task. `WorkflowError`: the author or the caller of a workflow that cannot continue.
`ConfigurationError`: an operator. `TransientError`: nobody; the same call may succeed later.

Standard library only: this module is at the bottom of every import.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class CountersignError(Exception):
    """The root of all errors that the kit raises on purpose."""


class ContractError(CountersignError):
    """A document breaks a contract.

    Attributes:
        pointer: JSON pointer (RFC 6901) to the problem; empty for the whole document.
        reason: The problem and what is allowed, without the value.
    """

    def __init__(self, reason: str, pointer: str = "") -> None:
        super().__init__(f"{pointer or 'body'}: {reason}")
        self.pointer = pointer
        self.reason = reason

    @property
    def problems(self) -> tuple[ContractError, ...]:
        """Everything that is wrong, in the order in which it was found."""
        return (self,)


class MalformedBodyError(ContractError):
    """The bytes are not the strict JSON that this API reads."""


class BodyTooLargeError(ContractError):
    """The body is larger than the cap of every route, in bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the body is larger than {limit} bytes")
        self.limit = limit


class UnknownWorkflowError(ContractError):
    """No workflow of that name is deployed."""

    def __init__(self) -> None:
        super().__init__("no workflow of that name is deployed", "/workflow")


class RetiredWorkflowError(ContractError):
    """The workflow finishes its executions and takes no new requests."""

    def __init__(self) -> None:
        super().__init__("the workflow is retired and takes no new requests", "/workflow")


class UncoveredAmountError(ContractError):
    """No row of the policy covers this amount in this currency."""

    def __init__(self, covered: tuple[str, ...]) -> None:
        super().__init__(f"no row of the policy covers this amount; covered are {', '.join(covered)}", "/input/amount")
        self.covered = covered


class SeveralProblemsError(ContractError):
    """A document has several problems; `reason` and `pointer` are those of the first."""

    def __init__(self, problems: tuple[ContractError, ...]) -> None:
        super().__init__(problems[0].reason, problems[0].pointer)
        self._problems = problems

    @property
    def problems(self) -> tuple[ContractError, ...]:
        """Everything that is wrong, in the order in which it was found."""
        return self._problems


class AnswerRefusedError(SeveralProblemsError):
    """A machine's answer breaks the contract of its task; the audit records the attempt."""


class PlainAnswerError(ContractError):
    """The answer to an encrypted task came over the bus, whose dead letters would keep it in plain text."""

    def __init__(self) -> None:
        super().__init__("the task's answers are encrypted: they come to /callbacks, with its token", "/detail/task_id")


class UnknownTokenError(CountersignError):
    """No callback has this token."""


class UnknownProviderError(CountersignError):
    """No provider of webhooks has this name."""


class CallerRefusedError(CountersignError):
    """The stage takes the requester from the caller's session, and the session name is not an e-mail address."""


class WorkflowNotAllowedError(ContractError):
    """The stage's settings list other workflows for the caller's role."""

    def __init__(self, allowed: tuple[str, ...]) -> None:
        names = ", ".join(allowed) or "none"
        reason = f"must be a workflow that [callers] of the stage's settings lists for your role; it lists {names}"
        super().__init__(reason, "/workflow")


class AlreadyAskedError(CountersignError):
    """An AI agent has asked the same, which is not decided yet, or was rejected or withdrawn a short time ago.

    Attributes:
        request_id: The request that asked it.
        until: When the agent may ask it again, in UTC; None while the request runs.
    """

    def __init__(self, request_id: str, until: datetime | None = None) -> None:
        super().__init__(f"request {request_id} asks the same")
        self.request_id = request_id
        self.until = until


class MediaTypeError(CountersignError):
    """The media type or the encoding of the body is not accepted."""


class TooManyRequestsError(CountersignError):
    """A network, or a token from it, has sent more requests than it may in a minute.

    Attributes:
        retry_after_seconds: Seconds until it may send again.
    """

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(f"too many requests; try again in {retry_after_seconds} seconds")
        self.retry_after_seconds = retry_after_seconds


class SignatureError(CountersignError):
    """A webhook has no valid signature of its provider.

    Attributes:
        reason: For the log: `missing`, `malformed`, `stale`, `future` or `mismatch`.
        body_sha256: SHA-256 of the refused body in hex, for the log; empty until the function has added it.
    """

    body_sha256 = ""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the signature is refused: {reason}")
        self.reason = reason


class KeptEventError(CountersignError):
    """A kept event is unknown, or it may not be replayed on this stage.

    Attributes:
        reason: The problem in words, for the operator.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TooManyListsError(CountersignError):
    """One task has sent as many links to a recipient's inbox as its audit allows."""


class ActionRefusedError(CountersignError):
    """A person, a machine or an operator may not do this to a task; subclasses say why."""


class UnknownLinkError(ActionRefusedError):
    """No review link has this token."""


class CrossSiteError(ActionRefusedError):
    """The form was posted by another site's page."""


class OwnRequestError(ActionRefusedError):
    """The requester tried to decide their own request."""


class DecidesElsewhereError(ActionRefusedError):
    """The person decides another level of the same chain, by this address or another one."""


class UnknownDecisionError(ActionRefusedError):
    """The form's decision is neither `approve` nor `reject`, nor a `return` that the question allows."""


class CommentTooLongError(ActionRefusedError):
    """The form's comment has more characters than are kept."""


class CommentMissingError(ActionRefusedError):
    """The task's policy asks for a comment with this decision, and the form has none."""


class UnconfirmedError(CountersignError):
    """The page must ask the person to confirm before the action counts; nothing is recorded yet."""


class DecidedOtherwiseError(ActionRefusedError):
    """The task is decided, and not by this click."""


class TooManyAnswersError(ActionRefusedError):
    """The answer was replaced as often as the audit allows; the last one stands."""


class TaskClosedError(ActionRefusedError):
    """The task has expired, was withdrawn or was answered, and cannot change any more."""


class HandedOnError(ActionRefusedError):
    """The link's owner has delegated the task."""


class NoLongerAskedError(ActionRefusedError):
    """The link's owner was asked, until a delegation was taken back or an operator asked somebody else."""


class TakenUpError(ActionRefusedError):
    """The colleague has answered, so the delegation stands."""


class InboxExpiredError(ActionRefusedError):
    """The link to an inbox is too old."""


class StatusExpiredError(ActionRefusedError):
    """The request of a status link ended too long ago."""


class DelegationRefusedError(ActionRefusedError):
    """The task cannot be handed to this colleague.

    Attributes:
        reason: A word: `only_once`, `answered`, `requester`, `asked_already`, `outsider` or `no_address`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class DetailsChangedError(ActionRefusedError):
    """The task's content differs from what the page showed."""


class TaskReturnedError(ActionRefusedError):
    """The task waits for its requester, to whom an approver sent it back; until then nobody decides it."""


class SentBackTooOftenError(ActionRefusedError):
    """The task was sent back as often as its number of rounds allows."""


class NotReturnedError(ActionRefusedError):
    """The requester answers or revises a task that no approver has sent back, or that was answered since."""


class RevisionRefusedError(ActionRefusedError):
    """A revision cannot make this change; a new request can.

    Attributes:
        reason: A word: `unchanged`, `later_level` (earlier levels of the chain approved the content), `fixed_row`,
            `currency`, `raised` (the amount), or `policy_row` (another one covers the amount).
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class RequestConflictError(CountersignError):
    """A request of this id exists with another workflow or another input."""

    def __init__(self, request_id: str) -> None:
        super().__init__(f"request {request_id} exists with another workflow or input")


class UnknownRequestError(CountersignError):
    """No request has this id, or another role submitted it and the caller may not see or cancel it."""


class RequestEndedError(CountersignError):
    """A caller cancels a request that has ended."""


class RequestDecidedError(CountersignError):
    """A caller cancels a request whose workflow is about to apply a decision or an answer."""


class IrrevocableError(CountersignError):
    """A caller cancels a request about which a machine may have acted already."""


class UnknownTaskError(CountersignError):
    """No task has this id."""

    def __init__(self, task_id: str) -> None:
        super().__init__(f"there is no task {task_id}; ids are <request id>.<name of the wait>")


class NotHandledError(CountersignError):
    """An asynchronous invocation failed: Lambda invokes again with the same document. The log says why."""


class WorkflowError(CountersignError):
    """The workflow cannot continue; its execution fails with this error."""


class DuplicateTaskNameError(WorkflowError):
    """A wait's name, or its request's id, was used before; the wait would read the earlier answer as its own."""

    def __init__(self, task_id: str) -> None:
        super().__init__(
            f"task {task_id} was opened before; give each wait of a workflow its own name, and each request its own id"
        )
        self.task_id = task_id


class DuplicateCorrelationError(WorkflowError):
    """Another task has the same external id, so a provider's event could mean either."""

    def __init__(self, task_id: str) -> None:
        super().__init__(
            f"another task has the external id of task {task_id}, and waits for its answer or has it: see that task"
        )
        self.task_id = task_id


class HandOffFailedError(WorkflowError):
    """The hand-off failed after all retries; the task is cancelled."""

    def __init__(self, task_id: str) -> None:
        super().__init__(f"task {task_id} could not be handed off; it is cancelled")
        self.task_id = task_id


class TaskWithdrawnError(WorkflowError):
    """The task was cancelled while the workflow waited for its answer."""

    def __init__(self, task_id: str) -> None:
        super().__init__(f"task {task_id} was withdrawn before anybody answered it")
        self.task_id = task_id


class UnsoundDecisionError(WorkflowError):
    """The votes on a task do not make its decision: an alias was added since, or somebody changed the table."""

    def __init__(self, task_id: str) -> None:
        super().__init__(
            f"the votes on task {task_id} do not make its decision: verify its audit, and look in the directory for a "
            "new alias that makes two of its people one person"
        )
        self.task_id = task_id


class WrongContextError(WorkflowError):
    """A ciphertext belongs to another task, was made with another key, or is malformed."""


class NothingHeldError(WorkflowError):
    """A held payment was to be resolved, but the task has no held event with this id."""

    def __init__(self, task_id: str, event_id: str) -> None:
        super().__init__(f"task {task_id} has no held event {event_id!r}: name one that its audit has as held")


class IdleRingsError(WorkflowError):
    """The callback was completed repeatedly without an answer in the ledger."""

    def __init__(self, task_id: str, rings: int) -> None:
        super().__init__(f"task {task_id} was rung {rings} times without an answer in the ledger")
        self.task_id = task_id


class ConfigurationError(CountersignError):
    """The deployment is wrong; the same request may succeed once an operator has acted."""


class MissingSettingError(ConfigurationError):
    """An environment variable or a table of the function is missing, or is empty.

    Attributes:
        reason: The variable or the table, in words.
    """

    def __init__(self, name: str) -> None:
        self.reason = f"{name} is missing; the stack that deploys this function sets it"
        super().__init__(self.reason)


class SecretError(ConfigurationError):
    """A signing secret is missing or malformed; it verifies nothing.

    Attributes:
        reason: The provider and the problem, without the secret.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UnknownSchemeError(ConfigurationError):
    """There is no provider module of this name."""

    def __init__(self, scheme: str, known: tuple[str, ...]) -> None:
        super().__init__(f"no webhook scheme {scheme[:64]!r} exists; the kit has {', '.join(known)}")


class LookFailedError(CountersignError):
    """A provider did not say how a payment stands. Nothing was recorded.

    Attributes:
        reason: `unaskable` (its API knows no such id), `no_key` (no usable API key is stored), `denied` (the provider
            refuses the key), `slow`, `down`, `redirecting`, `not_found`, `refused` (another status), `too_large`,
            `unreadable`, `other_payment` (the answer has another id), or `no_host` (the settings lack a part of it).
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"the provider did not say how the payment stands: {reason}")
        self.reason = reason


class TransientError(CountersignError):
    """The same call may succeed later."""


class LedgerConflictError(TransientError):
    """Another writer was faster; read again and decide anew."""


class LedgerUnavailableError(TransientError):
    """The ledger did not answer, or transactions conflicted through all retries."""


class HandOffRejectedError(TransientError):
    """The bus did not accept the envelope."""


class MessageRefusedError(TransientError):
    """A channel did not accept a message; the same message may be sent again."""


class ArchiveRefusedError(TransientError):
    """The archive of the audit did not store or return an entry; the same call may succeed later."""


class KeptEventsUnavailableError(TransientError):
    """The kept events could not be stored or read; the same call may succeed later."""


class CallbackUnavailableError(TransientError):
    """Lambda throttled a ring or a heartbeat, or did not answer; the same call may succeed later."""


class VerifierUnavailableError(TransientError):
    """The provider that verifies its own signatures did not answer; the same event may be sent again."""


class SecretsUnavailableError(TransientError):
    """The signing secrets could not be read; the same event may be sent again."""


class CipherUnavailableError(TransientError):
    """KMS did not answer or was throttled; try again."""


class StartFailedError(TransientError):
    """The workflow could not be started; the same request may be sent again."""
