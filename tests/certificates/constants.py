"""Write the proofs of published constants again: python -m tests.certificates.constants

One file for each exact constant of the tightness suite (the README's embedded network among them), for each of
docs/paper.md and, where the folder of real networks is at hand, for the small ones of the README's table.
test_constants.py checks them all.

Not here: `LARGE`, whose proofs have thousands of steps, minutes of CI; and the upper ends of those constants of
docs/paper.md whose proofs have tens of thousands.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import lipverify as lv
from lipverify.bench.paper.mlp import SQUARE
from lipverify.bench.paper.mlp_section import PROVED
from lipverify.bench.paper.networks import kept
from lipverify.certificates.writer import Certificate, Proof, enough_for, exact_network, exact_pair
from lipverify.problem import Problem
from lipverify.testing.suite import Case, Exacts, suite

FOLDER = Path(__file__).resolve().parent / "constants"

PUBLISHED = {
    "iris_net_4x6x6x3_ReLU": ("11.634355134114", "11.634355134115"),
    "wine_net_11x12x12x1_ReLU": ("1.743369996710", "1.743369996711"),
    "abalone_net_9x16x16x1_ReLU": ("11.121602332235", "11.121602332236"),
}
"""Networks of ExLipBaB (in exlipbab/), and what the README's table says of them: L₂ lies between these."""
LARGE = ("bike_net_13x20x16x8x3_ReLU", "wine_net_11x24x24x1_ReLU")
"""Those of the table whose proofs are not kept: `lipverify exact --certificate` writes them in minutes."""
UNPROVED = (
    "GLipSDP_net_64x32x32x1_ReLU",
    "MNIST_net_784x16x16x16x10_ReLU",
    "MNIST_net_784x50x10_ReLU",
)
"""Those of the tables that rest on the search's own floats and their charges: nobody has written a proof yet."""


PAPER = {(k, where): FOLDER / f"paper-{k}-{where}.json.gz" for k in PROVED for where in ("plane", "square")}
"""The proofs of docs/paper.md, by layers and domain."""


def data() -> Path | None:
    """The folder of real networks, if there is one."""
    folder = Path(os.environ.get("LIPVERIFY_DATA") or Path(__file__).resolve().parents[3] / "shared" / "data")
    return folder / "exlipbab" if (folder / "exlipbab").is_dir() else None


def file_of(case: Case) -> Path:
    """Where a case's proof is."""
    where = "-local" if case.domain.bounded else ""
    return FOLDER / f"{case.name}-p{case.norm}{where}.json.gz"


def proved(problem: Problem, upper: Fraction, point: tuple[Fraction, ...]) -> Certificate:
    """The proof of a claim that is known to be true."""
    net, pair = exact_network(problem.network), exact_pair(problem.norm)
    enough = enough_for(net, pair, upper)
    proof = Proof(problem, enough or upper)
    for _ in proof.run():
        pass
    return Certificate(point, enough, tuple(proof.steps))


def certificates() -> Iterator[tuple[Path, Certificate]]:
    """Every file with its proof."""
    known = Exacts()
    for case in suite():
        constant = known(case)
        problem = Problem(case.network, case.norm, case.domain)
        yield file_of(case), proved(problem, constant.high, constant.point)
    for layers, net in kept().items():
        for where, domain in (("plane", lv.Everywhere()), ("square", SQUARE)):
            bound = lv.exact(net, "enumeration", domain=domain, certify=PROVED[layers] == "both ends")
            yield PAPER[layers, where], bound.certificate or Certificate(bound.witness.point, None, None)
    folder = data()
    if folder is None:
        return
    for name, (lower, upper) in PUBLISHED.items():
        bound = lv.exact(folder / f"{name}.onnx", certify=True)
        assert Fraction(lower) <= Fraction(bound.lower)
        assert Fraction(bound.upper) <= Fraction(upper)
        yield FOLDER / f"{name}.json.gz", bound.certificate


def main() -> None:
    """Write them all."""
    FOLDER.mkdir(exist_ok=True)
    for path, certificate in certificates():
        certificate.save(path)


if __name__ == "__main__":
    main()
