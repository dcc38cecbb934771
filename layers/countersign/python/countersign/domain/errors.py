"""Every error of the kit, split by who must act.

CountersignError
├── ContractError            the sender broke a contract and must send something else
│   ├── PlainAnswerError
│   ├── MalformedBodyError
│   ├── BodyTooLargeError
│   ├── UnknownWorkflowError
│   ├── UncoveredAmountError
│   └── SeveralProblemsError
│       └── AnswerRefusedError
├── SignatureError           the sender of a webhook has not shown who they are
├── UnknownTokenError        nor has the sender of a machine's answer
├── UnknownProviderError     no provider of webhooks has this name
├── CallerRefusedError       the caller's session does not say who they are
├── MediaTypeError           the body is of a type that is not read here
├── TooManyRequestsError     the sender must wait; nothing of what was sent is recorded
├── TooManyListsError        one task has sent the list of somebody's tasks often enough
├── ActionRefusedError       a person, a machine or an operator may not do this to a task; subclasses say why
│   ├── UnknownLinkError
│   ├── CrossSiteError
│   ├── OwnRequestError
│   ├── DecidesElsewhereError
│   ├── UnknownDecisionError
│   ├── CommentTooLongError
│   ├── DecidedOtherwiseError
│   ├── TooManyAnswersError
│   ├── TaskClosedError
│   ├── HandedOnError
│   ├── InboxExpiredError
│   ├── DelegationRefusedError
│   └── DetailsChangedError
├── RequestConflictError     the same request id stands for something else
├── UnknownRequestError      nothing of this id was ever asked
├── UnknownTaskError         no task has this id
├── NotHandledError          an asynchronous invocation failed; Lambda repeats it
├── WorkflowError            the workflow itself cannot go on
│   ├── DuplicateTaskNameError
│   ├── HandOffFailedError
│   ├── DuplicateCorrelationError
│   ├── TaskWithdrawnError
│   ├── UnsoundDecisionError
│   ├── WrongContextError
│   ├── NothingHeldError
│   └── IdleRingsError
├── ConfigurationError       the deployment is wrong: an operator must act
│   ├── MissingSettingError
│   ├── SecretError
│   └── UnknownSchemeError
└── TransientError           nothing is wrong with the request: try again
    ├── LedgerConflictError
    ├── LedgerUnavailableError
    ├── HandOffRejectedError
    ├── MessageRefusedError
    ├── ArchiveRefusedError
    ├── CallbackUnavailableError
    ├── VerifierUnavailableError
    ├── SecretsUnavailableError
    ├── CipherUnavailableError
    └── StartFailedError

Standard library only: this module is at the bottom of every import.
"""


class CountersignError(Exception):
    """The root of all errors that the kit raises on purpose."""


class ContractError(CountersignError):
    """What was sent breaks a contract.

    Attributes:
        pointer: JSON pointer (RFC 6901) to the offending place; empty for the whole document.
        reason: What is wrong there and what is allowed, without the value that was sent.
    """

    def __init__(self, reason: str, pointer: str = "") -> None:
        super().__init__(f"{pointer or 'body'}: {reason}")
        self.pointer = pointer
        self.reason = reason

    @property
    def problems(self) -> "tuple[ContractError, ...]":
        """Everything that is wrong, in the order in which it was found."""
        return (self,)


class MalformedBodyError(ContractError):
    """The bytes are not the strict JSON that this API reads."""


