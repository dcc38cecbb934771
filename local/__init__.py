"""The embedded cloud: AWS, emulated on this machine, with the real stacks deployed onto it."""
