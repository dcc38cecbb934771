"""A function's edge: HTTP, batches, telemetry, environment and AWS clients."""
