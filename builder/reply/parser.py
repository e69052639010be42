"""Reading a model's reply while it streams: `feed` chunks, then `finish`."""

from builder.reply.machine import Machine
from builder.reply.outside import Outside
from builder.reply.types import Event, ParsedReply


class ReplyParser:
    """An incremental parser of whole files and SEARCH/REPLACE blocks.

    Any way of cutting the text into chunks gives the same result. Work is linear in the text.
    It never raises on any text. Rules and reasons: docs/reply-format.md.
    """

    def __init__(self) -> None:
        self._machine = Machine(Outside)
        self._first = True
        self._parsed: ParsedReply | None = None
        self.final_events: list[Event] = []

    @property
    def characters_examined(self) -> int:
        """How many characters the reader has gone over; a measure of work, not of the text."""
        return self._machine.reader.characters_examined

    def feed(self, text: str) -> list[Event]:
        """Take the next characters; returns what they made certain, in order."""
        if self._parsed is not None:
            raise RuntimeError("feed() after finish()")
        if self._first and text:
            text, self._first = text.removeprefix("\ufeff"), False
        self._machine.reader.push(text)
        self._machine.run(self._machine.reader.pieces())
        return self._take_events()

    def finish(self, truncated: bool = False) -> ParsedReply:
        """End the text and return all that was found; the same value on every further call.

        `truncated`: the model was cut off (length limit, stop, lost connection). A file still
        open is kept with `complete=False` and an error; with `truncated=False` an open page
        that ends in `</html>` counts as whole. Events of the last, unfinished line are in
        `final_events` afterwards.
        """
        if self._parsed is None:
            machine = self._machine
            machine.run(machine.reader.finish())
            machine.end(truncated=truncated)
            self.final_events = self._take_events()
            self._parsed = ParsedReply(
                tuple(machine.files), tuple(machine.edits), tuple(machine.errors)
            )
        return self._parsed

    def _take_events(self) -> list[Event]:
        events, self._machine.events = self._machine.events, []
        return events


def parse_reply(text: str, *, truncated: bool = False) -> ParsedReply:
    """The whole text at once."""
    parser = ReplyParser()
    parser.feed(text)
    return parser.finish(truncated=truncated)
