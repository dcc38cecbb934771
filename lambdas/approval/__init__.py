"""The `approval` workflow: people approve or reject any question, or the deadline passes."""
