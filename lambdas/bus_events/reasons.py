"""Reasons to move an event to the dead letters at once."""

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
"""The errors that no retry can fix, by the first class of an error's MRO that is listed."""


def reason_of(error: CountersignError) -> tuple[str, str]:
    """Return an error's word in `REASONS`, and for a broken contract its problems and their places."""
    reason = next(REASONS[kind] for kind in type(error).__mro__ if kind in REASONS)
    return reason, str(error) if isinstance(error, ContractError) else ""
