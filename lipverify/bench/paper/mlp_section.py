"""The page's section on MLPs: the tables and the figure."""

from __future__ import annotations

from pathlib import Path

from lipverify.bench.paper.mlp import (
    BITS,
    LAYERS,
    LOWER,
    SAMPLES,
    SEED,
    SQUARE,
    STEPS,
    UPPER,
    WIDTH,
    Study,
    sample,
    study,
    train,
)
from lipverify.bench.paper.networks import kept
from lipverify.bench.paper.page import Options, Section, number, prose, table, write_figure
from lipverify.comparison import Row
from lipverify.network import Network

PAPER = {
    4: (648.2, 33.04, 21.47, 21.47, 4.36, 4.55, 6.56),
    5: (4283.1, 134.4, 72.87, 72.87, 6.77, 5.8, 7.1),
    7: (22341, 294.6, 130.2, 130.2, 5.4, 5.27, 6.51),
    10: (7343800, 19248.2, 2463.44, 2463.36, 10.04, 5.77, 17.1),
}
"""arXiv:1805.10965: Frobenius, AutoLip, SeqLip, greedy, dataset, annealing, grid."""
PROVED = {4: "both ends", 5: "lower ends", 7: "lower ends", 10: "lower ends"}
"""By layers: of which ends of both constants there are proofs in tests/certificates/constants."""
BELOW = ("dataset", "annealing", "grid", *(name for name in LOWER if name != "annealing"))
FIGURE = "paper-mlp.svg"
INK, GREY = "#24292f", "#8c959f"
COLOURS = {  # Okabe and Ito's
    "frobenius": "#999999",
    "autolip": "#d55e00",
    "seqlip": "#0072b2",
    "seqlip-greedy": "#56b4e9",
    "dataset": "#e69f00",
    "annealing": "#009e73",
    "grid": "#cc79a7",
}


def section(options: Options) -> Section:
    """Train, enumerate, estimate; two tables and a figure. Those of the page are the networks that are kept."""
    if options.quick:
        return page([run(depth, options, width=6, samples=100, steps=100, grid=20) for depth in (3, 4)], 6)
    networks = kept() if options.seed == SEED else {}
    return page([run(depth, options, networks.get(depth)) for depth in LAYERS], WIDTH, proofs=bool(networks))


def run(
    layers: int,
    options: Options,
    net: Network | None = None,
    *,
    width: int = WIDTH,
    samples: int = SAMPLES,
    steps: int = STEPS,
    grid: int = 100,
) -> Study:
    """One depth; a network is trained if none is given."""
    points, values = sample(samples, options.seed)
    if net is None:
        net = train(points, values, layers, width, steps, options.seed)
    return study(net, points, values, grid=grid, seed=options.seed, seconds=options.seconds)


ESTIMATES = ("Frobenius", "AutoLip", "SeqLip", "Greedy")
SEARCHES = ("dataset", "annealing", "grid", "ascent", "local search")
FACTS = ("layers", "regions, plane", "regions, square", "SeqLip's pairs closed", "mean squared error", "variance")


