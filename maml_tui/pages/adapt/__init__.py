"""Adapt: a model learns one task, inner step by inner step."""
