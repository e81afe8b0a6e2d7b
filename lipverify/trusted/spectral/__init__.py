"""Operator norms from above: small matrices, large ones, and convolutions that are never written out.

svd.py           one matrix known up to a radius, or a batch: verified singular value decompositions
gram.py          Gram iteration, batched, with its rounding: ‖A‖ ≤ ‖A_t‖_F^(1/2^t)
cholesky.py      one large matrix, real or complex, or a batch: verified Cholesky factorisations of τI − AAᴴ
dense.py         one matrix of any size in ℓ1, ℓ2, ℓ∞
convolution.py   convolutions: exact sums for ℓ1 and ℓ∞, the Fourier symbol on a torus for ℓ2
"""
