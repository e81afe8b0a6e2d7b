"""lipverify's own files: bit-exact round trips, and one clear sentence for everything else."""

from __future__ import annotations

import json
import pickle
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lipverify.errors import InvalidArgument, InvalidNetwork
from lipverify.network import Lowering, Network
from lipverify.readers import load
from lipverify.readers.native import load_json, load_npz, save


def _network() -> Network:
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=(3, 2)), rng.normal(size=(2, 3)), rng.normal(size=(1, 2))]
    weights[0][0, 0], weights[0][0, 1], weights[1][1, 2] = -0.0, 5e-324, 1.7976931348623157e308
    biases = [rng.normal(size=3), np.array([-0.0, 0.1]), None]
    slopes = [[[0, 1], [-0.0, 1], [0.1, -2]], [[1, 1], [-1, 1]]]
    return Network(weights, biases, slopes, lowering=Lowering.ROUNDED, source='α "β".onnx')


def _bits(net: Network) -> list[bytes]:
    return [a.tobytes() for a in (*net.weights, *net.biases, *net.slopes)]


@pytest.mark.parametrize("name", ["net.npz", "net.json", "net.NPZ", "net.Json"])
@pytest.mark.parametrize("net", [_network(), Network([[[2.0, -0.0]]])], ids=["deep", "affine"])
def test_round_trip_bit_for_bit(tmp_path: Path, name: str, net: Network) -> None:
    net.save(tmp_path / name)
    assert [p.name for p in tmp_path.iterdir()] == [name]
    again = load(tmp_path / name)
    assert _bits(again) == _bits(net)
    assert (again.lowering, again.source) == (net.lowering, net.source)


def test_save_needs_a_known_suffix_and_a_place(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match=r"\.npz or \.json"):
        save(_network(), tmp_path / "net.onnx")
    with pytest.raises(InvalidArgument, match="cannot write"):
        save(_network(), tmp_path / "missing" / "net.npz")


def _arrays(**changes: Any) -> dict[str, Any]:
    base = {
        "format": "lipverify-network-1",
        "lowering": "EXACT",
        "source": "",
        "weight_0": np.ones((2, 1)),
        "bias_0": np.zeros(2),
        "slopes_0": np.ones((2, 2)),
        "weight_1": np.ones((1, 2)),
        "bias_1": np.zeros(1),
    }
    return {k: v for k, v in (base | changes).items() if v is not None}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": None}, "lowering has type"),
        ({"format": "lipverify-network-2"}, "expected 'lipverify-network-1'"),
        ({"format": np.ones(3)}, "'format'"),
        ({"lowering": "MAYBE"}, "lowering is 'MAYBE'"),
        ({"source": 3}, "'source'"),
        ({"bias_1": None}, "'bias_1' is missing"),
        ({"weight_0": None}, "'bias_1'|'weight_0' is missing"),
        ({"weight_1": None}, "unknown entry 'bias_1'"),
        ({"surprise": 1}, "unknown entry 'surprise'"),
        ({"weight_0": np.ones((2, 1), dtype=np.float32)}, "weight_0 has type float32"),
        ({"weight_0": np.ones((2, 1), dtype=complex)}, "complex128"),
        ({"weight_0": np.ones((2, 1), dtype=object)}, "no readable"),
        ({"weight_0": np.ones((2, 3, 1))}, r"weights\[0\]"),
        ({"weight_0": np.full((2, 1), np.nan)}, "nan"),
        ({"slopes_0": np.ones((3, 2))}, r"slopes\[0\]"),
    ],
)
def test_npz_refusals(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    np.savez(tmp_path / "net.npz", **_arrays(**changes))
    with pytest.raises(InvalidNetwork, match=message):
        load_npz(tmp_path / "net.npz")


def _zip(**entries: bytes) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(f"{name}.npy", content)
    return buffer.getvalue()


def _npy(header: bytes) -> bytes:
    padded = header.ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(padded).to_bytes(2, "little") + padded


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04",
        b"no zip",
        pickle.dumps({"weight_0": 1}),
        _zip(format=b"no array"),
        _zip(format=b"\x93NUMPY\x01\x00\x05\x00ab"),
        _zip(format=_npy(b"{'descr': '<f8', 'fortran_order': False, 'shape': (1125899906842624,), }")),
        _zip(format=_npy(b"{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }")),
        _zip(format=_npy(b"{'descr': '<f8', 'shape': 3")),
        _zip(format=_npy(b"__import__('os').abort()")),
    ],
)
def test_hostile_npz(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "net.npz").write_bytes(content)
    with pytest.raises(InvalidNetwork, match=r"net\.npz"):
        load_npz(tmp_path / "net.npz")


