"""Write the corpora again: python -m tests.certificates.make

accept/ holds proofs of true claims, reject/ lies that are well formed, malformed/ what is no certificate at all.
Every file is one case: the network, the claim, the certificate, and in a word why. The names say what it is about.
Cases of accept/ are written by `exact(…, certify=True)` or by hand; those of reject/ all by hand from them.
"""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import lipverify as lv
from lipverify.readers.native import network_record

HERE = Path(__file__).resolve().parent
TINY = 2.0**-40

Case = dict[str, Any]

IDENTITY = lv.Network([[[1], [-1]], [[1, -1]]])
ZERO = lv.Network([[[1], [-1], [1], [-1]], [[1, 1, -1, -1]]])
CORNER = lv.Network([[[1, 0], [0, 1], [-1, -1]], [[1, 1, -1]]])
DOUBLE_DEAD = lv.Network([[[1]], [[-1]], [[1]]])
OPPOSITE_ERROR = lv.Network([[[1], [-1]], [[1, 0], [0, 1]], [[1, 5]]])
CIRCULAR = lv.Network([[[1], [1], [-1]], [[1, 0, 0], [0, 0, 5]], [[1, 1]]], [[0, 0.5, -0.5], [0.25, 0], [0]])
DEEP = lv.Network(
    [[[1, 0.5], [-0.5, 1], [0.25, -1]], [[1, -1, 0.5], [0.5, 1, -1]], [[1, -2]]],
    [[0.5, -0.25, 0.125], [0.25, -0.5], [0]],
)
MATRIX = lv.Network([[[1, 2], [-1, 1], [0.5, -1]], [[1, 0, 1], [0, 1, -1]]], [[0.5, 0, -0.25], None])
TWO_SLOPE = lv.Network([[[1, -1], [2, 1]], [[1, 1], [1, -1]], [[1, 2]]], None, [[[-1, 1], [1, 1]], [[0.25, 1], [0, 1]]])
LINEAR = lv.Network([[[3, 4], [0, 1]]])
MARGIN = lv.Network([[[1], [1], [-1]], [[1, 1, 1]]], [[0, TINY, -TINY], [0]])
FACET = lv.Network([[[1], [-1]], [[1, 3]]], [[-1, 1], [0]])
CUT = lv.Network([[[1, 0, -1], [-1, 1, 0], [0, -1, 1]], [[1, 1, 1]]])  # the triangle: L² = its maximum cut, 2


def record(net: lv.Network) -> Case:
    """The network's JSON object, without where it was read from."""
    return network_record(lv.Network(net.weights, net.biases, net.slopes))


def claim(net: lv.Network, p: Any = 2, domain: lv.Box | lv.Polytope | None = None, why: str = "") -> Case:
    """A proved claim, as tight as it is known, by the program."""
    bound = lv.exact(net, p=p, domain=domain, certify=True)
    exact = bound.exact_value
    lower, upper = (str(exact),) * 2 if exact is not None else (bound.lower.hex(), bound.upper.hex())
    norm = ":".join("inf" if x == math.inf else str(x) for x in (p if isinstance(p, tuple) else (p, p)))
    return {
        "why": why,
        "network": record(net),
        **_domain(domain),
        "p": norm,
        "lower": lower,
        "upper": upper,
        "certificate": bound.certificate.record(),
    }


def _domain(domain: lv.Box | lv.Polytope | None) -> Case:
    if isinstance(domain, lv.Box):
        return {"box": {"lower": [x.hex() for x in domain.lower], "upper": [x.hex() for x in domain.upper]}}
    if isinstance(domain, lv.Polytope):
        return {"polytope": {"A": [[x.hex() for x in row] for row in domain.A], "b": [x.hex() for x in domain.b]}}
    return {}


def by_hand(
    net: lv.Network, witness: list[str] | None, tree: Any, lower: str, upper: str, why: str, **more: Any
) -> Case:
    """A case with a certificate in full."""
    certificate = {"format": "lipverify-certificate", "version": 1, "witness": witness, "enough": None, "tree": tree}
    return {
        "why": why,
        "network": record(net),
        "p": "2",
        "lower": lower,
        "upper": upper,
        "certificate": certificate,
    } | more


