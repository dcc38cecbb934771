"""The `payment` workflow: a payment provider takes the money, and says so by webhook."""
