"""What is sent to a model: the instructions, the site as it is, and the person's request."""

from __future__ import annotations

from collections.abc import Mapping

from builder.providers.types import Message

_INSTRUCTIONS = """\
You build small, complete, good-looking static websites: HTML, CSS and plain JavaScript.

Answer with files only. For a new or rewritten file write its path alone on one line, then the \
whole file in a fenced block:

index.html
```html
<!doctype html>
...
```

To change part of a file that exists, write its path alone on one line, then one or more blocks:

style.css
<<<<<<< SEARCH
the exact lines to find, copied from the file, enough of them to be unique
=======
the new lines
>>>>>>> REPLACE

Rules:
- The start page is index.html. Put styles in style.css and scripts in script.js when there are \
more than a few lines. Use relative links.
- Never leave anything out or write that the rest stays the same: a file you write is complete.
- No external files, fonts, scripts or images: draw with CSS and inline SVG. No build step.
- Responsive from 320 px, accessible (landmarks, labels, contrast, keyboard), in the language of \
the request. Real content, no lorem ipsum.
- Write index.html first. Do not explain anything."""

_BUDGET = (
    "\n- Your whole answer must fit in {tokens} tokens: keep it compact, and finish every file."
)
# A model told of a generous budget tends to fill it, so it is only told of a tight one.
_TIGHT_BUDGET_TOKENS = 3000


def messages_for(
    *, prompt: str, files: Mapping[str, str], max_output_tokens: int
) -> tuple[Message, ...]:
    """The messages of one run.

    prompt: the person's words. files: the site's current text files by path, empty for a new
    site. max_output_tokens: what the answer may use; told to the model when it is tight.
    """
    system = _INSTRUCTIONS
    if max_output_tokens < _TIGHT_BUDGET_TOKENS:
        system += _BUDGET.format(tokens=max_output_tokens * 9 // 10)
    request = f"<request>\n{prompt}\n</request>"
    if files:
        shown = "\n\n".join(f"{path}\n{_fenced(files[path])}" for path in sorted(files))
        request = f"<files>\n{shown}\n</files>\n\n{request}"
    return (Message(role="system", text=system), Message(role="user", text=request))


def _fenced(content: str) -> str:
    """A fenced block whose fence is longer than any fence inside."""
    fence = "```"
    while fence in content:
        fence += "`"
    return f"{fence}\n{content}{'' if content.endswith(chr(10)) else chr(10)}{fence}"
