"""The `settlements` function: has operators asked about each payment event that is held."""
