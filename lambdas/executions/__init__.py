"""The `executions` function: records how durable executions end, and closes what they left open."""
