from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from metasim.report.costs import stage_costs

steps = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9), st.integers(0, 9)), max_size=20)


@given(steps=steps)
def test_costs_add_up_by_stage(steps: list[tuple[str, int, int]]) -> None:
    lines, renders, seconds = [], 0, 0
    for index, (stage, new, took) in enumerate(steps):
        renders, seconds = renders + new, seconds + took
        lines.append({"stage": stage, "step": index, "renders": renders, "seconds": seconds})
    costs = {cost.stage: cost for cost in stage_costs(lines)}
    for stage in {stage for stage, _, _ in steps}:
        assert costs[stage].renders == sum(new for name, new, _ in steps if name == stage)
        assert costs[stage].seconds == sum(took for name, _, took in steps if name == stage)
        assert costs[stage].steps == sum(name == stage for name, _, _ in steps)
