"""What the buttons of the money pages send."""

from __future__ import annotations

import re

from django import forms


class BuyForm(forms.Form):
    """offer: the slug of what is to be bought. key: made when the button was rendered, so that
    pressing it twice is one order."""

    offer = forms.SlugField(max_length=64)
    key = forms.RegexField(re.compile(r"\A[0-9a-f]{32}\Z"))
