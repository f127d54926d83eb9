"""Contracts and checks: one contract, compiled twice; profile, infer, score."""
