"""No charge for rounding of the float reader is there in vain: without it a false claim is believed."""

from __future__ import annotations

import numpy as np
import pytest

from lipverify.trusted.evidence_floats import FloatReader
from tests.trusted.charges import MUTANTS, interpreted
from tests.trusted.lies import BlockLie, NormLie, SignLie, blocks, norms, signs

LIES: tuple[SignLie | NormLie | BlockLie, ...] = (*signs(), *norms(), *blocks())


def test_every_lie_is_one() -> None:
    assert all(lie.refuted() for lie in LIES)


def test_no_lie_is_believed() -> None:
    assert not any(lie.told_to(FloatReader) for lie in LIES)


@pytest.mark.parametrize("name", MUTANTS)
def test_a_charge_is_needed(name: str) -> None:
    with interpreted(name) as reader, np.errstate(all="ignore"):
        assert any(lie.told_to(reader) for lie in LIES)


def test_the_interpreted_reader_believes_no_lie_by_itself() -> None:
    with interpreted() as reader, np.errstate(all="ignore"):
        assert not any(lie.told_to(reader) for lie in LIES)
