"""The `relay` function: rings the workflows of decided tasks."""
