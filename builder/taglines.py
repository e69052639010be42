"""The taglines the catalogue is seeded with, named here so that the translators are shown them.

Pages translate a tagline as it stands in its row; one that staff wrote themselves stays as it is.
"""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_noop as _

TAGLINES: Final = (
    _("Most capable"),
    _("Balanced"),
    _("Fast & efficient"),
    _("Faster GPT-4"),
    _("Cost-effective"),
    _("Advanced reasoning"),
    _("With vision capabilities"),
    _("Open-source powerhouse"),
    _("Efficient open-source"),
    _("Mixture of experts"),
    _("Efficient European AI"),
    _("General conversation"),
    _("Code-specialized"),
    _("Ultra-efficient"),
    _("Vision capabilities"),
    _("Advanced vision"),
    _("Large context"),
)
