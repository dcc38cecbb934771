"""The stacks of the kit; `app.py` puts them together."""
