from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metasim.base.streams import stream
from metasim.runs.samples import load_graphs, load_images, save_graphs, save_images


@given(first=st.integers(0, 5), second=st.integers(0, 5), keep=st.integers(0, 4))
def test_a_folder_holds_the_last_images_only(
    first: int, second: int, keep: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("images")
    images = list(stream(0, "images").integers(0, 256, (10, 4, 5, 3), dtype=np.uint8))
    save_images(folder, images[:first], keep)
    save_images(folder, images[5 : 5 + second], keep)
    kept = load_images(folder, 10)
    assert len(kept) == min(second, keep)
    assert all(np.array_equal(a, b) for a, b in zip(kept, images[5:], strict=False))


def test_graphs_keep_their_order_and_number(tmp_path: Path) -> None:
    graphs = [{"nodes": [index]} for index in range(12)]
    save_graphs(tmp_path, graphs, keep=11)
    assert load_graphs(tmp_path, 20) == graphs[:11]
