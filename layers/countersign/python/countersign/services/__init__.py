"""The use cases: each takes ports, applies the domain, and is called by one function."""
