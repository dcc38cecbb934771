"""Shared parts of functions: HTTP, batches, telemetry, environment and AWS clients.

A cold start makes 80,000 objects, and nearly all of them stay. By default Python looks for garbage after every 2,000
new ones, which takes a tenth of the cold start; with this limit it does so after the cold start.
"""

import gc

gc.set_threshold(100_000)
