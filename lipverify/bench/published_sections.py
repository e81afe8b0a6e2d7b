"""The sections of `lipverify bench published`: which networks, which printed numbers, and what they claim."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from lipverify import verbs
from lipverify.bound import Bound, Status
from lipverify.domain import Ball, Box, Domain
from lipverify.network import Network
from lipverify.readers import load
from lipverify.readers.arrays import from_arrays

Claim: TypeAlias = tuple[Literal["upper", "lower"], float]
ROOM = 1e-6  # relative: what a solver's tolerance or single precision may hide
FIGURE = 0.005  # how far a figure can be misread


@dataclass(frozen=True)
class Row:
    """One network: the proved interval, printed numbers with what they claim to be, and ours by the same methods."""

    name: str
    bound: Bound
    printed: Mapping[str, Claim] = field(default_factory=dict)
    ours: Mapping[str, float] = field(default_factory=dict)

    @property
    def settled(self) -> bool:
        """Whether the constant is known."""
        return self.bound.status is Status.EXACT

    @property
    def upper(self) -> float:
        """The best of what is proved from above: ours by the same methods are all rigorous."""
        return min(self.bound.upper, *self.ours.values(), math.inf)

    def wrong(self) -> list[str]:
        """The printed numbers that the interval disproves."""
        low, high = self.bound.lower * (1 - ROOM), self.upper * (1 + ROOM)

        def beyond(side: str, value: float) -> bool:
            digit = half_digit(value)
            return value + digit < low if side == "upper" else value - digit > high

        return [name for name, (side, value) in self.printed.items() if beyond(side, value)]


def half_digit(value: float) -> float:
    """Half a unit of the last digit that is printed of a number."""
    exponent = Decimal(repr(value)).as_tuple().exponent
    return 0.5 * 10.0**exponent if isinstance(exponent, int) else 0.0


def _asked(
    net: Network, names: Mapping[str, str], seconds: float, p: Any = 2, domain: Domain | None = None
) -> tuple[Bound, dict[str, float]]:
    """The exact interval, and upper bounds of ours under the columns' names."""
    ours = {
        column: verbs.upper(net, method, p=p, domain=domain, time_limit=seconds).upper
        for column, method in names.items()
    }
    return verbs.exact(net, p=p, domain=domain, time_limit=seconds), ours


def glipsdp(folder: Path, seconds: float) -> tuple[str, str, list[Row]]:
    """Pauli, Gramlich & Allgöwer: fully connected networks of the comparison."""
    stored = json.loads((folder / "glipsdp" / "table.json").read_text(encoding="utf-8"))["networks"]
    columns: dict[str, tuple[str, Literal["upper", "lower"]]] = {
        "Lip_MP": ("product", "upper"),
        "Lip_LT": ("LipLT", "upper"),
        "Lip_LiPopt": ("LiPopt (Shor)", "upper"),
        "Lip_LipSDP": ("LipSDP", "upper"),
        "Lip_SepLip": ("SeqLip", "upper"),
        "Lip_lb": ("sampled", "lower"),
    }
    methods = {"product": "autolip", "LipLT": "liplt", "LipSDP": "lipsdp", "SeqLip": "seqlip"}
    rows = []
    for path in sorted((folder / "glipsdp").glob("fnn*.npz")):
        bound, ours = _asked(load(path), methods, seconds)
        printed: dict[str, Claim] = {
            title: (side, float(stored[path.stem][key]))
            for key, (title, side) in columns.items()
            if stored[path.stem].get(key) is not None and math.isfinite(float(stored[path.stem][key]))
        }
        rows.append(Row(path.stem, bound, printed, ours))
    return (
        "GLipSDP: classifiers of digits, global ℓ2",
        "Pauli, Gramlich & Allgöwer, arXiv:2405.01125, the fully connected rows of the comparison in its "
        "repository (ppauli/GLipSDP): 64-32-1 and 64-32-32-1, output 7. Its SeqLip column is the greedy one, of which "
        "its code says that it is not certified.",
        rows,
    )


