"""The `held_payments` function: has operators asked about each payment event that is held."""
