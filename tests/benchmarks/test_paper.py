"""`lipverify bench paper`: its truth checks on tiny sizes, and the whole quick page with `pytest -m benchmark`."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

import lipverify as lv
from lipverify.bench import run
from lipverify.bench.paper import cnn, ideal, mlp, mlp_section
from lipverify.bench.paper.networks import kept
from lipverify.bench.paper.page import Options, number, prose, table
from lipverify.evaluate import forward_exact


def test_pairs_multiply_to_the_network() -> None:
    """With all neurons on, the pairs' middle factors are the layers: the product of singular values is preserved."""
    chain = ideal.layers(3, 5, 0.3, np.random.default_rng(0))
    (a, b), (c, d) = ideal.pairs(chain)
    first, second, third = ((layer.left * layer.values) @ layer.right.T for layer in chain)
    assert np.linalg.svd(a @ b @ np.linalg.pinv(b) @ b)[1] == pytest.approx(np.linalg.svd(a @ b)[1])
    whole = c @ d @ a @ b  # Σ₃V₃ᵀ U₂Σ₂^½ Σ₂^½V₂ᵀ U₁Σ₁ has the singular values of W₃W₂W₁
    assert np.linalg.svd(whole)[1] == pytest.approx(np.linalg.svd(third @ second @ first)[1])


@pytest.mark.parametrize("ratio", [0.0, 0.1, 0.7, 1.0])
def test_the_ideal_case_against_brute_force(ratio: float) -> None:
    """leading ≤ SeqLip, greedy ≤ SeqLip ≤ upper, SeqLip over all vertices of every pair."""
    for seed in range(4):
        result = ideal.measure(4, 6, ratio, seed)
        chain = ideal.layers(4, 6, ratio, np.random.default_rng(seed))
        vertices = np.array(list(itertools.product((0.0, 1.0), repeat=6)))
        best = [np.linalg.norm((A * vertices[:, None, :]) @ B, 2, axis=(1, 2)).max() for A, B in ideal.pairs(chain)]
        seqlip = math.prod(best)
        slack = 1 + 1e-9
        assert result.leading <= seqlip * slack
        assert result.greedy <= seqlip * slack
        assert seqlip <= result.upper * slack
        assert result.upper <= slack
        if ratio == 0.0:
            assert result.leading == pytest.approx(result.upper)
        net = lv.Network([(layer.left * layer.values) @ layer.right.T for layer in chain])
        assert lv.upper(net, "autolip").upper == pytest.approx(1.0)
        assert lv.upper(net, "seqlip").upper == pytest.approx(seqlip)


def test_a_study_holds_estimates_to_the_truth() -> None:
    """lower ≤ exact ≤ upper on a tiny trained network, against an enumeration that is not the bench's own."""
    points, values = mlp.sample(40, seed=1)
    net = mlp.train(points, values, 3, 4, 40, seed=1)
    study = mlp.study(net, points, values, grid=8, seed=1, seconds=5.0)
    errors = [float(forward_exact(net, [Fraction(v) for v in x])[0]) - y for x, y in zip(points, values, strict=True)]
    assert study.loss == pytest.approx(sum(e * e for e in errors) / 40)
    regions = list(lv.regions(net))
    norms = [math.hypot(*map(float, region.weight[0])) for region in regions]
    assert study.everywhere.regions == len(regions)
    assert study.everywhere.lower == pytest.approx(max(norms))
    assert study.square.upper <= study.everywhere.upper
    for domain, known in ((None, study.everywhere), (mlp.SQUARE, study.square)):
        proof = lv.exact(net, "enumeration", domain=domain, certify=True).certificate
        lv.check(net, proof, domain=domain, lower=known.lower, upper=known.upper)
    for name in mlp.UPPER:
        assert study.rows[name].value >= study.everywhere.lower or name == "seqlip-greedy"
    for name in ("dataset", "grid", *mlp.LOWER):
        assert 0 < study.rows[name].value <= study.square.upper
    lines = mlp_section.page([study], 4).lines
    assert any(line.startswith("| 3 |") for line in lines)
    assert not any("paper |" in line or "kept" in line for line in lines)
    cited = mlp_section.page([study], mlp_section.WIDTH).lines
    assert not any("3, paper" in line for line in cited)  # the paper has no row for 3 layers


def test_training_is_deterministic() -> None:
    points, values = mlp.sample(20, seed=3)
    assert mlp.train(points, values, 3, 4, 10, seed=3) == mlp.train(points, values, 3, 4, 10, seed=3)
    assert mlp.train(points, values, 3, 4, 10, seed=3) != mlp.train(points, values, 3, 4, 10, seed=4)


def test_the_networks_that_are_kept_are_those_of_the_page() -> None:
    """Of the paper's shapes, in multiples of 2^-8, and fitted as well as the page says."""
    networks = kept()
    assert tuple(networks) == mlp.LAYERS
    points, values = mlp.sample(mlp.SAMPLES, mlp.SEED)
    page = (Path(__file__).resolve().parents[2] / "docs" / "paper.md").read_text(encoding="utf-8")
    facts = page[page.index("| layers | regions, plane") :]
    for layers, net in networks.items():
        assert (net.input_dim, *net.hidden, net.output_dim) == (2, *[mlp.WIDTH] * (layers - 1), 1)
        assert all((array * 2.0**mlp.BITS % 1 == 0).all() for array in (*net.weights, *net.biases))
        (line,) = [x for x in facts.splitlines() if x.startswith(f"| {layers} |")]
        assert f"| {mlp.loss(net, points, values):.1e} |" in line


def test_the_page_is_made_of_plain_markdown() -> None:
    assert table(["a", "b"], [["1", "2"]]) == ["| a | b |", "| :-- | --: |", "| 1 | 2 |"]
    assert [number(x) for x in (0.123456, 648.2, 19248.2, 7343800.0)] == ["0.1235", "648.2", "19,248", "7.34e+06"]
    assert all(len(line) <= 110 for line in prose("word " * 200))


@pytest.mark.benchmark
def test_the_quick_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("paper", ["--quick", "--write", str(tmp_path)]) == 0
    page = (tmp_path / "paper.md").read_text(encoding="utf-8")
    assert "exact, plane" in page
    assert (tmp_path / "paper-mlp.svg").read_text(encoding="utf-8").startswith("<?xml")
    assert run("paper", ["--quick"]) == 0
    assert capsys.readouterr().out.splitlines()[4:] == page.splitlines()[4:]  # the same numbers, wherever it goes


def test_options_have_the_paper_as_default() -> None:
    assert mlp.LAYERS == (4, 5, 7, 10) == tuple(mlp_section.PAPER)
    assert Options(quick=True, seed=0, seconds=1.0).quick


def test_convolutional_networks() -> None:
    """The slope at the data lies below AutoLip; the pools' factors are 2 each; AlexNet's three make 8."""
    model, x, accuracy = cnn.trained(3, 10, seed=0)
    assert 0 <= accuracy <= 1
    found = cnn.measure("small", model, x[0], cnn.steepest_slope(model, x))
    assert found.pooling == 4.0
    assert 0 < found.steepest <= found.upper
    pools = [layer for layer in cnn.alexnet(0) if isinstance(layer, torch.nn.MaxPool2d)]
    assert [(pool.kernel_size, pool.stride) for pool in pools] == [(3, 2)] * 3
