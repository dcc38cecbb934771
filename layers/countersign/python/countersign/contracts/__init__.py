"""The kit's contracts: schemas, their validation, and the hand-off envelope."""
