"""axe on a page in Chromium, asked for what is wrong and nothing else.

What axe finds right is many times as much, with a selector made for each element: to leave it out
takes a third off the time of a look.
"""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe

RULES = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    },
}
_axe = Axe()


def violations(page: Any, rules: dict[str, Any] | None = RULES) -> list[dict[str, Any]]:
    """axe's own findings; rules None is every rule there is."""
    options = {**(rules or {}), "resultTypes": ["violations"]}
    if not page.evaluate("typeof window.axe === 'object'"):
        page.evaluate(_axe.axe_script)
    found = page.evaluate(
        "options => axe.run(document, options).then(results => results.violations)", options
    )
    assert isinstance(found, list)
    return found


def findings(page: Any, rules: dict[str, Any] | None = RULES) -> list[str]:
    """The findings in a line each: the rule, and the elements it is about."""
    return [
        f"{one['id']}: {[node['target'] for node in one['nodes']]}"
        for one in violations(page, rules)
    ]
