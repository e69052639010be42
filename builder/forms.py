"""Forms of the pages below /sites/. They only read and bound; services decide."""

from __future__ import annotations

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from builder.pictures import PICTURES_MOST
from builder.services.runs import IDEMPOTENCY_KEY_MAX_CHARACTERS
from builder.services.sites import NAME_MAX_CHARACTERS


class PromptForm(forms.Form):
    """A request to a model; `model` may be left to the page that follows."""

    prompt = forms.CharField(strip=True)
    model = forms.SlugField(required=False, max_length=50)

    def __init__(self, data: QueryDict, *, prompt_bytes: int) -> None:
        super().__init__(data)
        self.prompt_bytes = prompt_bytes

    def clean_prompt(self) -> str:
        prompt: str = self.cleaned_data["prompt"]
        try:
            size_bytes = len(prompt.encode())
        except UnicodeEncodeError:
            raise ValidationError(
                _("The request has characters that are not valid text.")
            ) from None
        if size_bytes > self.prompt_bytes:
            raise ValidationError(
                _("The request is longer than %(limit)d KB. Nothing was charged. Shorten it."),
                params={"limit": self.prompt_bytes // 1024},
            )
        return prompt


def pictures_of_form(data: QueryDict) -> list[str]:
    """The ids of pictures that a form carries; a few more than there may be, for the refusal."""
    return [one for one in data.getlist("images")[: 2 * PICTURES_MOST] if len(one) <= 36]


class RunForm(PromptForm):
    """The composer without scripts: the key was made when the form was rendered."""

    model = forms.SlugField(max_length=50)
    idempotency_key = forms.CharField(required=False, max_length=IDEMPOTENCY_KEY_MAX_CHARACTERS)
    allow_fallback = forms.BooleanField(required=False)


class NameForm(forms.Form):
    name = forms.CharField(max_length=NAME_MAX_CHARACTERS, label=_("Name"))


def first_error(form: forms.Form) -> str:
    """The first thing wrong with a form, as one sentence."""
    for field, errors in form.errors.items():
        if errors:
            label = "" if field == "__all__" else f"{form.fields[field].label or field}: "
            return f"{label}{errors[0]}" if field != "prompt" else str(errors[0])
    return ""
