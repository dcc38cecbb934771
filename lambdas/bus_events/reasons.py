"""Why an event goes to the dead letters at once."""

from collections.abc import Mapping

from countersign.domain.errors import (
    AnswerRefusedError,
    BodyTooLargeError,
    ContractError,
    CountersignError,
    DecidedOtherwiseError,
    PlainAnswerError,
    TaskClosedError,
    TooManyAnswersError,
    UnknownTaskError,
)

REASONS: Mapping[type[CountersignError], str] = {
    AnswerRefusedError: "answer_refused",
    BodyTooLargeError: "too_large",
    PlainAnswerError: "encrypted",
    ContractError: "malformed",
    UnknownTaskError: "unknown_task",
    DecidedOtherwiseError: "decided_otherwise",
    TooManyAnswersError: "too_many_answers",
    TaskClosedError: "closed",
}
"""What trying again would not mend; the first class of an error's ancestry that stands here counts."""


def reason_of(error: CountersignError) -> tuple[str, str]:
    """Return the word for an error of `REASONS`, and where a contract says more, what is wrong where."""
    reason = next(REASONS[kind] for kind in type(error).__mro__ if kind in REASONS)
    return reason, str(error) if isinstance(error, ContractError) else ""
