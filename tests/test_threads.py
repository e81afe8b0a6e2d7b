"""One thread for linear algebra while a method runs, and as many as before when it has ended."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from threadpoolctl import threadpool_info

import lipverify as lv
from lipverify.threads import single_threaded


def blas_threads() -> list[int]:
    """The number of threads of every BLAS that is loaded."""
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


def test_one_thread_inside_and_as_many_as_before_outside() -> None:
    with single_threaded():
        pass  # whatever it loads is loaded now
    before = blas_threads()
    assert before
    with single_threaded():
        assert blas_threads() == [1] * len(before)
    assert blas_threads() == before


def test_a_verb_runs_on_one_thread() -> None:
    seen: list[int] = []
    net = lv.Network([[[1.0, 2.0], [3.0, -1.0]], [[1.0, 1.0]]])
    before = blas_threads()
    lv.exact(net, "enumeration", on_progress=lambda _: bool(seen.extend(blas_threads())))
    assert set(seen) == {1}
    assert blas_threads() == before


def test_concurrent_calls_leave_as_many_as_before() -> None:
    with single_threaded():
        pass
    before = blas_threads()
    together = Barrier(4)

    def call(_: int) -> list[int]:
        together.wait()
        with single_threaded():
            return blas_threads()

    with ThreadPoolExecutor(4) as pool:
        for _ in range(20):
            assert list(pool.map(call, range(4))) == [[1] * len(before)] * 4
            assert blas_threads() == before
