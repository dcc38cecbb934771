"""Shared parts of functions: HTTP, batches, telemetry, environment and AWS clients."""
