"""ASGI: serves everything, and the event streams that only it can serve."""

import os
import signal
import sys
import threading
from types import FrameType

import django

from config.env import EnvironmentProblems

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

try:
    django.setup(set_prefix=False)
    from config.handler import Handler

    application = Handler()
except EnvironmentProblems as problems:
    sys.exit(str(problems))


def _say_farewell_on(signal_number: signal.Signals) -> None:
    """Let open event streams end at once when the server is told to stop.

    The server waits for its responses to end, and tells the app of the shutdown only after that
    (uvicorn's lifespan), so the signal itself is the only early notice. Its own handler is
    already in place when it imports this module, and is called after ours.
    """
    from builder.streaming.sse import say_farewell

    previous = signal.getsignal(signal_number)

    def handler(number: int, frame: FrameType | None) -> None:
        say_farewell()
        if callable(previous):
            previous(number, frame)
        elif previous == signal.SIG_DFL:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)

    signal.signal(signal_number, handler)


if threading.current_thread() is threading.main_thread():
    _say_farewell_on(signal.SIGTERM)
    _say_farewell_on(signal.SIGINT)
