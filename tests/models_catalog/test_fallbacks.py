"""Loops among fallbacks are found, whatever their length; what is no loop is none."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from models_catalog.fallbacks import edges_of, find_loop

pairs = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=40)


@given(pairs)
def test_a_reported_loop_is_a_real_one(edges):
    loop = find_loop(edges_of(edges))
    if loop:
        assert loop[0] == loop[-1]
        assert set(itertools.pairwise(loop)) <= set(edges)
        assert len(set(loop)) == len(loop) - 1


@given(pairs)
def test_edges_that_only_lead_down_never_loop(edges):
    assert find_loop(edges_of([pair for pair in edges if pair[0] < pair[1]])) == []


@given(pairs, st.integers(1, 12))
def test_a_loop_hidden_among_others_is_found(edges, length):
    circle = [(node, (node + 1) % length) for node in range(length)]
    assert find_loop(edges_of([*edges, *circle]))


def test_a_long_chain_needs_no_deep_stack():
    chain = [(node, node + 1) for node in range(5_000)]
    assert find_loop(edges_of(chain)) == []
