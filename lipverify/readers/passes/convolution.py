"""A convolution as the matrix it is: every entry is a kernel entry or 0, so nothing is rounded."""

from __future__ import annotations

import numpy as np

from lipverify.readers.steps import Affine, Convolution, Steps, dense, rewrite


def convolution_to_affine(steps: Steps) -> Steps:
    """Every convolution written out on its flat image, in C, H, W order."""
    return rewrite(steps, Convolution, _matrix)


def _matrix(convolution: Convolution) -> Steps:
    kernel, groups = convolution.kernel, convolution.groups
    rows, columns = convolution.rows, convolution.columns
    out, per_group = kernel.shape[0], kernel.shape[1]
    pixels, places = rows.size * columns.size, rows.outputs * columns.outputs
    flat = dense(out * places, groups * per_group * pixels)
    matrix = flat.reshape(out, rows.outputs, columns.outputs, groups * per_group, rows.size, columns.size)
    share = out // groups
    for group in range(groups):
        made = slice(group * share, (group + 1) * share)
        read = slice(group * per_group, (group + 1) * per_group)
        block = matrix[made, :, :, read]
        for i in range(rows.kernel):
            y, v = rows.taps(i)
            for j in range(columns.kernel):
                x, u = columns.taps(j)
                # Two taps of one window never meet the same pixel: the assignment adds nothing up.
                block[:, y[:, None], x[None, :], :, v[:, None], u[None, :]] = kernel[made, :, i, j]
    return (Affine(flat, np.repeat(convolution.bias, places)),)
