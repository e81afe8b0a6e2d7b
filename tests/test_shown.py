"""What results look like: as text that fits, for notebooks, as data, and as data read back."""

from __future__ import annotations

import io
import itertools
import json
import math
import sys
import types
from collections.abc import Iterator
from fractions import Fraction
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lipverify as lv
from lipverify import html, progress
from lipverify.bound import Witness
from lipverify.comparison import Comparison, Row
from lipverify.domain import Everywhere
from lipverify.norms import norm_pair
from lipverify.tables import wrapped
from lipverify.testing import networks
from lipverify.trusted.algebraic import ExactNorm

NET = lv.Network([[[1, 0], [-1, 0], [0, 1], [0, -1]], [[1, 1, 2, -2]]])


@pytest.fixture(scope="module")
def comparison() -> lv.Comparison:
    return lv.compare(NET, ["autolip", "seqlip-greedy", "sample"])


def hostile() -> Comparison:
    """Long numbers, an error that is longer than any line, and text that is markup."""
    exact = lv.Bound.exactly(ExactNorm.rational(Fraction(1, 3)), method="a-method-of-a-long-name")
    low = 1.2345678901234e-300
    lower = lv.Bound(
        method="low", status=lv.Status.ONE_SIDED, lower=low, lower_rigor=lv.Rigor.HEURISTIC, subject="<b>&"
    )
    rows = (
        Row(exact.method, "exact", exact),
        Row("low", "lower", lower, 3e-300),
        Row("<script>alert(1)</script>", "upper", None, error="<i>out of luck</i> " * 20),
        Row("infinite", "upper", lv.Bound(method="infinite", status=lv.Status.ONE_SIDED), math.inf),
    )
    return Comparison(NET, norm_pair(2), Everywhere(), exact, rows)


# Text ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [40, 80, 100])
def test_a_table_fits_or_leaves_out_columns_and_never_breaks_a_number(width: int) -> None:
    shown = hostile()
    lines, remarks = shown.body(width)
    kept = lines[0].split()
    whole = [row[:3] for row in shown.cells()]
    assert {"method", "lower", "upper", "rigor"} <= set(kept)
    for cells, line in zip(whole, lines[2:], strict=True):
        assert all(cell in line for cell in cells)
    if width >= 80:
        assert max(map(len, lines)) <= width
    assert max(map(len, remarks)) <= max(width, 40)
    assert "seconds" in shown.body(None)[0][0]


def test_the_usual_table_fits_80_columns_with_all_its_columns() -> None:
    from lipverify import samples

    net = lv.load(samples.path("iris"))
    lines, remarks = lv.compare(net, ["autolip", "sample"]).body(80)
    assert lines[0].split() == ["method", "lower", "upper", "bound/exact", "rigor", "seconds"]
    assert (max(map(len, lines)) <= 80, remarks) == (True, [])


def test_str_and_repr_are_the_table(comparison: lv.Comparison, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "72")
    text = str(comparison)
    assert repr(comparison) == text
    assert max(map(len, text.splitlines())) <= 72
    assert "seqlip-greedy" in text
    methods = str(lv.methods())
    assert max(map(len, methods.splitlines())) <= 72
    assert all(info.name in methods for info in lv.methods())
    assert lv.methods()["milp"] is not lv.methods()[0]
    assert "milp" in lv.methods()
    assert "nothing" not in lv.methods()


def test_a_bound_is_short_and_its_digits_keep_their_side() -> None:
    third = lv.Bound.exactly(ExactNorm.rational(Fraction(1, 3)), method="m", witness=Witness((Fraction(1),) * 99, ()))
    assert str(third) == f"m: [0.333333333333, 0.333333333334] (PROVED, PROVED), {lv.Status.EXACT.value}"
    assert repr(third) == f"<Bound {third}>"


@pytest.mark.parametrize(("encoding", "arrow"), [("ascii", "->"), ("utf-8", "→")])
def test_ascii_where_the_terminal_has_no_better_signs(
    encoding: str, arrow: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    print(NET)
    print(hostile())
    stream.flush()
    assert f"2 {arrow} 4 {arrow} 1" in stream.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]


