"""The `payment` workflow: a payment provider takes the money, and reports it by webhook."""
