"""The list of corrections, in the order in which they are applied: later ones wrap what earlier ones put there."""

from __future__ import annotations

from local.emulator.corrections import (
    callbacks,
    configuration,
    environments,
    failures,
    leading_keys,
    names,
    operations,
    permissions,
    resumption,
    stack_secrets,
    statuses,
    streams,
    tables,
)

CORRECTIONS = (
    configuration.keep_durable_config,
    stack_secrets.refer_to_secrets_by_arn,
    tables.keep_recovery_and_ttl,
    streams.outlive_restarts,
    environments.die_alone,
    environments.share_layers,
    failures.tell_class_and_place,
    operations.ignore_zero_timeouts,
    operations.count_step_retries,
    resumption.one_invocation_at_a_time,
    resumption.act_on_first_outcomes,
    resumption.pick_up_after_restart,
    callbacks.wake_the_workflow,
    callbacks.refuse_unknown_ids,
    callbacks.close_callbacks_in_time,
    callbacks.remember_closed_callbacks,
    names.honour_execution_names,
    names.tell_execution_arns,
    statuses.announce_status_changes,
    permissions.check_durable_actions,
    permissions.check_mail_by_sender,
    permissions.take_loopback_for_tls,
    leading_keys.tell_leading_keys,
)


def apply() -> None:
    """Correct the MiniStack of this process. Call it once, before MiniStack serves."""
    for correct in CORRECTIONS:
        correct()
