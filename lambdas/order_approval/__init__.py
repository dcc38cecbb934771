"""The `order-approval` workflow: a person approves or rejects an order, or the deadline passes."""