def page(studies: list[Study], width: int, *, proofs: bool = False) -> Section:
    """The section that reports some studies; `proofs` if they are of the networks that are kept."""
    convention = (
        f"ReLU networks of width {width}, fitted to a sample of a Gaussian process on the square {SQUARE}. “Layers” "
        "counts affine maps: 4 layers are 3 hidden ones. Two inputs make the number of activation regions polynomial: "
        "the exact constants below come from enumerating all of them."
    )
    stored = (
        f"The networks are kept with the program (lipverify/bench/paper/networks.json), their weights rounded to "
        f"multiples of 2^-{BITS} after training: training in floats gives other last bits on another processor, and so "
        "other constants. Proofs of the constants are kept too and checked by the tests, as far as they are small "
        "(below, “proof kept of”): a lower end needs one point, an upper end some steps for every region, which is "
        "too much from 5 layers on. `lipverify.exact(…, certify=True)` writes such a proof."
    )
    sides = (
        "Upper bounds hold everywhere, so they stand beside the constant over the whole plane. Lower bounds look at "
        "the square, so they stand beside the constant over the square; each is the exact norm at a verified "
        "point. Greedy SeqLip is no bound, and may be on either side of the truth; SeqLip is the proven upper end "
        "of a search that may be cut short by its time. The paper's rows are for its own data and networks, whose "
        "exact constants nobody computed."
    )
    ratios = (
        "The same as ratios to the exact constant: of the plane for the first four, of the square for the others. "
        "Ratios of upper bounds are rounded to nearest, those of lower bounds down."
    )
    return Section(
        [
            "## MLPs on a two-dimensional Gaussian process",
            "",
            *prose(convention),
            *prose(sides),
            *(prose(stored) if proofs else ()),
            *table(
                ["layers", *ESTIMATES, "**exact, plane**", "**exact, square**", *SEARCHES],
                [line for s in studies for line in _values(s, PAPER.get(s.layers) if width == WIDTH else None)],
            ),
            "",
            *prose(ratios),
            *table(
                ["layers", *ESTIMATES, *SEARCHES],
                [[str(s.layers), *(_ratio(s.rows[name]) for name in (*UPPER, *BELOW))] for s in studies],
            ),
            "",
            *table(
                [*FACTS, "proof kept of"] if proofs else FACTS,
                [[*_facts(s), *([PROVED[s.layers]] if proofs else [])] for s in studies],
            ),
            "",
            f"![Estimates and exact constants by depth]({FIGURE})",
        ],
        {FIGURE: lambda path: draw(studies, path)},
    )


def _values(s: Study, paper: tuple[float, ...] | None) -> list[list[str]]:
    """Our row, and the paper's."""
    truth = [f"**{number(s.everywhere.lower)}**", f"**{number(s.square.lower)}**"]
    upper, lower = ([number(s.rows[name].value) for name in names] for names in (UPPER, BELOW))
    rows = [[str(s.layers), *upper, *truth, *lower]]
    if paper is not None:
        cited = [number(x) for x in paper]
        rows.append([f"{s.layers}, paper", *cited[:4], "?", "?", *cited[4:], "", ""])
    return rows


def _ratio(row: Row) -> str:
    if row.ratio is None:
        return ""
    if row.side == "upper":
        return number(row.ratio)
    return "1" if row.ratio > 1 - 1e-9 else f"{int(row.ratio * 1e4) / 1e4:.4f}"


def _facts(s: Study) -> list[str]:
    details = s.rows["seqlip"].bound.details if s.rows["seqlip"].bound else None
    pairs = tuple(details or ())
    closed = sum(bool(pair.closed) for pair in pairs)
    return [
        str(s.layers),
        f"{s.everywhere.regions:,}",
        f"{s.square.regions:,}",
        f"{closed} of {len(pairs)}",
        f"{s.loss:.1e}",
        f"{s.variance:.2f}",
    ]


def draw(studies: list[Study], path: Path) -> None:
    """Every estimate over depth, on a logarithmic axis, the exact constants in black."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 4.4), layout="constrained")
    axes = figure.add_subplot()
    places = range(len(studies))
    for name, colour in COLOURS.items():
        values = [s.rows[name].value for s in studies]
        line = ":" if name == "seqlip-greedy" else "-"
        marker = "o" if name in UPPER else "v"
        axes.plot(places, values, color=colour, linestyle=line, marker=marker, markersize=5, label=name)
    axes.plot(places, [s.everywhere.lower for s in studies], color=INK, linewidth=2.2, label="exact, plane")
    axes.plot(
        places, [s.square.lower for s in studies], color=INK, linewidth=2.2, linestyle="--", label="exact, square"
    )
    axes.set_yscale("log")
    axes.set_xticks(list(places), [str(s.layers) for s in studies])
    axes.set_xlabel("layers", color=INK)
    axes.set_ylabel("ℓ2 Lipschitz constant", color=INK)
    axes.grid(axis="y", color="#eaeef2")
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.legend(loc="outside right upper", frameon=False)
    write_figure(figure, path)
