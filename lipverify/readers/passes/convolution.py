"""A convolution as the matrix it is: every entry is a kernel entry or 0, so nothing is rounded."""

from __future__ import annotations

import numpy as np

from lipverify.arrays import Indices
from lipverify.readers.matrices import dense
from lipverify.readers.steps import Affine, Steps, rewrite
from lipverify.readers.windows import Convolution


def convolution_to_affine(steps: Steps) -> Steps:
    """Every convolution written out on its flat image, channels first."""
    return rewrite(steps, Convolution, _matrix)


def _matrix(convolution: Convolution) -> Steps:
    kernel, groups = convolution.kernel, convolution.groups
    out, per_group = kernel.shape[:2]
    pixels, places = convolution.pixels, convolution.places
    flat = dense(out * places, groups * per_group * pixels)
    matrix = flat.reshape(out, places, groups * per_group, pixels)
    share = out // groups
    for tap in np.ndindex(*kernel.shape[2:]):
        made, read = _meetings(convolution, tap)
        for group in range(groups):
            block = matrix[group * share : (group + 1) * share, :, group * per_group : (group + 1) * per_group]
            # Two taps of one window never meet the same pixel: the assignment adds nothing up.
            block[:, made, :, read] = kernel[(slice(group * share, (group + 1) * share), slice(None), *tap)]
    if convolution.transposed:
        return (Affine(flat.T, np.repeat(convolution.bias, pixels)),)
    return (Affine(flat, np.repeat(convolution.bias, places)),)


def _meetings(convolution: Convolution, tap: tuple[int, ...]) -> tuple[Indices, Indices]:
    """The flat places at which a tap lies inside the image, and the flat pixels that it reads there."""
    made, read = np.zeros(1, dtype=np.intp), np.zeros(1, dtype=np.intp)
    for axis, k in zip(convolution.axes, tap, strict=True):
        outputs, inputs = axis.taps(k)
        made = (made[:, None] * axis.outputs + outputs).ravel()
        read = (read[:, None] * axis.size + inputs).ravel()
    return made, read
