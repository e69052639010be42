"""What a model's reply is made of, and what is told while it streams in.

All values are frozen; paths are as `builder.reply.paths.clean_path` gives them where the name
is allowed on a site, else as the model wrote them (storing then refuses them with a reason).
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class FileBlock:
    """A whole file. `complete` is False where the reply ended inside it.

    `index` is its place among all blocks of the reply (files and edits together), so that
    blocks on one path are applied in the order they were written.
    """

    path: str
    content: str
    complete: bool = True
    index: int = field(default=-1, compare=False)


@dataclass(frozen=True, slots=True)
class EditBlock:
    """One SEARCH/REPLACE block; both texts are whole lines with their own line ends."""

    path: str
    search: str
    replace: str
    index: int = field(default=-1, compare=False)


@dataclass(frozen=True, slots=True)
class ReplyError:
    """What was not stored: a stable `code`, plain words, the path if it is known."""

    code: str
    message: str
    path: str | None = None


@dataclass(frozen=True, slots=True)
class ParsedReply:
    """Everything found in one reply, each tuple in the order of the text."""

    files: tuple[FileBlock, ...] = ()
    edits: tuple[EditBlock, ...] = ()
    errors: tuple[ReplyError, ...] = ()


@dataclass(frozen=True, slots=True)
class AppliedReply:
    """A site after a reply: all its files, the paths whose bytes changed, what was not done.

    `errors` holds the parser's errors first, then those of applying.
    """

    files: dict[str, str]
    changed: tuple[str, ...] = ()
    errors: tuple[ReplyError, ...] = ()


@dataclass(frozen=True, slots=True)
class FileOpened:
    """A whole file begins; a second one on the same path replaces the first."""

    path: str


@dataclass(frozen=True, slots=True)
class FileText:
    """The next characters of the open file, exactly as they will be stored."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class FileClosed:
    """The open file is complete. Not sent for a file that the reply left unfinished."""

    path: str


@dataclass(frozen=True, slots=True)
class EditClosed:
    """A SEARCH/REPLACE block is complete (not yet applied)."""

    path: str


Event = FileOpened | FileText | FileClosed | EditClosed
