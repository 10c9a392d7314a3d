"""The verifier's own reading of a computation graph: values in balls, one float reverse pass, bounds on the ball.

It shares the graph as data and the formulas of `theory` with the producer, and no numerics (docs/theory-graphs.md).
"""
