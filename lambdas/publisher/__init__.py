"""The `publisher` function: publishes lifecycle events, sends the outbox, and copies the audit."""