def local_lipsdp(folder: Path, seconds: float) -> tuple[str, str, list[Row]]:
    """Hashemi, Ruths & Fazlyab: a margin of 2-100-100-2 on boxes, ℓ∞."""
    stored = json.loads((folder / "local_lipsdp" / "domains.json").read_text(encoding="utf-8"))
    entry = stored["networks"]["compare_2x100x100x2"]
    margin = load(folder / "local_lipsdp" / "compare_2x100x100x2.npz").margin(0, 1)
    sides: dict[str, Literal["upper", "lower"]] = {
        "NaiveUB": "upper",
        "FastLip": "upper",
        "LipLP": "upper",
        "CLEVER": "lower",
        "RandomLB": "lower",
    }
    rows = []
    for numbers in entry["published"]["per_radius"]:
        radius = float(numbers["radius"])
        box = Box([-radius] * 2, [radius] * 2)
        bound, ours = _asked(margin, {"crown": "crown", "GeoLIP": "geolip"}, seconds, math.inf, box)
        printed: dict[str, Claim] = {name: (side, float(numbers[name])) for name, side in sides.items()}
        rows.append(Row(f"radius {radius:g}", bound, printed, ours))
    return (
        "Local LipSDP: a margin of 2-100-100-2 on ten boxes, ℓ∞",
        "Hashemi, Ruths & Fazlyab, *Certifying incremental quadratic constraints for neural networks via convex "
        "optimization* (L4DC 2021), the outputs committed with their figure 5b (Local_LipSDP_Python): "
        "FastLip, LipLP and the naive bound are upper bounds, RandomLB is a lower one, CLEVER an estimate that is "
        "held to be one here.",
        rows,
    )


def lipsdp(folder: Path, seconds: float) -> tuple[str, str, list[Row]]:
    """Fazlyab et al.: the two example networks of the repository."""
    methods = {"product": "autolip", "LipSDP": "lipsdp", "ECLipsE": "eclipse", "ECLipsE-Fast": "eclipse-fast"}
    rows = []
    for name in ("random_weights", "mnist_weights"):
        net = load(folder / "lipsdp" / f"{name}.onnx")
        bound, ours = _asked(net, methods, seconds)
        rows.append(Row(f"{name} {'-'.join(map(str, (net.input_dim, *net.hidden, net.output_dim)))}", bound, {}, ours))
    return (
        "LipSDP: the examples of its repository, global ℓ2",
        "Fazlyab, Robey, Hassani, Morari & Pappas, NeurIPS 2019, arXiv:1906.04893 (arobey1/LipSDP): no number is "
        "committed there, so all bounds are ours.",
        rows,
    )


def eclipse(folder: Path, seconds: float) -> tuple[str, str, list[Row]]:
    """Xu & Sivaranjani: the seeded networks of the paper's figure, whose weights are all positive, and today's."""
    methods = {"product": "autolip", "ECLipsE-Fast": "eclipse-fast", "ECLipsE": "eclipse", "LipSDP": "lipsdp"}
    printed: dict[str, dict[str, Claim]] = {"uniform_l2_w80": {"ECLipsE-Fast": ("upper", 0.8090351972788797)}}
    shown = {"uniform_l2_w80": 0.46, "uniform_l5_w80": 0.45}  # CPLip over the product, read from the figure
    rows = []
    for path in sorted((folder / "eclipse").glob("*_l[25]_w*.npz")):
        if path.stem.startswith("tmlr"):
            continue
        net = load(path)
        assert path.stem.startswith("gauss") or all(bool(np.all(w >= 0)) for w in net.weights)
        bound, ours = _asked(net, methods, seconds)
        claims = dict(printed.get(path.stem, {}))
        if path.stem in shown:
            claims["CPLip, from the figure"] = ("upper", round((shown[path.stem] + FIGURE) * ours["product"], 3))
        rows.append(Row(path.stem, bound, claims, ours))
    return (
        "ECLipsE: the seeded networks of its figure, global ℓ2",
        "Xu & Sivaranjani, NeurIPS 2024, arXiv:2404.04375 (YuezhuXu/ECLipsE): 4, w … w, 1 with l matrices. The figure "
        "is of the uniform ones: every weight is ≥ 0, so the constant is ‖W_l ⋯ W_1‖₂ wherever all neurons can be "
        "active at once. The gaussian ones are what the repository's script writes since 2026. The printed number of "
        "ECLipsE-Fast is in the notebook beside the first network of two matrices and 80 neurons; those of CPLip are "
        "the most that the figure can be read as.",
        rows,
    )


