"""Two-layer networks as test material: strategies, certified instances, a reference descent."""