def test_long_sentences_are_wrapped_at_spaces() -> None:
    assert wrapped("a b c", None) == ["a b c"]
    assert wrapped("word " * 10, 24) == ["word word word word word", "  word word word word", "  word"]


# Notebooks -------------------------------------------------------------------------------------------


def elements(text: str) -> Iterator[ElementTree.Element]:
    """The elements of a fragment, which must be well-formed."""
    return ElementTree.fromstring(f"<div>{text.replace('<br>', '<br/>')}</div>").iter()


@pytest.mark.parametrize(
    "shown", [hostile(), hostile().exact, hostile().rows[1].bound, hostile().rows[3].bound, NET, lv.methods()]
)
def test_notebooks_see_markup_that_is_well_formed_and_loads_nothing(shown: Any) -> None:
    text = shown._repr_html_()
    names = [element.tag.rpartition("}")[2] for element in elements(text)]
    assert not {"script", "i", "b", "img", "link", "iframe"} & set(names)
    assert ("svg" in names) == (not isinstance(shown, type(lv.methods())))
    assert text.count("http") == text.count("http://www.w3.org/2000/svg")


def test_every_bar_begins_at_the_exact_constant_and_ends_at_the_bound() -> None:
    scale = html.Scale(2.0, [1.0, 2.0, 8.0, math.inf, 0.0])
    places = [scale.place(value) for value in (0.0, 1.0, 2.0, 4.0, 8.0, math.inf)]
    assert places == sorted(places)
    assert (places[0], places[-1]) == (0, html.WIDTH)
    assert 2 * (places[3] - places[2]) == pytest.approx(places[4] - places[2])  # logarithmic
    drawn = [e for e in elements(html.bar(scale, 2.0, 8.0, lv.Rigor.PROVED, "a < b")) if e.tag.endswith("rect")]
    left, width = (float(drawn[0].attrib[name]) for name in ("x", "width"))
    assert (left, left + width) == (pytest.approx(places[2], abs=0.1), pytest.approx(places[4], abs=0.2))


@pytest.mark.parametrize("reference", [0.0, 5e-324, 1.0, math.inf])
def test_a_scale_takes_any_numbers(reference: float) -> None:
    scale = html.Scale(reference, [0.0, 5e-324, 1e308, math.inf])
    assert all(0 <= scale.place(value) <= html.WIDTH for value in (0.0, 5e-324, 1e-200, 1.0, 1e308, math.inf))


# Data ------------------------------------------------------------------------------------------------


def through_json(data: Any) -> Any:
    return json.loads(json.dumps(data, allow_nan=False))


@given(networks(slopes=True))
def test_networks_come_back_bit_for_bit(net: lv.Network) -> None:
    again = lv.Network.from_dict(through_json(net.to_dict()))
    assert (again, again.digest, again.source) == (net, net.digest, net.source)


@settings(max_examples=25)
@given(st.data())
def test_bounds_come_back(data: st.DataObject) -> None:
    net = data.draw(networks())
    bound = data.draw(st.sampled_from([lv.exact, lv.upper, lv.lower]))(net, p=data.draw(st.sampled_from([1, 2])))
    again = lv.Bound.from_dict(through_json(bound.to_dict()))
    assert again.to_dict() == bound.to_dict()
    for name in ("lower", "upper", "exact_value", "exact_square", "enclosure", "witness", "status", "upper_rigor"):
        assert getattr(again, name) == getattr(bound, name)


def test_an_irrational_constant_of_many_digits_comes_back() -> None:
    polynomial = lv.exact(lv.Network([[[1, 2], [3, 4]]])).exact
    assert polynomial is not None
    assert polynomial.polynomial
    long = ExactNorm.rational(Fraction(10**6000 + 1, 10**6000))
    for exact in (polynomial, long):
        bound = lv.Bound.exactly(exact, method="m")
        assert lv.Bound.from_dict(through_json(bound.to_dict())).exact == bound.exact


