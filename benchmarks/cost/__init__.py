"""What the kit costs on AWS: usage, counted from a run of the real handlers, times list prices."""
