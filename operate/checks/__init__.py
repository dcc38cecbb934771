"""The checks of `doctor`, by what they look at. Each yields what it found, and what to do about it if anything."""
