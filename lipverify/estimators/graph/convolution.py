"""Node rule for convolutions: exact row and column sums for ℓ∞ and ℓ1, the torus for ℓ2."""

from __future__ import annotations

from lipverify.estimators.graph.combine import INF, Local, Situation
from lipverify.readers.passes.convolution import convolution_to_affine
from lipverify.readers.steps import Affine
from lipverify.readers.windows import Convolution
from lipverify.trusted.spectral.convolution import Geometry, convolution_upper
from lipverify.trusted.spectral.dense import SMALL, dense_upper


def convolution(step: Convolution, where: Situation) -> Local:
    """‖A‖_p; a transposed convolution is Aᵀ, whose ℓ1 norm is A's ℓ∞ norm and so on.

    A is written out for ℓ2 only where it is small: there its own norm is below that of the circular one.
    """
    out, read = step.kernel.shape[0] * step.places, step.groups * step.kernel.shape[1] * step.pixels
    if where.p == 2.0 and max(out, read) <= SMALL:
        (matrix,) = convolution_to_affine((step,))
        assert isinstance(matrix, Affine)
        return Local((dense_upper(matrix.weight, 2.0),))
    p = {1.0: INF, 2.0: 2.0, INF: 1.0}[where.p] if step.transposed else where.p
    axes = tuple(Geometry(a.size, a.outputs, a.stride, a.dilation, a.before) for a in step.axes)
    return Local((convolution_upper(step.kernel, axes, step.groups, p),))
