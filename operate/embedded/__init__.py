"""Find and call the embedded cloud."""
