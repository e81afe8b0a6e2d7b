"""The table of node rules: what each operator does to the Lipschitz constant (proofs/graph.md)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from lipverify.estimators.graph import activations, affine, convolution, normalisation, pooling, products
from lipverify.estimators.graph.combine import Local, Situation
from lipverify.readers import graph, steps, windows

RULES: Mapping[type, Callable[[Any, Situation], Local]] = MappingProxyType(
    {
        steps.Affine: affine.affine,
        steps.BatchNorm: affine.batch_norm,
        steps.Clip: activations.clip,
        steps.Dense: affine.dense,
        steps.Select: affine.select,
        steps.Sum: affine.summed,
        steps.TwoSlope: activations.neurons,
        windows.AveragePooling: pooling.average,
        windows.Convolution: convolution.convolution,
        windows.LargestOf: pooling.largest,
        windows.SortedGroups: pooling.sort,
        graph.Curve: activations.curve,
        graph.EuclideanNorm: activations.euclidean_norm,
        graph.LogAddExp: activations.log_add_exp,
        graph.LogSumExp: activations.log_sum_exp,
        graph.MatrixProduct: products.matrix_product,
        graph.Normalise: normalisation.normalise,
        graph.Product: products.product,
        graph.Quotient: products.quotient,
        graph.Softmax: activations.softmax,
        graph.Unbounded: products.unbounded,
    }
)
