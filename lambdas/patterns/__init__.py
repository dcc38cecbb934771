"""The patterns: a small durable workflow for each way of waiting for somebody outside, one file each, to copy from."""