IDENTITY_TREE = [
    ["split", 0],
    ["split", 1],
    ["empty", [[0, 1], [1, 1]]],
    ["slopes"],
    ["split", 1],
    ["slopes"],
    ["empty", [[0, 1], [1, 1]]],
]
CUT_TREE = [
    ["split", 0],
    ["split", 1],
    ["split", 2],
    ["empty", [[0, 1], [1, 1], [2, 1]]],
    ["slopes"],
    ["split", 2],
    ["slopes"],
    ["slopes"],
    ["split", 1],
    ["split", 2],
    ["slopes"],
    ["slopes"],
    ["split", 2],
    ["slopes"],
    ["empty", [[0, 1], [1, 1], [2, 1]]],
]


def accepted() -> dict[str, Case]:
    """True claims with their proofs."""
    unit = lv.Box([-1, -1], [1, 1])
    triangle = lv.Polytope([[-1, 0], [0, -1], [1, 1]], [0, 0, 1])
    found = {
        "identity-by-hand": by_hand(IDENTITY, ["1"], IDENTITY_TREE, "1", "1", "FORMAT.md's example"),
        "triangle-cut-by-hand": by_hand(
            CUT, ["1", "2", "4"], CUT_TREE, "1.4142135623730950488", "1.41421356237309504881", "L² = 2"
        ),
        "upper-only": by_hand(
            IDENTITY, None, IDENTITY_TREE, "0", "1", "no witness is needed where the domain is seen to be open"
        ),
        "lower-only": by_hand(IDENTITY, ["-1/3"], None, "1", "inf", "no tree is needed for a lower bound"),
        "ball": by_hand(
            lv.Network([[[1, 0]], [[1]]], [[-1], [0]]),
            ["0", "0"],
            [["split", 0], ["empty", [[0, 1]]], ["slopes"]],
            "0",
            "0",
            "relu(x - 1) vanishes on the open unit ball, which its kink touches",
            ball={"center": ["0", "0"], "radius": "1"},
        ),
        "ball-two-rows": by_hand(
            lv.Network([[[1, 1], [1, -1]], [[1, 1]]], [[-1, -1], [0]]),
            ["1/4", "0"],
            [["split", 0], ["split", 1], ["empty", [[0, 1], [1, 1]]], ["slopes"], ["split", 1], ["slopes"], ["slopes"]],
            "0",
            "1.4142135623730950489",
            "both active needs x > 1",
            ball={"center": ["0", "0"], "radius": "1"},
        ),
    }
    found |= {
        "constant-given-plus": by_hand(
            DOUBLE_DEAD,
            None,
            [["split", 1], ["split", 0], ["empty", [[0, 1], [1, 1]]], ["empty", [[1, 1]]], ["slopes"]],
            "0",
            "0",
            "neuron 1 is split before its form is known; then it is constant, 0, and was given the sign of > 0",
        ),
        "constant-given-minus": by_hand(
            lv.Network([[[1]], [[1]], [[1]]], [[0], [0.25], [0]]),
            ["1"],
            [["split", 1], ["slopes"], ["split", 0], ["empty", [[0, 1], [1, 1]]], ["empty", [[1, 1]]]],
            "1",
            "1",
            "neuron 1 is constant, 1/4, where neuron 0 is inactive, and was given the sign of ≤ 0",
        ),
    }
    for name, net, why in (
        ("a-identity", IDENTITY, "relu(x) - relu(-x): the pattern (1, 1) holds at 0 only"),
        ("b-zero", ZERO, "a function that is 0"),
        ("c-corner", CORNER, "the pattern (1, 1, 1) holds at 0 only; L² = 5"),
        ("d-double-dead", DOUBLE_DEAD, "relu(-relu(x)) is 0"),
        ("e-opposite-error", OPPOSITE_ERROR, "a pre-activation that is identically 0 is no boundary; L = 5"),
        ("circular", CIRCULAR, "the network of the circular lie"),
        ("deep", DEEP, "two hidden layers"),
        ("matrix", MATRIX, "two outputs"),
        ("two-slope", TWO_SLOPE, "absolute value, identity, leaky relu"),
        ("linear", LINEAR, "no hidden layer; L² = 25"),
        ("margin-2-40", MARGIN, "regions 2^-40 wide"),
        ("triangle-cut", CUT, "the grid: L² is an integer"),
    ):
        for p in (1, 2, math.inf):
            found[f"{name}-p{p}"] = claim(net, p, None, why)
    found["facet-below"] = claim(
        FACET, 1, lv.Box([-1], [1]), "the kink lies on the box's facet: only slope -3 is inside"
    )
    found["facet-above"] = claim(FACET, 1, lv.Box([1], [2]), "the kink lies on the other facet: only slope 1 is inside")
    found["facet-margin"] = claim(FACET, 1, lv.Box([-1], [1 + TINY]), "2^-40 beyond the kink")
    for p in (1, 2, math.inf, (1, 2), (2, math.inf), (math.inf, 1), (2, 1), (math.inf, 2)):
        text = "-".join(map(str, p)) if isinstance(p, tuple) else str(p)
        found[f"deep-box-p{text}"] = claim(DEEP, p, unit, "a box")
        found[f"matrix-triangle-p{text}"] = claim(MATRIX, p, triangle, "a polytope")
    return found


