"""Providers of webhooks, one module each, which `countersign.providers.base.load` finds by its name.

A new one is a new file here: a subclass of `countersign.providers.base.Provider`, and its instance `PROVIDER`.
"""
