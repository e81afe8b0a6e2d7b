"""Graphs and formulas from names, files and hostile text."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import networkx as nx
import pytest

import lipverify as lv
from lipverify.hardness import load_colours, load_formula, load_graph, parse_formula, parse_graph
from tests.hardness import brute


@pytest.mark.parametrize(
    ("name", "vertices", "edges"),
    [
        ("petersen", 10, 15),
        ("triangle", 3, 3),
        ("C5", 5, 5),
        ("K4", 4, 6),
        ("k3,3", 6, 9),
        ("P4", 4, 3),
        ("cube", 8, 12),
    ],
)
def test_named_graphs(name: str, vertices: int, edges: int) -> None:
    graph = load_graph(name)
    assert (len(graph), graph.number_of_edges()) == (vertices, edges)


def test_random_graphs_follow_their_seed() -> None:
    assert nx.utils.graphs_equal(load_graph("random:12"), load_graph("random:12:0"))
    assert not nx.utils.graphs_equal(load_graph("random:12"), load_graph("random:12:1"))


def test_edge_lists_with_comments_weights_and_single_vertices(tmp_path: Path) -> None:
    path = tmp_path / "graph.txt"
    path.write_text("# a graph\nada bob 2.5  # heavy\nbob <b>eve</b>\nzoe\n\n")
    graph = load_graph(path)
    assert set(graph) == {"ada", "bob", "<b>eve</b>", "zoe"}
    assert graph["ada"]["bob"]["weight"] == Fraction(5, 2)
    assert lv.hardness.maxcut(graph).cut(["bob"]).value == Fraction(7, 2)


@pytest.mark.parametrize("separator", [",", ", ", ";", "\t", " ; ", "  "])
def test_any_common_separator_makes_the_triangle(separator: str) -> None:
    graph = parse_graph("\n".join(separator.join(edge) for edge in ("01", "12", "20")))
    assert nx.is_isomorphic(graph, nx.cycle_graph(3))
    assert lv.exact(lv.hardness.maxcut(graph).network).exact_square == 2


def test_what_networkx_writes() -> None:
    graph = nx.petersen_graph()
    assert nx.is_isomorphic(parse_graph("\n".join(nx.generate_edgelist(graph))), graph)
    assert nx.is_isomorphic(parse_graph("\n".join(nx.generate_edgelist(graph, data=False))), graph)
    with pytest.raises(lv.InvalidArgument, match="adjacency"):
        parse_graph("\n".join(nx.generate_adjlist(graph)))
    assert parse_graph("0 1 1\n1 2 2").edges["1", "2"]["weight"] == 2


def test_dimacs_counts_isolated_vertices() -> None:
    graph = parse_graph("c hello\np edge 4 2\ne 1 2\ne 2 3\n")
    assert sorted(graph) == [1, 2, 3, 4]
    assert graph.number_of_edges() == 2


def test_graph6_of_every_small_graph() -> None:
    for graph in brute.graphs(6):
        if len(graph) > 1:
            text = nx.to_graph6_bytes(graph, header=False).decode().strip()
            assert nx.is_isomorphic(parse_graph(text), graph)
            assert nx.is_isomorphic(parse_graph(">>graph6<<" + text), graph)
    large = nx.gnp_random_graph(70, 0.5, seed=1)
    assert nx.is_isomorphic(parse_graph(nx.to_graph6_bytes(large).decode()), large)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "empty"),
        ("  \n# only this\n", "empty"),
        ("1 1", "itself"),
        ("1 2\n2 1", "line 2.*already"),
        ("1 2 x", "'x' is no number"),
        ("1 2 -3", "-3"),
        ("1 2 1/0", "divides by 0"),
        ("1 2 3 4", "line 1"),
        ("p edge 3 1\ne 1 9", "leaves the vertices"),
        ("p edge 0 0", "0 vertices"),
        ("p edge 999999999 0", "999999999 vertices"),
        ("p edge 3 1\nx 1 2", "line 2"),
        (">>graph6<<D", "graph6"),
        ("p edge 3 2\ne 1 2", "1 edges.*announces 2"),
        ("p edge 3 1\np edge 4 1\ne 1 2", "line 2: a second"),
        ("source,target\n0,1\n1,2", "line 1.*header"),
        ("0,,1", "line 1: nothing stands"),
        ("# adjacency list\n0 1 4\n1 2\n2 3\n3 4\n4", "line 2.*two neighbours"),
        ("0 1 2 3\n1", "line 1.*adjacency"),
        ("1 2 " + "9" * 1000, "line 1: the weight"),
        ("1 2\n" * 200_000, "100000 lines"),
    ],
)
def test_what_is_no_graph_gets_a_clear_word(text: str, word: str) -> None:
    with pytest.raises(lv.InvalidArgument, match=word):
        parse_graph(text)


def test_what_is_no_source_is_told_what_is(tmp_path: Path) -> None:
    for name in ("nothing.txt", "c2"):
        with pytest.raises(lv.InvalidArgument, match=r"petersen|at least 3"):
            load_graph(name)
    with pytest.raises(lv.InvalidArgument, match="no file"):
        load_formula(tmp_path / "none.cnf")


def test_dimacs_formulas(tmp_path: Path) -> None:
    path = tmp_path / "formula.cnf"
    path.write_text("c hello\np cnf 4 2\n1 -2\n3 0\n-1 2 0\n%\n0\n")
    assert load_formula(path) == ([[1, -2, 3], [-1, 2]], 4)
    assert parse_formula("p cnf 1 2\n1 0\n-1 0") == ([[1], [-1]], 1)
    assert parse_formula("p cnf 1 1\n0\n") == ([[]], 1)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("1 2 0", "p cnf"),
        ("p cnf x 1", "line 1"),
        ("p cnf 2 1\n1 y 0", "'y' is no literal"),
        ("p cnf 2 1\n3 0", "variable 3"),
        ("p cnf 999999999 1\n1 0", "999999999"),
        ("p cnf 0 0", "variable"),
        ("p cnf 1 2\n1 0\n-1", "does not end with 0"),
        ("p cnf 1 1\n1 0\n-1 0", "2 clauses.*announces 1"),
        ("p cnf 1 2\n1 0\np cnf 1 1\n-1 0", "line 3: a second"),
        ("p cnf 1\n1 0", "line 1"),
    ],
)
def test_what_is_no_formula_gets_a_clear_word(text: str, word: str) -> None:
    with pytest.raises(lv.InvalidArgument, match=word):
        parse_formula(text)


def test_colours_of_named_and_read_vertices(tmp_path: Path) -> None:
    path = tmp_path / "colours.txt"
    path.write_text("0 red\n1 green  # a comment\n\n2 red\n")
    assert load_colours(path, nx.path_graph(3)) == {0: "red", 1: "green", 2: "red"}
    assert load_colours("3", nx.path_graph(3)) == 3


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("0\n", "line 1.*vertex colour"),
        ("0 a b\n", "line 1"),
        ("9 red\n", "'9' is no vertex"),
        ("0 a\n0 b\n", "line 2.*already"),
    ],
)
def test_what_are_no_colours_gets_a_clear_word(tmp_path: Path, text: str, word: str) -> None:
    path = tmp_path / "colours.txt"
    path.write_text(text)
    with pytest.raises(lv.InvalidArgument, match=word):
        load_colours(path, nx.path_graph(3))


@pytest.mark.parametrize(
    ("build", "word"),
    [
        (lambda: lv.hardness.maxcut(parse_graph("p edge 100000 1\ne 1 2"), 1), "100000 vertices and 1 edges"),
        (lambda: lv.hardness.maxcut(parse_graph("p edge 100000 1\ne 1 2")), "100000 vertices and 1 edges"),
        (lambda: lv.hardness.independent_set(parse_graph("p edge 100000 1\ne 1 2")), "100000 vertices"),
        (lambda: lv.hardness.maxcut(parse_graph("\n".join(f"0 {k}" for k in range(1, 99_999)))), "99998 edges"),
        (lambda: lv.hardness.satisfiability([[99_999]]), "99999 variables"),
    ],
)
def test_what_no_machine_holds_is_refused_by_its_number(build: Callable[[], object], word: str) -> None:
    with pytest.raises(lv.InvalidArgument, match=word):
        build()
