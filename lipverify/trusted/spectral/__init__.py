"""Operator norms from above: small matrices, large ones, and convolutions that are never written out.

certifier.py     one matrix known up to a radius, a batch, a large one: factorisations that are checked
gram.py          Gram iteration, batched, with its rounding: ‖A‖ ≤ ‖A_t‖_F^(1/2^t)
dense.py         one matrix of any size in ℓ1, ℓ2, ℓ∞
convolution.py   convolutions: exact sums for ℓ1 and ℓ∞, the Fourier symbol on a torus for ℓ2
"""
