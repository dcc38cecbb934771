"""The `relay` function: rings the workflow whose task has been decided."""
