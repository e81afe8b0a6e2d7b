"""What several tests of the mixed-integer method are given."""

from __future__ import annotations

import pytest

import lipverify as lv
from tests.solvers.milp.common import random_network


@pytest.fixture(scope="module")
def large() -> tuple[lv.Network, lv.Box]:
    """A network that takes minutes."""
    return random_network((16, 32, 32, 1), 1)
