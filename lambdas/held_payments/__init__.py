"""The `held_payments` function: starts a request to the operators for each held payment event."""
