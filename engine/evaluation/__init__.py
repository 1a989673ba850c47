"""Measuring a learner: the only evaluator, used for validation, test and every comparison."""