def eclipse_local(folder: Path, seconds: float) -> tuple[str, str, list[Row]]:
    """Xu & Sivaranjani, local: networks of the TMLR article on its ball."""
    methods = {
        "product": "autolip",
        "LipSDP": "lipsdp",
        "CROWN": "crown",
        "ECLipsE-Gen-Local": "eclipse-gen-local",
    }
    ball = Ball([0.4, 1.8, -0.5, -1.3, 0.9], math.sqrt(5))
    rows = []
    for path in sorted((folder / "eclipse").glob("tmlr_*.npz")):
        bound, ours = _asked(load(path), methods, seconds, domain=ball)
        rows.append(Row(path.stem, bound, {}, ours))
    return (
        "ECLipsE-Gen-Local: seeded networks on a ball, ℓ2",
        "Xu & Sivaranjani, TMLR 2026 (YuezhuXu/ECLipsE): 5, w … w, 2 with l matrices, the small set, on the ball of "
        "radius √5 about (0.4, 1.8, −0.5, −1.3, 0.9), which is what its code bounds for the box of half-width 1. The "
        "networks are committed there, their numbers are not: all bounds are ours. LipSDP knows here which neurons "
        "the ball decides.",
        rows,
    )


def glipsdp_mnist(folder: Path, seconds: float) -> tuple[str, str, list[Row]]:
    """GLipSDP's classifiers of MNIST, with the numbers of the scalability table."""
    methods = {"product": "autolip", "ECLipsE": "eclipse", "LipSDP": "lipsdp"}
    printed = {"mlp_L3_W16_folded": 0.88272, "mlp_L3_W32_folded": 0.90493}
    rows = []
    for name, value in printed.items():
        net = load(folder / "glipsdp_mnist" / f"{name}.onnx")
        bound, ours = _asked(net, methods, seconds)
        rows.append(Row(name.removesuffix("_folded"), bound, {"GLipSDP": ("upper", value)}, ours))
    return (
        "GLipSDP: classifiers of MNIST, global ℓ2",
        "The scalability table of the same repository: 784-w-w-w-10, leaky ReLU of slope 0.01. Its numbers come from "
        "the inner square matrices alone, transposed, without the factors that the layers multiply them by, and for "
        "slopes in [0, 1]: they bound another function.",
        rows,
    )


