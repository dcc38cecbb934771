"""The settings of a stage."""
