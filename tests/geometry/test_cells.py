"""Cells of partial patterns: there exactly where regions are."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lipverify.arrays import Signs
from lipverify.geometry.cells import Cells
from lipverify.testing import domains, networks
from tests import oracle
from tests.conftest import examples
from tests.solvers.test_enumeration import SMALL


@settings(max_examples=examples(60))
@given(st.data())
def test_cells_exist_exactly_where_regions_do(data: st.DataObject) -> None:
    """Decide neurons in any order: a cell survives as long as some region has its signs, and no longer."""
    net = data.draw(networks(slopes=True, hidden=(1, 2), **SMALL))
    domain = data.draw(domains(net.input_dim))
    regions = oracle.regions(net, domain)
    cells = Cells(net, domain)
    linear = np.concatenate([s[:, 0] == s[:, 1] for s in net.slopes])
    assume(not linear.all())
    patterns = np.array([np.concatenate(r.pattern) for r in regions])
    patterns = np.where(patterns | linear, 1, -1)
    found = cells.restrict(cells.root(), linear.astype(np.int8))
    while found is not None:
        cell, signs = found
        free = np.flatnonzero(signs == 0)
        opened = sum(net.hidden[: len(cell.layers)])
        if not (signs != linear)[opened:].any():  # what is decided further up waits for the layers below
            assert _having(patterns, signs).any()
        if not len(free):
            break
        assert oracle.locate(net, domain, cells.point(cell)) is None or len(cell.signs)
        signs[data.draw(st.sampled_from(free.tolist()))] = data.draw(st.sampled_from([1, -1]))
        before, found = signs, cells.restrict(cell, signs)
        if found is not None and cells.is_region(found[0]):
            located = oracle.locate(net, domain, cells.point(found[0]))
            assert located is not None
            assert located[0] == cells.pattern(found[0])
        if found is None:
            assert not _having(patterns, before).any()


def _having(patterns: Any, signs: Signs) -> Any:
    return ((patterns == signs) | (signs == 0)).all(axis=1)