def test_truncated_npz(tmp_path: Path) -> None:
    _network().save(tmp_path / "net.npz")
    content = (tmp_path / "net.npz").read_bytes()
    for cut in range(0, len(content), 97):
        (tmp_path / "net.npz").write_bytes(content[:cut])
        with pytest.raises(InvalidNetwork):
            load_npz(tmp_path / "net.npz")


def test_damaged_npz_is_an_error_or_the_same_network(tmp_path: Path) -> None:
    _network().save(tmp_path / "net.npz")
    content = (tmp_path / "net.npz").read_bytes()
    rng = np.random.default_rng(0)
    for place in rng.integers(0, len(content), 200).tolist():
        damaged = bytearray(content)
        damaged[place] ^= 1 << int(rng.integers(8))
        (tmp_path / "net.npz").write_bytes(damaged)
        try:
            assert load_npz(tmp_path / "net.npz") == _network()
        except InvalidNetwork:
            continue


def test_a_bomb_is_not_unfolded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lipverify.readers.limits.MOST_BYTES", 1000)
    np.savez_compressed(tmp_path / "net.npz", **_arrays(weight_0=np.zeros((2000, 1))))
    with pytest.raises(InvalidNetwork, match="unfolds into"):
        load_npz(tmp_path / "net.npz")


ONE = (1.0).hex()
ZERO = (0.0).hex()


def _record(**changes: Any) -> dict[str, Any]:
    base = {
        "format": "lipverify-network",
        "version": 1,
        "lowering": "EXACT",
        "source": "",
        "weights": [[[ONE], [ONE]], [[ONE, ONE]]],
        "biases": [[ZERO, ZERO], [ZERO]],
        "slopes": [[[ZERO, ONE], [ZERO, ONE]]],
    }
    return {k: v for k, v in (base | changes).items() if v is not None}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "other"}, "format is 'other'"),
        ({"version": 2}, "version 2"),
        ({"version": True}, "version True"),
        ({"weights": None}, "'weights' is missing"),
        ({"extra": 1}, "unknown entry 'extra'"),
        ({"weights": {}}, "weights is no list"),
        ({"weights": []}, "at least one"),
        ({"weights": [[[1.0]], [[ONE]]]}, r"weights\[0\]\[0\]\[0\] is 1.0"),
        ({"weights": [[["1.0"]], [[ONE]]]}, "float.hex"),
        ({"weights": [[["0x1.00000000000001p+0"]], [[ONE]]]}, "float.hex"),
        ({"weights": [[["0x1p+99999"]], [[ONE]]]}, "float.hex"),
        ({"weights": [[["nan"]], [[ONE]]]}, r"net\.json"),
        ({"weights": [[["inf"], [ONE]], [[ONE, ONE]]]}, "inf"),
        ({"weights": [[[ONE], [ONE, ONE]], [[ONE, ONE]]]}, r"weights\[0\]"),
        ({"weights": [ONE, ONE]}, r"weights\[0\]"),
        ({"biases": [[ZERO], [ZERO]]}, r"biases\[0\]"),
        ({"biases": [None, None]}, r"biases\[0\] is None"),
        ({"slopes": []}, "slopes"),
        ({"lowering": 1}, "lowering is 1"),
        ({"source": 1}, "source is 1"),
    ],
)
def test_json_refusals(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    (tmp_path / "net.json").write_text(json.dumps(_record(**changes)))
    with pytest.raises(InvalidNetwork, match=message):
        load_json(tmp_path / "net.json")


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"3", b"\xff\xfe", b"[" * 200_000, b'{"a": 1' + b"0" * 5000 + b"}"]
)
def test_hostile_json(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "net.json").write_bytes(content)
    with pytest.raises(InvalidNetwork, match=r"net\.json"):
        load_json(tmp_path / "net.json")
