"""Countersign: durable workflows that wait for somebody outside and resume with the answer."""
