"""Affine maps and neurons in turns, an affine map at both ends: the shape of a network."""

from __future__ import annotations

from lipverify.errors import InvalidNetwork
from lipverify.readers.steps import Affine, Step, Steps, TwoSlope


def alternate(steps: Steps) -> Steps:
    """Identity maps between, before and behind neurons, identity neurons between affine maps.

    Raises
    ------
    InvalidNetwork
        When the steps are not all affine maps and neurons, or their widths do not match.
    """
    done: list[Step] = []
    for step in steps:
        last = done[-1] if done else None
        if isinstance(step, TwoSlope):
            if not isinstance(last, Affine):
                done.append(Affine.identity(step.width))
            elif last.width != step.width:
                raise InvalidNetwork(f"{step.width} neurons stand behind a layer of {last.width} values")
        elif isinstance(step, Affine):
            if isinstance(last, Affine):
                done.append(TwoSlope.passing(last.width))
        else:
            raise InvalidNetwork(f"a step of kind {type(step).__name__} was left over")
        done.append(step)
    if done and isinstance(done[-1], TwoSlope):
        done.append(Affine.identity(done[-1].width))
    return tuple(done)
