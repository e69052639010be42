"""Bodies whose length nobody told, under WSGI. Under ASGI: tests/stack_e2e/test_bodies.py."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.core.signals import request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections

from accounts.models import User
from config.bodies import PIECE_BYTES, wsgi_measured

pytestmark = pytest.mark.django_db
SIGN_UP = "/_allauth/app/v1/auth/signup"


class Chunked(io.RawIOBase):
    """What a server reads of a chunked body: `size` bytes after `start`, counted as they go."""

    def __init__(self, start: bytes, size: int = 0) -> None:
        self.left = io.BytesIO(start + b" " * size)
        self.taken = 0

    def read(self, size: int = -1) -> bytes:
        piece = self.left.read(size)
        self.taken += len(piece)
        return piece


def call(body: Chunked, path: str = SIGN_UP, **environ: Any) -> tuple[int, bytes]:
    told: list[str] = []
    given: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "80",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": "application/json",
        "HTTP_TRANSFER_ENCODING": "chunked",
        "wsgi.url_scheme": "http",
        "wsgi.input": body,
        "wsgi.input_terminated": True,
        "wsgi.errors": io.StringIO(),
        **environ,
    }
    application = wsgi_measured(get_wsgi_application())
    # As Django's test client does it: the test's connection has its transaction.
    request_started.disconnect(close_old_connections)
    try:
        answer = application(given, lambda status, _headers, _info=None: told.append(status))
    finally:
        request_started.connect(close_old_connections)
    return int(told[0].split()[0]), b"".join(answer)


def test_a_body_without_a_length_is_read_whole(redis_client):
    email = "chunks@example.com"
    body = Chunked(json.dumps({"email": email, "password": "correct horse 42"}).encode())
    assert call(body)[0] == 200
    assert User.objects.filter(email=email).exists()


@pytest.mark.parametrize(
    ("path", "content_type", "most_mb"),
    [
        (SIGN_UP, "application/json", 2),
        ("/api/estimates", "application/json", 12),
        ("/sites/new/", "multipart/form-data; boundary=x", 24),
    ],
)
def test_no_more_of_it_is_read_than_shows_that_it_is_too_large(path, content_type, most_mb):
    body = Chunked(b"{", 40_000_000)
    status, told = call(body, path, CONTENT_TYPE=content_type)
    assert status == 413
    assert json.loads(told)["code"] == "too_large"
    most_bytes = most_mb * 1024 * 1024
    assert most_bytes < body.taken <= most_bytes + PIECE_BYTES


def test_a_server_that_tells_no_end_is_not_read():
    body = Chunked(b"{}", 100)
    endless: dict[str, Any] = {"wsgi.input_terminated": False}
    call(body, **endless)
    assert body.taken == 0
