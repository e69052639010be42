"""A model's reply: read while it streams, checked, and applied to a site's files."""

from builder.reply.apply import apply_reply
from builder.reply.parser import ReplyParser, parse_reply
from builder.reply.paths import UnsafePath, clean_path
from builder.reply.types import (
    AppliedReply,
    EditBlock,
    EditClosed,
    Event,
    FileBlock,
    FileClosed,
    FileOpened,
    FileText,
    ParsedReply,
    ReplyError,
)

__all__ = [
    "AppliedReply",
    "EditBlock",
    "EditClosed",
    "Event",
    "FileBlock",
    "FileClosed",
    "FileOpened",
    "FileText",
    "ParsedReply",
    "ReplyError",
    "ReplyParser",
    "UnsafePath",
    "apply_reply",
    "clean_path",
    "parse_reply",
]
