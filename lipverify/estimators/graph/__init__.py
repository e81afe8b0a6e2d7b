"""AutoLip on graphs: one file per family of node rules, `rules.py` for the table of them, `bound.py` for the sum.

`lipverify.estimators.graph.combine` holds what every rule returns; proofs/graph.md proves each rule.
"""
