"""Forms of the catalogue's admin: what staff may not do, said where they do it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.forms.models import BaseInlineFormSet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from models_catalog.fallbacks import edges_of, find_loop
from models_catalog.models import AIModel, Fallback, Provider, Route


class SwitchableForm(forms.ModelForm):  # type: ignore[type-arg]
    """A row that is on, or off with a reason."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        reason = " ".join(str(cleaned.get("disabled_reason") or "").split())
        if cleaned.get("enabled"):
            # A reason left over from last time would be shown next time.
            reason = ""
        elif "enabled" in cleaned and not reason:
            self.add_error(
                "disabled_reason",
                _("Say why it is switched off: people are shown the reason."),
            )
        cleaned["disabled_reason"] = reason
        return cleaned


class ProviderForm(SwitchableForm):
    base_url = forms.URLField(
        assume_scheme="https",
        max_length=200,
        help_text=_("Overridden by the matching …_BASE_URL environment variable, if set"),
    )

    class Meta:
        model = Provider
        fields = "__all__"  # noqa: DJ007 - staff edit every column

    def clean_base_url(self) -> str:
        url = str(self.cleaned_data["base_url"]).rstrip("/")
        if urlsplit(url).scheme != "https" and not settings.DEBUG:
            raise ValidationError(_("Use https: the key travels with every call."))
        return url


class RouteForm(SwitchableForm):
    class Meta:
        model = Route
        fields = "__all__"  # noqa: DJ007 - staff edit every column

    def save(self, commit: bool = True) -> Any:
        changed = set(self.changed_data)
        if changed & {"input_usd_per_million", "output_usd_per_million"}:
            # Also where they were emptied: seeding and comparing leave a dated price alone.
            self.instance.priced_at = timezone.now()
        if changed & {"provider", "provider_model_id"}:
            # What was known of the other id is not true of this one.
            self.instance.gone_since = None
            self.instance.listed_name = self.instance.canonical_slug = ""
        return super().save(commit)


class AIModelForm(SwitchableForm):
    class Meta:
        model = AIModel
        fields = "__all__"  # noqa: DJ007 - staff edit every column

    def clean_vision(self) -> bool:
        vision = bool(self.cleaned_data["vision"])
        if self.instance.pk and not vision:
            sighted = AIModel.objects.filter(fallbacks__fallback=self.instance, vision=True)
            names = ", ".join(sighted.values_list("name", flat=True))
            if names:
                raise ValidationError(
                    _(
                        "%(names)s understand pictures and fall back to this model. "
                        "Take it out of their fallbacks first."
                    ),
                    params={"names": names},
                )
        return vision


class FallbackFormSet(BaseInlineFormSet[Fallback, AIModel, forms.ModelForm]):  # type: ignore[type-arg]
    """The fallbacks of one model, checked against those of all the others."""

    def clean(self) -> None:
        super().clean()
        rows = [
            form.cleaned_data
            for form in self.forms
            if form.cleaned_data.get("fallback") and not form.cleaned_data.get("DELETE")
        ]
        self._refuse_blind([row["fallback"] for row in rows])
        if sum(bool(row.get("last_resort")) for row in rows) > 1:
            raise ValidationError(_("A model has one last resort at most."))
        if self.instance.pk:
            self._refuse_loops([row["fallback"] for row in rows if not row.get("last_resort")])

    def _refuse_blind(self, chosen: list[AIModel]) -> None:
        blind = [model.name for model in chosen if self.instance.vision and not model.vision]
        if blind:
            raise ValidationError(
                _("%(model)s understands pictures, so its fallbacks must too: %(names)s does not."),
                params={"model": self.instance.name, "names": ", ".join(blind)},
            )

    def _refuse_loops(self, chosen: list[AIModel]) -> None:
        others = Fallback.objects.exclude(model=self.instance).filter(last_resort=False)
        pairs = list(others.values_list("model_id", "fallback_id"))
        pairs += [(self.instance.pk, model.pk) for model in chosen]
        loop = find_loop(edges_of(pairs))
        if loop:
            names = dict(AIModel.objects.filter(pk__in=loop).values_list("pk", "name"))
            raise ValidationError(
                _(
                    "These fallbacks would lead in a circle: %(loop)s. Take one out, or mark it"
                    " as the last resort."
                ),
                params={"loop": " → ".join(names[pk] for pk in loop)},
            )


class ReasonForm(forms.Form):
    """Why the chosen rows are switched off."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=200,
        help_text=_("Shown to people who wanted to use it. Plain words, no secrets."),
        widget=forms.TextInput(attrs={"class": "vTextField", "autofocus": True}),
    )