def test_a_comparison_comes_back_for_its_own_network_only(comparison: lv.Comparison) -> None:
    data = through_json(comparison.to_dict())
    again = lv.Comparison.from_dict(data, NET)
    assert again.to_dict() == comparison.to_dict()
    assert str(again) == str(comparison)
    with pytest.raises(lv.InvalidArgument, match="another digest"):
        lv.Comparison.from_dict(data, NET.output([2.0]))
    with pytest.raises(lv.InvalidArgument, match="another domain"):
        lv.Comparison.from_dict(data, NET, lv.Box([0, 0], [1, 1]))
    assert lv.Comparison.from_dict(through_json(hostile().to_dict()), NET).rows[2].error.startswith("<i>")


@pytest.mark.parametrize(
    "change",
    [{"lower": 9.0}, {"status": "DONE"}, {"lower_rigor": None}, {"exact_value": "1/0"}, {"witness": 3}, {"upper": "x"}],
)
def test_a_record_that_no_bound_wrote_is_refused(change: dict[str, Any]) -> None:
    data = lv.Bound.exactly(ExactNorm.rational(Fraction(3)), method="m").to_dict()
    with pytest.raises(lv.LipverifyError):
        lv.Bound.from_dict(data | change)
    with pytest.raises(lv.InvalidArgument, match="there is no"):
        lv.Bound.from_dict({})
    with pytest.raises(lv.LipverifyError):
        lv.Network.from_dict(NET.to_dict() | {"weights": [[[1.0]]]})


def test_frames_are_pandas_where_there_is_pandas(comparison: lv.Comparison, monkeypatch: pytest.MonkeyPatch) -> None:
    pandas = types.ModuleType("pandas")
    monkeypatch.setattr(pandas, "DataFrame", list, raising=False)
    monkeypatch.setitem(sys.modules, "pandas", pandas)
    rows: Any = comparison.to_frame()
    assert [row["method"] for row in rows] == [row.name for row in comparison.ranked()]
    assert {row["rigor"] for row in rows} <= {rigor.name for rigor in lv.Rigor}
    assert comparison.exact.to_frame()[0]["status"] == "EXACT"
    assert [row["neurons"] for row in NET.to_frame()] == ["relu", ""]
    assert len(lv.methods().to_frame()) == len(lv.methods())
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(lv.LipverifyError, match="pip install pandas"):
        comparison.to_frame()


# The rest --------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(networks(slopes=True), st.data())
def test_a_margin_is_the_difference_of_two_outputs(net: lv.Network, data: st.DataObject) -> None:
    both = lv.Network([*net.weights[:-1], [*net.weights[-1], net.weights[-1][0]]], [*net.biases[:-1], None], net.slopes)
    n = both.output_dim
    i, j = data.draw(st.permutations(range(n)))[:2]
    x = [Fraction(k, 3) for k in range(net.input_dim)]
    from lipverify.evaluate import forward_exact

    values = forward_exact(both, x)
    assert forward_exact(both.margin(i, j), x) == (values[i] - values[j],)
    for bad in ((i, i), (i, n), (-1, j)):
        with pytest.raises(lv.InvalidArgument):
            both.margin(*bad)


def test_dir_shows_public_names_only() -> None:
    assert {name for name in dir(lv) if not name.startswith("_")} == {*lv.__all__, "hardness"}


def test_verbose_verbs_say_on_stderr_what_goes_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = itertools.count()
    monkeypatch.setattr(progress, "time", types.SimpleNamespace(monotonic=clock.__next__))  # a second a look
    heard: list[lv.Bound] = []
    for verb in (lv.exact, lv.upper, lv.lower):
        verb(NET, on_progress=heard.append, verbose=True)
    lv.compare(NET, ["autolip"], on_progress=lambda name, bound: heard.append(bound), verbose=True)
    lv.decide(NET, at_most=100, on_progress=heard.append, verbose=True)
    text = capsys.readouterr()
    assert text.out == ""
    assert heard
    assert f"{heard[0].method}: [" in text.err


def test_lines_come_more_and_more_rarely(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(progress, "time", types.SimpleNamespace(monotonic=lambda: now[0]))
    show = progress.Lines(first=10.0)
    for second in range(1000):
        now[0] = float(second)
        show(f"at {second}\x1b[2J")
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(" ")[0] for line in lines] == ["10", "20", "40", "80", "160", "320", "620", "920"]
    assert "\x1b" not in "".join(lines)
