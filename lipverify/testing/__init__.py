"""What holds an estimator to the truth: random networks and domains, degenerate ones included."""

from lipverify.testing.strategies import domains, networks

__all__ = ["domains", "networks"]
