"""Progress of a reply by our own count."""

from builder.streaming.live import COUNTED_CHARACTERS, LiveReply
from builder.token_count import estimate_tokens


def test_a_little_text_is_counted_whole_and_once() -> None:
    live = LiveReply()
    live.feed("Flour and ")
    live.feed("salt, baked daily.")
    expected = estimate_tokens("Flour and salt, baked daily.")
    assert live.output_tokens() == expected > 5
    assert live.output_tokens() == expected
    live.feed(" More")
    assert live.output_tokens() == expected + estimate_tokens(" More")


def test_much_text_at_once_is_judged_by_its_beginning() -> None:
    live, line = LiveReply(), "<p>Bread, rolls & cake</p>\n"
    text = line * (4 * COUNTED_CHARACTERS // len(line))
    live.feed(text)
    assert abs(live.output_tokens() / estimate_tokens(text) - 1) < 0.05
    assert LiveReply().output_tokens() == 0
