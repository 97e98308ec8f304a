"""Proofs over all shipped rules at once."""
