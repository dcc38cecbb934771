"""The soak: random steps of people, machines and faults against the real handlers, and what must hold after each."""
