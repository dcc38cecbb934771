"""The demo: scenarios, scripts of the answering sides, and a sandbox payment provider."""
