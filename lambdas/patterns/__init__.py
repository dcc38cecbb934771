"""The patterns: a small durable workflow for each way to wait for an outside answer, one file each, to copy from."""
