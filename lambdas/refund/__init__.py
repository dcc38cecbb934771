"""The `refund` workflow: money of a payment goes back, once people or a policy approved it."""
