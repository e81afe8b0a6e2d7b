"""Operator norms at scale: large matrices and convolutions that are never written out.

gram.py          Gram iteration, batched, with its rounding: ‖A‖ ≤ ‖A_t‖_F^(1/2^t)
cholesky.py      one large matrix, real or complex: a verified Cholesky factorisation of τI − AAᴴ
dense.py         one matrix of any size in ℓ1, ℓ2, ℓ∞
convolution.py   convolutions: exact sums for ℓ1 and ℓ∞, the Fourier symbol on a torus for ℓ2
power.py         the power method through autograd: lower bounds, of anything torch can differentiate
"""