def glipsdp_cnn(folder: Path, seconds: float) -> tuple[str, str, list[Row]]:
    """The convolutional rows of GLipSDP's comparison: the trained networks, and the functions that were evaluated."""
    stored = json.loads((folder / "glipsdp" / "table.json").read_text(encoding="utf-8"))["networks"]
    columns: dict[str, tuple[str, Literal["upper", "lower"]]] = {
        "Lip_MP": ("product", "upper"),
        "Lip_LT": ("LipLT", "upper"),
        "Lip_GLipSDP_c": ("GLipSDP", "upper"),
        "Lip_LipSDP": ("LipSDP", "upper"),
        "Lip_SepLip": ("SeqLip", "upper"),
        "Lip_lb": ("sampled", "lower"),
    }
    rows = []
    for path in sorted((folder / "glipsdp").glob("cnn*.onnx")):
        name = path.stem.removesuffix("_as_evaluated")
        evaluated = path.stem != name
        net = load(path)  # of hundreds of neurons: no search ends, so the interval is that of a climb and of bounds
        bound = verbs.lower(net, "ascent", time_limit=seconds)
        methods = {"product": "autolip", "LipLT": "liplt", "ECLipsE-Fast": "eclipse-fast"}
        ours = {title: verbs.upper(net, method, time_limit=seconds).upper for title, method in methods.items()}
        printed: dict[str, Claim] = {title: (side, float(stored[name][key])) for key, (title, side) in columns.items()}
        rows.append(Row(f"{name}, {'as evaluated' if evaluated else 'as trained'}", bound, printed, ours))
    return (
        "GLipSDP: convolutional classifiers of digits, global ℓ2",
        "The same comparison's convolutional rows. The code beside the article unrolls convolutions column by column, "
        "and keeps the last layer's weights in the exporter's order, row by row: its numbers are of other functions "
        "than the trained networks. Each number is held to both: to the function that was evaluated, and to the "
        "network that it is printed for.",
        rows,
    )


def maxmin(folder: Path, seconds: float) -> tuple[str, str, list[Row]]:
    """Pauli et al.: MaxMin networks, read exactly as identities and absolute values."""
    methods = {"ECLipsE": "eclipse", "LipSDP": "lipsdp"}
    rows = []
    for path in sorted((folder / "maxmin").glob("*.npz")):
        with np.load(path) as arrays:
            weights = [arrays[f"W{k}"].astype(np.float64) for k in range(len(arrays) // 2)]
        net = from_arrays(weights, activation="groupsort:2")
        bound, ours = _asked(net, methods, seconds)
        shape = "-".join(str(n) for n in (weights[0].shape[1], *map(len, weights)))
        rows.append(Row(f"{path.stem} {shape}", bound, {}, ours))
    return (
        "MaxMin: classifiers of MNIST, global ℓ2",
        "Pauli, Havens, Araujo, Garg, Khorrami, Allgöwer & Hu, ICLR 2024, arXiv:2401.14033 (ppauli/QCs_MaxMin): no "
        "number is committed there, and no bias, so all bounds are ours, of the networks with zero biases. Sorted "
        "pairs are read as identities and absolute values, on which LipSDP is as tight as any quadratic constraints "
        "for pairs make it.",
        rows,
    )


def exlipbab(folder: Path, seconds: float) -> tuple[str, str, list[Row]]:
    """ExLipBaB's networks, with the ends that it printed."""
    printed: dict[str, dict[str, Claim]] = {
        "iris_net_4x6x6x3_ReLU": _closed(11.634355134114875),
        "abalone_net_9x16x16x1_ReLU": _closed(11.121602332235268),
        "wine_net_11x12x12x1_ReLU": _closed(1.7433699967107172),
        "bike_net_13x20x16x8x3_ReLU": _closed(10802.403812748018),
        "wine_net_11x24x24x1_ReLU": {"ExLipBaB, lower": ("lower", 1.7369), "ExLipBaB, upper": ("upper", 2.53)},
    }
    methods = {"product": "autolip", "ECLipsE": "eclipse", "LipSDP": "lipsdp"}
    rows = []
    for name, claims in printed.items():
        bound, ours = _asked(load(folder / "exlipbab" / f"{name}.onnx"), methods, seconds)
        rows.append(Row(name, bound, claims, ours))
    return (
        "ExLipBaB: regressors and a classifier, global ℓ2",
        "The networks of the exact method for piecewise linear networks (tsplittg/ExLipBaB_Code, 2026), whose values "
        "took it 0.2 s to 7 hours, and twelve hours for the interval of the last one.",
        rows,
    )


def _closed(value: float) -> dict[str, Claim]:
    """A constant that was printed as exact."""
    return {"ExLipBaB, lower": ("lower", value), "ExLipBaB, upper": ("upper", value)}
