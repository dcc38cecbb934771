"""The `results` function: answers of machines over the kit's bus, and events of partners over their own."""
