"""Every exception that lipverify raises on purpose.

LipverifyError
├── InvalidArgument     a value no verb accepts: an unknown method, a negative time limit
├── InvalidNetwork      weights that are no network, or a file that holds none
├── InvalidDomain       an empty or flat domain, or one of the wrong dimension
├── UnsupportedLayer    a layer or operator that no reader knows
├── UnsupportedNorm     a norm pair that the method, or anyone, cannot compute
├── UnsupportedDomain   a domain that the method does not handle
├── OutOfRange          numbers that the method needs as floats and float64 cannot hold
├── CertificateError    a certificate that does not prove its claim
└── WorkerLost          a task that ended every process it was given to
Interrupted             a KeyboardInterrupt that carries the interval proved so far
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lipverify.bound import Bound


class LipverifyError(Exception):
    """The root of the tree above."""


class InvalidArgument(LipverifyError, ValueError):
    """An argument outside its range; the message shows the value and what is accepted."""


class InvalidNetwork(LipverifyError, ValueError):
    """Weights, biases or slopes that do not make a network, or a file that does not hold one."""


class InvalidDomain(LipverifyError, ValueError):
    """A domain without interior, with non-finite data, or of another dimension than the network."""


class UnsupportedLayer(LipverifyError, NotImplementedError):
    """A layer that cannot be read; the message names the layer and its place."""


class UnsupportedNorm(LipverifyError, NotImplementedError):
    """A norm pair that cannot be computed; the message names those that can."""


class UnsupportedDomain(LipverifyError, NotImplementedError):
    """A domain that the method cannot handle; the message names those that it can."""


class OutOfRange(LipverifyError, OverflowError):
    """Numbers beyond float64 that a method cannot do without; the message says what to scale."""


class CertificateError(LipverifyError, ValueError):
    """A certificate that is malformed or does not prove its claim."""


class WorkerLost(LipverifyError, RuntimeError):
    """A task whose process ended each time: a crash in compiled code, or memory that ran out."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C during a computation.

    Attributes
    ----------
    bound
        The interval proved before the interruption: valid, only wider than it would have become.
    """

    def __init__(self, bound: Bound) -> None:
        super().__init__("interrupted; the interval proved so far is in .bound")
        self.bound = bound
