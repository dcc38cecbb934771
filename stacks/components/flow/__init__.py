"""How tasks travel: durable workflows, hand-offs and channels."""
