"""Graphs and formulas from names, files and pasted text; every refusal names the line."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lipverify.errors import InvalidArgument

if TYPE_CHECKING:
    import networkx as nx

NAMES = "petersen, cube, house, C5 (cycle), K5 (complete), K3,3 (bipartite), P4 (path), random:12 or random:12:SEED"
SIZE = 100_000  # characters, vertices, edges or clauses that are still read
_SEPARATORS = re.compile(r"\s*[,;]\s*|\s+")
_DIGITS = 400  # of a weight: more are no float64
_NATURAL = re.compile(r"[0-9]+")
_NUMBER = re.compile(r"[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]{1,3})?|[0-9]{1,30}/[0-9]{1,30}")


def load_graph(source: str | Path) -> nx.Graph:
    """The graph of a name (`NAMES`) or of a file: graph6, DIMACS ("p edge"), or one edge "u v [weight]" a line.

    Blanks, tabs, commas and semicolons separate the words of a line.

    Raises
    ------
    InvalidArgument
        For what is neither, and for a file that holds no graph.
    """
    named = _named(str(source))
    if named is not None:
        return named
    path = Path(source)
    if not path.is_file():
        raise InvalidArgument(f"there is no graph {str(source)!r}: no such file, and the names are {NAMES}")
    return parse_graph(_read(path))


def load_formula(source: str | Path) -> tuple[list[list[int]], int]:
    """Clauses and number of variables of a DIMACS file ("p cnf").

    Raises
    ------
    InvalidArgument
        For a file that is not there or holds no formula.
    """
    path = Path(source)
    if not path.is_file():
        raise InvalidArgument(f"there is no file {str(source)!r}")
    return parse_formula(_read(path))


def load_colours(source: str | Path, graph: nx.Graph) -> dict[Any, str] | int:
    """A number of colours, or a file with one "vertex colour" a line, as `clique` takes them.

    Raises
    ------
    InvalidArgument
        For what is neither, and for a line that names no vertex of the graph or one that has a colour already.
    """
    if re.fullmatch(r"[0-9]{1,4}", str(source)):
        return int(str(source))
    path = Path(source)
    if not path.is_file():
        raise InvalidArgument(
            f"there is no file {str(source)!r}; colours are a number, or a file of lines 'vertex colour'"
        )
    called = {str(v): v for v in graph}
    colours: dict[Any, str] = {}
    for k, line in enumerate(_read(path).splitlines(), 1):
        words = line.split("#")[0].split()
        if not words:
            continue
        if len(words) != 2:
            raise InvalidArgument(f"line {k}: expected 'vertex colour'; got {_short(line)}")
        if words[0] not in called:
            raise InvalidArgument(f"line {k}: {_short(words[0])} is no vertex of the graph")
        if called[words[0]] in colours:
            raise InvalidArgument(f"line {k}: {_short(words[0])} has a colour already")
        colours[called[words[0]]] = words[1]
    return colours


def parse_graph(text: str) -> nx.Graph:
    """The graph of a text: graph6, DIMACS, or an edge list; see `load_graph`.

    Vertices of edge lists are the words that stand there. An edge list may name a vertex alone on a line. What could
    be a header or an adjacency list is refused, naming the line.
    """
    _require_size(text)
    stripped = text.strip()
    if not stripped:
        raise InvalidArgument("the graph is empty: write one edge a line, such as '1 2'")
    lines = [(k, _SEPARATORS.split(line.split("#")[0].strip())) for k, line in enumerate(text.splitlines(), 1)]
    lines = [(k, words) for k, words in lines if words != [""]]
    if re.search(r"^p\s+(edge|col)\b", text, re.MULTILINE):
        return _dimacs(lines)
    if stripped.startswith(">>graph6<<") or _is_graph6(stripped):
        return _graph6(stripped)
    return _edge_list(lines)


def parse_formula(text: str) -> tuple[list[list[int]], int]:
    """Clauses and number of variables of a DIMACS text ("p cnf VARIABLES CLAUSES", clauses ended by 0)."""
    _require_size(text)
    variables, announced = None, 0
    clauses: list[list[int]] = [[]]
    for k, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0] == "c":
            continue
        if words[0] == "%":
            break
        if words[0] == "p":
            if len(words) < 4 or words[1] != "cnf" or not all(map(_NATURAL.fullmatch, words[2:4])):
                raise InvalidArgument(f"line {k}: expected 'p cnf VARIABLES CLAUSES'; got {_short(line)}")
            if variables is not None:
                raise InvalidArgument(f"line {k}: a second line 'p cnf'; a file holds one formula")
            variables, announced = (int(word[:9]) for word in words[2:4])
            continue
        for word in words:
            if not re.fullmatch(r"-?[0-9]{1,9}", word):
                raise InvalidArgument(f"line {k}: {_short(word)} is no literal")
            if int(word) == 0:
                clauses.append([])
            else:
                clauses[-1].append(int(word))
    if clauses.pop():
        raise InvalidArgument("the last clause does not end with 0: the text may be cut off")
    largest = max((abs(x) for clause in clauses for x in clause), default=0)
    if variables is None:
        raise InvalidArgument("the text has no line 'p cnf VARIABLES CLAUSES': it is no DIMACS formula")
    if variables < max(largest, 1) or variables > SIZE:
        raise InvalidArgument(
            f"the formula speaks of variable {largest}, its first line of {variables}; at most {SIZE} are read"
        )
    if len(clauses) != announced:
        raise InvalidArgument(f"there are {len(clauses)} clauses, but the line 'p cnf' announces {announced}")
    return clauses, variables


def _named(name: str) -> nx.Graph | None:
    import networkx as nx

    plain = name.strip().lower()
    fixed: dict[str, Callable[[], nx.Graph]] = {
        "petersen": nx.petersen_graph,
        "triangle": lambda: nx.cycle_graph(3),
        "cube": nx.cubical_graph,
        "house": nx.house_graph,
    }
    if plain in fixed:
        return fixed[plain]()
    if match := re.fullmatch(r"([ckp])([1-9][0-9]{0,2})", plain):
        size = int(match[2])
        if match[1] == "c" and size < 3:
            raise InvalidArgument(f"a cycle has at least 3 vertices; got {name!r}")
        return {"c": nx.cycle_graph, "k": nx.complete_graph, "p": nx.path_graph}[match[1]](size)
    if match := re.fullmatch(r"k([1-9][0-9]?),([1-9][0-9]?)", plain):
        return nx.Graph(nx.complete_bipartite_graph(int(match[1]), int(match[2])))
    if match := re.fullmatch(r"random:([1-9][0-9]{0,2})(?::([0-9]{1,9}))?", plain):
        return nx.gnp_random_graph(int(match[1]), 0.5, seed=int(match[2] or 0))
    return None


def _read(path: Path) -> str:
    with path.open(encoding="utf-8", errors="replace") as file:
        text = file.read(50 * SIZE)
    _require_size(text)
    return text


def _require_size(text: str) -> None:
    if len(text) >= 50 * SIZE or text.count("\n") > SIZE:
        raise InvalidArgument(f"that is more than {SIZE} lines or {50 * SIZE} characters; it would never be solved")


def _is_graph6(text: str) -> bool:
    """One word that is exactly as long as a graph6 of the size it begins with."""
    if not re.fullmatch(r"[?-~]+", text):
        return False
    head = [ord(c) - 63 for c in text]
    if head[0] < 63:
        n, used = head[0], 1
    elif len(head) >= 4 and head[1] < 63:
        n, used = (head[1] << 12) + (head[2] << 6) + head[3], 4
    else:
        return False
    return len(head) - used == -(-n * (n - 1) // 2 // 6) and (n > 1 or text in "?@")


def _graph6(text: str) -> nx.Graph:
    import networkx as nx

    first = text.removeprefix(">>graph6<<").split()
    if len(first) != 1 or not _is_graph6(first[0]):
        raise InvalidArgument("expected one graph in graph6 format; the length does not fit its number of vertices")
    try:
        return nx.from_graph6_bytes(first[0].encode("ascii"))
    except (nx.NetworkXError, ValueError) as error:
        raise InvalidArgument(f"this is no graph6: {error}") from error


def _dimacs(lines: list[tuple[int, list[str]]]) -> nx.Graph:
    import networkx as nx

    graph, announced = nx.Graph(), None
    for k, words in lines:
        if words[0] == "c":
            continue
        numbers = words[2:] if words[0] == "p" else words[1:]
        if words[0] not in ("p", "e") or len(numbers) < 2 or not all(re.fullmatch(r"[0-9]{1,9}", x) for x in numbers):
            raise InvalidArgument(
                f"line {k}: expected 'p edge VERTICES EDGES' or 'e U V'; got {_short(' '.join(words))}"
            )
        first, second = int(numbers[0]), int(numbers[1])
        if words[0] == "p":
            if announced is not None:
                raise InvalidArgument(f"line {k}: a second line 'p'; a file holds one graph")
            if not 1 <= first <= SIZE:
                raise InvalidArgument(f"line {k}: {first} vertices; expected 1 … {SIZE}")
            announced = second
            graph.add_nodes_from(range(1, first + 1))
        else:
            if first not in graph or second not in graph:
                raise InvalidArgument(f"line {k}: the edge {first} – {second} leaves the vertices 1 … {len(graph)}")
            _add(graph, k, first, second)
    found = graph.number_of_edges()
    if announced != found:
        raise InvalidArgument(f"there are {found} edges, but the line 'p' announces {announced}")
    return graph


def _edge_list(lines: list[tuple[int, list[str]]]) -> nx.Graph:
    import networkx as nx

    lines = [(k, words[:2] if words[2:] == ["{}"] else words) for k, words in lines]  # networkx's edges without data
    _require_edges(lines)
    graph = nx.Graph()
    for k, words in lines:
        if len(words) == 1:
            graph.add_node(words[0])
            continue
        weight: Fraction | None = None
        if len(words) == 3:
            if not _NUMBER.fullmatch(words[2]) or len(words[2]) > _DIGITS:
                raise InvalidArgument(f"line {k}: the weight {_short(words[2])} is no number ≥ 0 of ≤ {_DIGITS} digits")
            try:
                weight = Fraction(words[2])
            except ZeroDivisionError:
                raise InvalidArgument(f"line {k}: the weight {_short(words[2])} divides by 0") from None
        _add(graph, k, words[0], words[1], weight)
    if not any(True for _ in itertools.islice(graph.nodes, 1)):
        raise InvalidArgument("the graph is empty: write one edge a line, such as '1 2'")
    return graph


def _require_edges(lines: list[tuple[int, list[str]]]) -> None:
    """Refuse what may be no list of edges: empty words, a header, the lines of an adjacency list."""
    vertices = {word for _, words in lines for word in words[:2]}
    weighted = all(len(words) == 3 for _, words in lines)
    for k, words in lines:
        shown = _short(" ".join(words))
        if "" in words:
            raise InvalidArgument(f"line {k}: nothing stands between two separators; got {shown}")
        if len(words) > 3:
            raise InvalidArgument(
                f"line {k}: expected an edge 'u v' or 'u v weight'; got {shown}. An adjacency list is not read: write "
                "one edge a line"
            )
        if len(words) == 3 and words[2] in vertices and not weighted:
            raise InvalidArgument(
                f"line {k}: {shown} may be an edge with a weight or a vertex with two neighbours. Write one edge a "
                "line, and in a weighted list a weight in every line"
            )
    k, first = lines[0] if lines else (0, [])
    rest = [word for _, words in lines[1:] for word in words]
    if len(first) > 1 and rest and all(map(_NUMBER.fullmatch, rest)) and not any(map(_NUMBER.fullmatch, first)):
        raise InvalidArgument(f"line {k}: {_short(' '.join(first))} may be a header or an edge; put # before a header")


def _add(graph: nx.Graph, line: int, u: str | int, v: str | int, weight: Fraction | None = None) -> None:
    if u == v:
        raise InvalidArgument(f"line {line}: the edge {_short(str(u))} – {_short(str(v))} joins a vertex with itself")
    if graph.has_edge(u, v):
        raise InvalidArgument(f"line {line}: the edge {_short(str(u))} – {_short(str(v))} is already there")
    graph.add_edge(u, v, **({} if weight is None else {"weight": weight}))


def _short(text: str) -> str:
    """Some text of somebody else's, quoted and cut."""
    return repr(text if len(text) <= 40 else text[:39] + "…")