class BodyTooLargeError(ContractError):
    """The body is larger than the cap of every route.

    Attributes:
        limit: The cap in bytes.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(f"the body is larger than {limit} bytes")
        self.limit = limit


class UnknownWorkflowError(ContractError):
    """No workflow of that name is deployed."""

    def __init__(self, workflow: str) -> None:
        super().__init__("no workflow of that name is deployed", "/workflow")
        self.workflow = workflow


class UncoveredAmountError(ContractError):
    """The policy has no row for this amount in this currency; nothing is approved that nobody thought of.

    Attributes:
        covered: What the policy covers, in words.
    """

    def __init__(self, covered: tuple[str, ...]) -> None:
        super().__init__(f"no row of the policy covers this amount; covered are {', '.join(covered)}", "/input/amount")
        self.covered = covered


class SeveralProblemsError(ContractError):
    """More than one thing is wrong with what was sent; `reason` and `pointer` are those of the first."""

    def __init__(self, problems: tuple[ContractError, ...]) -> None:
        super().__init__(problems[0].reason, problems[0].pointer)
        self._problems = problems

    @property
    def problems(self) -> tuple[ContractError, ...]:
        """Everything that is wrong, in the order in which it was found."""
        return self._problems


class AnswerRefusedError(SeveralProblemsError):
    """What a machine answered breaks the contract of its task; that it was sent is on record."""


class PlainAnswerError(ContractError):
    """The answer to an encrypted task came over the bus, which keeps it in plain text where it cannot be recorded."""

    def __init__(self) -> None:
        super().__init__("the task's answers are encrypted: they come to /callbacks, with its token", "/detail/task_id")


class UnknownTokenError(CountersignError):
    """No callback has this token."""


class UnknownProviderError(CountersignError):
    """No provider of webhooks has this name."""


class CallerRefusedError(CountersignError):
    """The requester is taken from the caller's session, and its name is no address."""


class MediaTypeError(CountersignError):
    """The body's media type, or its encoding, is not one that is read here."""


class TooManyRequestsError(CountersignError):
    """More was asked than a network, or a token from it, may ask in a minute.

    Attributes:
        retry_after_seconds: How long until it may ask again.
    """

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(f"too many requests; try again in {retry_after_seconds} seconds")
        self.retry_after_seconds = retry_after_seconds


class SignatureError(CountersignError):
    """What came to a webhook is not known to come from its provider.

    Attributes:
        reason: A word for the log: `missing`, `malformed`, `stale`, `future` or `mismatch`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"the signature is refused: {reason}")
        self.reason = reason


class TooManyListsError(CountersignError):
    """One task has had as many links to somebody's inbox sent as its audit takes."""


class ActionRefusedError(CountersignError):
    """A person, a machine or an operator may not do this to a task; subclasses say why."""


class UnknownLinkError(ActionRefusedError):
    """No review link has this token."""


class CrossSiteError(ActionRefusedError):
    """The form was posted by another site's page."""


class OwnRequestError(ActionRefusedError):
    """The requester tried to decide their own request."""


class DecidesElsewhereError(ActionRefusedError):
    """The person decides another task of the same chain, by this address or another: nobody decides two of them."""


class UnknownDecisionError(ActionRefusedError):
    """The form's decision is neither `approve` nor `reject`."""


class CommentTooLongError(ActionRefusedError):
    """The form's comment has more characters than are kept."""


class DecidedOtherwiseError(ActionRefusedError):
    """The task is decided, and not by this click."""


class TooManyAnswersError(ActionRefusedError):
    """Whoever answers has replaced their answer as often as the audit takes; the last one stands."""


class TaskClosedError(ActionRefusedError):
    """The task has expired, was withdrawn or was answered; it takes no change any more."""


class HandedOnError(ActionRefusedError):
    """The link's owner has delegated the task."""


class InboxExpiredError(ActionRefusedError):
    """The link to an inbox is too old."""


