"""What crosses the kit's border: schemas, their validation, and the hand-off envelope."""
