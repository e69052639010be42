from collections.abc import Iterator

import pytest

from builder.output_ranges import expected_forget


@pytest.fixture(autouse=True)
def nothing_learned_before() -> Iterator[None]:
    """What one test taught this process is not what the next one's database says."""
    expected_forget()
    yield
    expected_forget()