class DelegationRefusedError(ActionRefusedError):
    """The task cannot be handed to this colleague.

    Attributes:
        reason: A word: `only_once`, `answered`, `requester`, `asked_already`, `outsider` or `no_address`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class DetailsChangedError(ActionRefusedError):
    """What stands on the task is not what the page showed."""


class RequestConflictError(CountersignError):
    """A request of this id exists with another workflow or another input."""

    def __init__(self, request_id: str) -> None:
        super().__init__(f"request {request_id} exists with another workflow or input")
        self.request_id = request_id


class UnknownRequestError(CountersignError):
    """No request of this id was ever submitted."""


class UnknownTaskError(CountersignError):
    """There is no task of this id."""

    def __init__(self, task_id: str) -> None:
        super().__init__(f"there is no task {task_id}; ids are <request id>.<name of the wait>")
        self.task_id = task_id


class NotHandledError(CountersignError):
    """An asynchronous invocation failed: Lambda invokes again with the same document. The log says why."""


class WorkflowError(CountersignError):
    """The workflow cannot go on; its execution fails with this error."""


class DuplicateTaskNameError(WorkflowError):
    """A wait's name, or its request's id, was used before: it would read the first answer as the second."""

    def __init__(self, task_id: str) -> None:
        super().__init__(
            f"task {task_id} was opened before; give each wait of a workflow its own name, and each request its own id"
        )
        self.task_id = task_id


class DuplicateCorrelationError(WorkflowError):
    """Another task is known outside by the same id: an event could not tell which of them it is about."""

    def __init__(self, task_id: str) -> None:
        super().__init__(
            f"what task {task_id} is about is another task's, which waits for its answer or has it: see that one"
        )
        self.task_id = task_id


class HandOffFailedError(WorkflowError):
    """The task could not be handed to anybody, after all retries; it is cancelled."""

    def __init__(self, task_id: str) -> None:
        super().__init__(f"task {task_id} could not be handed off; it is cancelled")
        self.task_id = task_id


class TaskWithdrawnError(WorkflowError):
    """The task was cancelled while the workflow waited for its answer."""

    def __init__(self, task_id: str) -> None:
        super().__init__(f"task {task_id} was withdrawn before anybody answered it")
        self.task_id = task_id


class UnsoundDecisionError(WorkflowError):
    """The decision of a task is not what its votes come to: an alias was learnt since, or somebody tampered."""

    def __init__(self, task_id: str) -> None:
        super().__init__(
            f"the votes on task {task_id} do not make its decision: verify its audit, and compare its people with the "
            "directory, which may know two of their addresses as one person now"
        )
        self.task_id = task_id


class WrongContextError(WorkflowError):
    """A ciphertext belongs to something else, was made with another key, or is none."""


class NothingHeldError(WorkflowError):
    """A settlement was asked for, and no event of this id is held for this task."""

    def __init__(self, task_id: str, event_id: str) -> None:
        super().__init__(f"task {task_id} has no held event {event_id!r}; only what its audit has as held is settled")
        self.task_id = task_id
        self.event_id = event_id


class IdleRingsError(WorkflowError):
    """The callback was completed again and again without an answer in the ledger."""

    def __init__(self, task_id: str, rings: int) -> None:
        super().__init__(f"task {task_id} was rung {rings} times without an answer in the ledger")
        self.task_id = task_id


class ConfigurationError(CountersignError):
    """The deployment is wrong; the same request may succeed once an operator has acted."""


class MissingSettingError(ConfigurationError):
    """An environment variable of the function is not set, or is empty.

    Attributes:
        reason: Which one.
    """

    def __init__(self, name: str) -> None:
        self.reason = f"environment variable {name} is not set; the stack that deploys this function sets it"
        super().__init__(self.reason)


class SecretError(ConfigurationError):
    """A signing secret is missing or malformed; it verifies nothing.

    Attributes:
        reason: Which one and what is wrong with it, without the secret.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UnknownSchemeError(ConfigurationError):
    """There is no provider module of this name.

    Attributes:
        scheme: The name.
        known: The names that there are.
    """

    def __init__(self, scheme: str, known: tuple[str, ...]) -> None:
        super().__init__(f"there is no webhook scheme {scheme[:64]!r}; there are {', '.join(known)}")
        self.scheme = scheme
        self.known = known


class TransientError(CountersignError):
    """Nothing is wrong with what was asked; the same call may succeed later."""


class LedgerConflictError(TransientError):
    """Another writer was faster; read again and decide anew."""


class LedgerUnavailableError(TransientError):
    """The ledger did not answer, or stayed contended through all retries."""


class HandOffRejectedError(TransientError):
    """The bus or the queue did not take the envelope."""


class MessageRefusedError(TransientError):
    """A channel to people did not take a message; the same message may be sent again."""


class ArchiveRefusedError(TransientError):
    """The archive of the audit did not take or show an entry; the same call may be made again."""


class CallbackUnavailableError(TransientError):
    """Lambda throttled a ring or a heartbeat of a callback, or did not answer it; the same call may be made again."""


class VerifierUnavailableError(TransientError):
    """The provider, who alone can verify its signature, could not be asked; the same event may be sent again."""


class SecretsUnavailableError(TransientError):
    """The signing secrets could not be read; the same event may be sent again."""


class CipherUnavailableError(TransientError):
    """KMS did not answer or was throttled; try again."""


class StartFailedError(TransientError):
    """The workflow could not be started; the same request may be sent again."""
