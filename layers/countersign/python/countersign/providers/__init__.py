"""Providers of webhooks, one module each, which `countersign.webhooks.load` finds by its name.

A new one is a new file here: a subclass of `countersign.webhooks.Provider`, and its instance `PROVIDER`.
"""
