from collections.abc import Iterator

import pytest
from django.utils import timezone

from billing.services.grants import grant_create
from tests.builder.providers.conftest import certificate, serve, server_tls
from tests.builder.proxy.processes import RealProxy, real_proxy

__all__ = ["certificate", "serve", "server_tls"]

LOGIN = "walled garden:p@ss/word:1"


@pytest.fixture(scope="session")
def open_proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealProxy]:
    with real_proxy(tmp_path_factory.mktemp("open-proxy")) as proxy:
        yield proxy


@pytest.fixture(scope="session")
def locked_proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealProxy]:
    with real_proxy(tmp_path_factory.mktemp("locked-proxy"), login=LOGIN) as proxy:
        yield proxy


@pytest.fixture
def plenty(alice) -> None:
    """Enough tokens that no answer has to be short."""
    grant_create(
        user_id=alice.pk,
        kind="purchased",
        amount=100_000_000,
        source="test:plenty",
        effective_at=timezone.now(),
    )
