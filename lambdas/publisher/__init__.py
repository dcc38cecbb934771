"""The `publisher` function: lifecycle events and the outbox, from the ledger's stream to the bus."""
