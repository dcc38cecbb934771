"""The `publisher` function: lifecycle events and the outbox, and the copy of the audit, from the ledger's stream."""
