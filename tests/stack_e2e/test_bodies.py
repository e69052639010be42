"""Bodies whose length nobody told, over the real server."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

MB = 1024 * 1024


def pieces(*parts: bytes) -> Iterator[bytes]:
    """`requests` sends an iterator in chunks, without a length."""
    yield from parts


def test_a_chunked_body_is_taken(stack):
    user = stack.sign_up()
    as_json = {"Content-Type": "application/json"}
    made = user.post("/api/sites", data=pieces(b'{"name":', b'"In pieces"}'), headers=as_json)
    assert made.status_code == 201, made.text
    assert [site["name"] for site in user.get("/api/sites").json()["sites"]] == ["In pieces"]


@pytest.mark.parametrize(
    "length", ["Transfer-Encoding: chunked", "Content-Length: 999999999"], ids=["chunked", "told"]
)
def test_one_that_is_too_large_is_refused_before_it_has_ended(stack, length):
    user = stack.sign_up()
    head = (
        "POST /api/sites HTTP/1.1",
        f"Host: 127.0.0.1:{stack.port}",
        f"Authorization: Bearer {user.access_token}",
        "Content-Type: application/json",
        length,
        "",
        "",
    )
    with socket.create_connection(("127.0.0.1", stack.port), timeout=30) as connection:
        connection.sendall("\r\n".join(head).encode())
        if "chunked" in length:
            # Three megabytes of one that never ends.
            for _ in range(3):
                connection.sendall(f"{MB:x}\r\n".encode() + b" " * MB + b"\r\n")
        answer = b""
        while b"\r\n\r\n" not in answer and (piece := connection.recv(4096)):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert user.get("/api/sites").json()["sites"] == []
