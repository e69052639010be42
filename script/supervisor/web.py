"""Runs the ASGI app on the listening sockets that the supervisor opened and hands down."""

from __future__ import annotations

import socket
import sys

import uvicorn

# Open event streams are told farewell and cut; what is left after this is closed regardless.
GRACEFUL_SHUTDOWN_SECONDS = 10


def main(descriptors: list[int]) -> None:
    config = uvicorn.Config(
        "config.asgi:application",
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_SECONDS,
    )
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=number) for number in descriptors])


if __name__ == "__main__":
    main([int(number) for number in sys.argv[1:]])
