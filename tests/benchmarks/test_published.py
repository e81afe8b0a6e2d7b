"""`lipverify bench published`: who is on the wrong side, to the last printed digit."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

import lipverify as lv
from lipverify.bench import run
from lipverify.bench.published import section
from lipverify.bench.published_sections import Row, half_digit
from lipverify.bound import Bound
from lipverify.trusted.algebraic import ExactNorm


def test_a_printed_number_is_read_to_its_last_digit() -> None:
    assert half_digit(0.0596) == pytest.approx(5e-5)
    exact = Bound.exactly(ExactNorm.rational(Fraction(1, 3)), method="truth")
    row = Row(
        "net",
        exact,
        {
            "rounded": ("upper", 0.3333),
            "below": ("upper", 0.332),
            "at least": ("lower", 0.3334),
            "more": ("lower", 0.34),
        },
        {"rounded": 0.4},
    )
    assert row.wrong() == ["below", "at least", "more"]
    text = "\n".join(section("title", "text", [row]))
    assert "0.332 ✗" in text
    assert "0.3333 / 0.4 (ours)" in text
    open_row = Row("net", Bound(method="m", status=lv.Status.TIME_LIMIT), {"any": ("upper", 0.1)})
    assert open_row.wrong() == []


def test_without_a_folder_it_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LIPVERIFY_DATA", raising=False)
    with pytest.raises(lv.InvalidArgument, match="LIPVERIFY_DATA"):
        run("published", [])


@pytest.mark.benchmark
def test_greedy_seqlip_of_the_published_table_is_named(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every fnn2 seed has it below the constant, and LipSDP's printed digits come out."""
    assert run("published", ["--data", str(data), "--section", "glipsdp", "--time-limit", "60"]) == 0
    verdict = capsys.readouterr().out.replace("\n", " ")
    assert all(f"fnn2_seed{k}: SeqLip" in verdict for k in range(5))
    assert "LipSDP;" not in verdict