def lies(good: dict[str, Case]) -> dict[str, Case]:
    """Well-formed certificates that prove nothing, or claims that they do not prove."""

    def changed(name: str, why: str, change: Callable[[Case], None], **claimed: Any) -> Case:
        case = copy.deepcopy(good[name]) | claimed | {"why": why}
        change(case["certificate"])
        return case

    def steps(new: list[Any]) -> Callable[[Case], None]:
        return lambda certificate: certificate.__setitem__("tree", new)

    def nothing(_: Case) -> None:
        pass

    def directly(certificate: Case) -> None:  # so that the tree is what fails, not what it would have to reach
        certificate["enough"] = None

    box = {"box": {"lower": ["-1"], "upper": ["1"]}}
    hand = "identity-by-hand"
    linear = lv.Network([[[-1], [1]], [[1, 5]]], None, [[[1, 1], [0, 1]]])
    deep_first = lv.Network([[[1]], [[1], [-1]], [[1, 1]]])
    return {
        "constant-row": by_hand(
            OPPOSITE_ERROR,
            ["-1"],
            [
                ["split", 0],
                ["split", 1],
                ["empty", [[0, 1], [1, 1]]],
                ["empty", [[3, 1]]],
                ["split", 1],
                ["empty", [[2, 1]]],
                ["empty", [[0, 1], [1, 1]]],
            ],
            "0",
            "1",
            "neuron 3 is identically 0 where neuron 1 is inactive; as a row it would empty the node",
        ),
        "circular": by_hand(
            CIRCULAR,
            ["1/2"],
            [
                ["split", 1],
                ["split", 2],
                ["empty", [[1, 1], [2, 1]]],
                ["split", 0],
                ["split", 3],
                ["slopes"],
                ["empty", [[0, 1], [3, 1]]],
                ["slopes"],
                ["split", 3],
                ["split", 0],
                ["empty", [[0, 1], [1, 1]]],
                ["empty", [[0, 1], [1, 1], [3, 2]]],
                ["split", 0],
                ["empty", [[0, 1], [1, 1]]],
                ["split", 2],
                ["empty", [[3, 1]]],
                ["empty", [[1, 1], [2, 1]]],
            ],
            "0",
            "1",
            "the row of neuron 3, written as if neuron 0 were active, helps to prove that neuron 0 is active; L = 5",
            **box,
        ),
        "closed-region": by_hand(
            IDENTITY, ["0"], None, "2", "inf", "both neurons are active at 0 only if closed regions count"
        ),
        "kink": by_hand(
            IDENTITY, ["0"], None, "1", "inf", "a witness on a kink shows nothing, though the bound is true"
        ),
        "facet-witness": by_hand(IDENTITY, ["1"], None, "1", "inf", "a witness on a facet is not inside", **box),
        "outside": by_hand(IDENTITY, ["2"], None, "1", "inf", "a witness outside the box", **box),
        "ball-surface": changed("ball", "a witness on the sphere", lambda c: c.__setitem__("witness", ["1", "0"])),
        "closed-ball": by_hand(
            lv.Network([[[1, 0]], [[1]]], [[-1 + TINY], [0]]),
            ["0", "0"],
            [["split", 0], ["empty", [[0, 1]]], ["slopes"]],
            "0",
            "0",
            "the kink cuts a cap of height 2^-40 off the ball",
            ball={"center": ["0", "0"], "radius": "1"},
        ),
        "ball-centre": by_hand(
            lv.Network([[[1, 0]], [[1]]], [[2], [0]]),
            ["0", "0"],
            [["split", 0], ["empty", [[0, 1]]], ["slopes"]],
            "0",
            "0",
            "h(c)² ≥ r²‖∇h‖² alone does not say on which side the ball is",
            ball={"center": ["0", "0"], "radius": "1"},
        ),
        "lower-too-high": changed(
            hand, "a lower bound 1e-9 too high", nothing, lower="1.000000001", upper="1.000000001"
        ),
        "upper-too-low": changed(hand, "an upper bound 1e-9 too low", nothing, lower="0", upper="0.999999999"),
        "corner-too-low": changed("c-corner-p2", "an upper bound below √5", directly, lower="0", upper="2.2360679"),
        "matrix-too-low": changed(
            "matrix-p2",
            "a spectral norm 1e-6 too low",
            nothing,
            lower="0",
            upper=_times("matrix-p2", good, 1 - Fraction(1, 10**6)),
        ),
        "matrix-too-high": changed(
            "matrix-p2",
            "a spectral norm 1e-6 too high",
            nothing,
            lower=_times("matrix-p2", good, 1 + Fraction(1, 10**6)),
            upper="100",
        ),
        "dropped-leaf": changed(hand, "a leaf is missing", steps(IDENTITY_TREE[:-1])),
        "extra-leaf": changed(hand, "a leaf too many", steps([*IDENTITY_TREE, ["slopes"]])),
        "swapped": changed(
            hand,
            "two leaves exchanged",
            steps([*IDENTITY_TREE[:2], ["slopes"], ["empty", [[0, 1], [1, 1]]], *IDENTITY_TREE[4:]]),
            upper="1",
        ),
        "split-twice": changed(
            hand,
            "a neuron is split twice",
            steps([["split", 0], ["split", 0], *IDENTITY_TREE[1:4], *IDENTITY_TREE[4:], *IDENTITY_TREE[4:]]),
        ),
        "implied-wrong-sign": changed(
            hand,
            "the other sign is implied",
            steps([*IDENTITY_TREE[:5], ["empty", [[0, 1], [1, 1]]], ["slopes"]]),
        ),
        "implied-of-itself": changed(
            hand,
            "the opposite row alone refutes nothing",
            steps([*IDENTITY_TREE[:6], ["empty", [[1, 1]]]]),
        ),
        "not-constant": changed(
            hand,
            "the combination is not constant",
            steps([*IDENTITY_TREE[:2], ["empty", [[0, 2], [1, 1]]], *IDENTITY_TREE[3:]]),
        ),
        "undecided-row": changed(
            hand,
            "a row of a neuron that is not assigned",
            steps([["split", 0], ["empty", [[0, 1], [1, 1]]], ["empty", [[0, 1], [1, 1]]]]),
        ),
        "positive": by_hand(
            lv.Network([[[1], [-1]], [[1, 1]]], [[1, 0], [0]]),
            ["2"],
            [["split", 0], ["split", 1], ["empty", [[0, 1], [1, 1]]], ["slopes"], ["split", 1], ["slopes"], ["slopes"]],
            "0",
            "1",
            "the combination is the constant 1 > 0: the pattern has a region, of slope 0",
        ),
        "linear-row": by_hand(
            linear,
            ["1"],
            [["split", 1], ["empty", [[0, 1], [1, 1]]], ["slopes"]],
            "0",
            "1",
            "neuron 0 is linear and has no sign, so its row is no half-space; L = 4",
        ),
        "constant-facet": by_hand(
            IDENTITY,
            ["1/2"],
            [["empty", [[-1, 1]]]],
            "0",
            "0",
            "0·x ≤ 0 is a facet that holds everywhere and is > 0 nowhere",
            polytope={"A": [["0"], ["1"], ["-1"]], "b": ["0", "1", "1"]},
        ),
        "facet-without-box": changed(
            hand,
            "a facet of a domain that has none",
            steps([*IDENTITY_TREE[:2], ["empty", [[-1, 1]]], *IDENTITY_TREE[3:]]),
        ),
        "form-not-known": by_hand(
            deep_first,
            ["1"],
            [["split", 1], ["split", 2], ["empty", [[1, 1], [2, 1]]], ["slopes"], ["slopes"]],
            "0",
            "1",
            "rows of the second layer before the first one is assigned",
        ),
        "constant-is-not": changed(
            hand, "a neuron that is not constant", steps([*IDENTITY_TREE[:2], ["empty", [[1, 1]]], *IDENTITY_TREE[3:]])
        ),
        "constant-with-its-sign": by_hand(
            DOUBLE_DEAD,
            ["1"],
            [["split", 0], ["split", 1], ["empty", [[0, 1], [1, 1]]], ["slopes"], ["empty", [[1, 1]]]],
            "0",
            "0",
            "neuron 1 is constant and has just the sign it was assigned by itself",
        ),
        "enough-beyond-the-grid": changed(
            "triangle-cut-p2",
            "the next value of the grid is not excluded",
            lambda c: c.__setitem__("enough", "2"),
            upper="1.4142135624",
            lower="0",
        ),
        "enough-without-a-grid": changed(
            "matrix-p2", "spectral norms are on no grid", lambda c: c.__setitem__("enough", "100"), lower="0", upper="1"
        ),
        "slopes-too-wide": changed(hand, "the ranges of slopes allow 2", steps([["slopes"]])),
        "slopes-of-another-norm": changed(
            "deep-p1", "a proof for p = 1 against p = inf", directly, p="inf", lower="0", upper="1"
        ),
        "sdp-weak": by_hand(CUT, ["1", "2", "4"], [["sdp", 0, [0, 0, 0]]], "0", "1", "multipliers that prove nothing"),
        "sdp-norm": by_hand(
            LINEAR,
            ["1", "1"],
            [["sdp", 0, []]],
            "0",
            "6",
            "the rule is for p = 2; L = 7 here, and 5.06 for p = 2",
            p="inf",
        ),
        "sdp-mixed-norm": by_hand(
            LINEAR, ["1", "1"], [["sdp", 0, []]], "0", "51/10", "not for p = 2 and q = 1 either", p="2:1"
        ),
        "other-network": changed(hand, "a proof of another network", nothing)
        | {"network": record(lv.Network([[[1], [-1]], [[2, -2]]]))},
        "neuron-permuted": changed("facet-below", "the neurons in another order", directly)
        | {
            "network": record(lv.Network([[[-1], [1]], [[3, 1]]], [[1, -1], [0]])),
            "box": {"lower": ["-1"], "upper": ["1"]},
            "upper": "1",
            "lower": "0",
        },
        "other-domain": changed("facet-below", "a proof on another box", directly)
        | {"box": {"lower": ["0"], "upper": ["2"]}, "upper": "2", "lower": "0"},
        "no-domain": changed(
            "facet-above", "a proof on a box, claimed everywhere", lambda c: c.__setitem__("witness", ["3/2"])
        )
        | {"box": None},
        "flat-box": changed("facet-above", "a box without interior", nothing)
        | {"box": {"lower": ["1"], "upper": ["1"]}},
        "empty-polytope": by_hand(
            IDENTITY,
            None,
            [["empty", [[-1, 1], [-2, 1]]]],
            "0",
            "0",
            "nothing shows that the polytope has an interior, and it has none",
            polytope={"A": [["1"], ["-1"]], "b": ["0", "0"]},
        ),
        "negative-upper": changed(hand, "a claim that says nothing", nothing, lower="0", upper="-1"),
        "crossed-claim": changed(hand, "lower > upper", nothing, lower="1", upper="1/2"),
        "no-witness": changed(hand, "a lower bound without a witness", lambda c: c.__setitem__("witness", None)),
        "no-tree": changed(hand, "an upper bound without a tree", lambda c: c.__setitem__("tree", None)),
        "dimension": changed(hand, "a witness of another dimension", lambda c: c.__setitem__("witness", ["1", "1"])),
    }


