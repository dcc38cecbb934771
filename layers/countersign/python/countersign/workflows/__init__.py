"""What a workflow author writes with."""
