"""Networks whose Euclidean constant nobody has published, or as hard as a known maximum cut; what was known before."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import networkx as nx
import numpy as np

from lipverify.network import Network
from lipverify.readers import load

GRAPHS = {  # of Biq Mac's library; times of BiqCrunch are means over ten graphs, as its authors report them
    "g05_60.0": "BiqCrunch 7.4 s",
    "g05_60.4": "BiqCrunch 7.4 s",
    "g05_80.0": "BiqCrunch 63 s",
    "g05_80.1": "BiqCrunch 63 s",
    "g05_100.0": "BiqCrunch 721 s",
    "g05_100.4": "BiqCrunch 721 s; BiqBin 2.6 s on 8 cores",
}
FILES = {
    "GLipSDP fnn2 64-32-1": ("glipsdp/fnn2_seed0.npz", "no exact value"),
    "GLipSDP fnn3 64-32-32-1": ("glipsdp/fnn3_seed0.npz", "no exact value"),
    "GLipSDP cnn2 64-512-1, as evaluated": ("glipsdp/cnn2_seed0_as_evaluated.onnx", "LipSDP 5.1111"),
    "MNIST 784-16-16-16-10": ("glipsdp_mnist/mlp_L3_W16_folded.onnx", "no value"),
    "MNIST 784-32-32-32-10": ("glipsdp_mnist/mlp_L3_W32_folded.onnx", "no value"),
    "MNIST 784-50-10": ("lipsdp/mnist_weights.onnx", "LipSDP 24.366"),
    "ECLipsE 5-[10]×4-2": ("eclipse/tmlr_l5_w10.npz", "no exact value"),
}


def networks(data: Path | None) -> Iterator[tuple[str, Network, str]]:
    """A label, a network, and a remark; none without the folder."""
    if data is None:
        return
    instances = json.loads((data / "maxcut" / "g05.json").read_text(encoding="utf-8"))["instances"]
    for name, remark in GRAPHS.items():
        graph = nx.from_graph6_bytes(instances[name]["graph6"].encode())
        incidence = nx.incidence_matrix(graph, oriented=True).toarray()
        yield f"max-cut, {name}", Network([incidence, np.ones((1, len(graph)))]), remark
    for label, (file, remark) in FILES.items():
        yield label, load(data / file), remark