def _times(name: str, good: dict[str, Case], factor: Fraction) -> str:
    return str(Fraction(float.fromhex(good[name]["upper"])) * factor)


def malformed(good: dict[str, Case]) -> dict[str, Case]:
    """Certificates that are none."""

    def with_(path: tuple[Any, ...], value: Any, why: str) -> Case:
        case = copy.deepcopy(good["identity-by-hand"]) | {"why": why}
        at = case["certificate"]
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = value
        return case

    def text(raw: str, why: str) -> Case:
        return copy.deepcopy(good["identity-by-hand"]) | {"why": why, "certificate": None, "raw": raw}

    honest = json.dumps(good["identity-by-hand"]["certificate"])
    return {
        "version": with_(("version",), 2, "another version"),
        "version-true": with_(("version",), True, "a version that is a truth value"),
        "format": with_(("format",), "lipverify", "another format"),
        "unknown-key": with_(("trust",), True, "an unknown key"),
        "witness-float": text(honest.replace('["1"]', "[1.0]"), "a float"),
        "witness-integer": with_(("witness",), [1], "a number that is no string"),
        "witness-words": with_(("witness",), ["one"], "no number"),
        "witness-division-by-zero": with_(("witness",), ["1/0"], "a zero denominator"),
        "witness-long-decimal": with_(("witness",), ["1" * 500 + ".0"], "more digits than a decimal may have"),
        "witness-huge-exponent": with_(("witness",), ["1e99999"], "more exponent than a decimal may have"),
        "nan": text(honest.replace('["1"]', "[NaN]"), "NaN"),
        "infinity": text(honest.replace('["1"]', "[-Infinity]"), "infinity"),
        "doubled-key": text(honest.replace('"version"', '"version": 1, "version"'), "a key twice"),
        "not-json": text("{", "no JSON"),
        "empty": text("", "an empty file"),
        "array": text("[]", "no object"),
        "latin-1": text("\udcff", "no UTF-8"),
        "deep": text("[" * 100_000, "deep nesting"),
        "gzip-damaged": text("\x1f\udc8bdamaged", "gzip's magic and nothing behind it"),
        "tree-object": with_(("tree",), {}, "a tree that is no array"),
        "step-string": with_(("tree", 0), "split", "a step that is no array"),
        "step-empty": with_(("tree", 0), [], "an empty step"),
        "rule-unknown": with_(("tree", 3), ["trust me"], "an unknown rule"),
        "rule-number": with_(("tree", 3), [7], "a rule without a name"),
        "split-nothing": with_(("tree", 0), ["split"], "a split of nothing"),
        "split-float": text(honest.replace('["split", 0]', '["split", 0.0]'), "a neuron that is a float"),
        "split-true": with_(("tree", 0), ["split", True], "a neuron that is a truth value"),
        "split-negative": with_(("tree", 0), ["split", -1], "a negative neuron"),
        "split-beyond": with_(("tree", 0), ["split", 2], "a neuron that does not exist"),
        "rule-method": with_(("tree", 3), ["witness", ["1"]], "a name of the checker's own that is no rule"),
        "slopes-more": with_(("tree", 3), ["slopes", 1], "slopes with an argument"),
        "multiplier-zero": with_(("tree", 2), ["empty", [[0, 0], [1, 1]]], "a zero multiplier"),
        "multiplier-negative": with_(("tree", 2), ["empty", [[0, -1], [1, -1]]], "negative multipliers"),
        "multiplier-string": with_(("tree", 2), ["empty", [[0, "1"], [1, 1]]], "a multiplier that is a string"),
        "multiplier-none": with_(("tree", 2), ["empty", []], "no multipliers"),
        "multiplier-triple": with_(("tree", 2), ["empty", [[0, 1, 1]]], "not a pair"),
        "sdp-count": with_(("tree", 3), ["sdp", 0, [1]], "more multipliers than neurons"),
        "sdp-string": with_(("tree", 0), ["sdp", 0, ["1", 1]], "a multiplier that is a string"),
        "sdp-shift": with_(("tree", 3), ["sdp", 10**9, []], "an exponent beyond the limit"),
    }


def main() -> None:
    """Write all cases."""
    good = accepted()
    for folder, cases in (("accept", good), ("reject", lies(good)), ("malformed", malformed(good))):
        where = HERE / folder
        where.mkdir(exist_ok=True)
        for old in where.glob("*.json"):
            old.unlink()
        for name, case in cases.items():
            path = where / f"{name.replace('.', '_').replace(':', '-')}.json"
            path.write_text(json.dumps(case, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
