"""Is the mathematics right? Symbolic proofs, property checks, negative controls, statistics."""
