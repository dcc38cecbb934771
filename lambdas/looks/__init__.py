"""The `looks` function: asks payment providers how a payment stands. It alone reads their API keys."""
