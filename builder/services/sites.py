"""Writes on sites: made, renamed, put away. Files live in versions (`services.versions`)."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from builder.models import Run, Site
from config.errors import Conflict, InvalidInput, NotFound
from config.prepared import PreparedSelect, slot

_LOCKED = PreparedSelect(lambda: Site.objects.select_for_update().filter(pk=slot(Site, "id")))
# One statement for both. Not as strong as for a change of keys: rows that point at the person, as
# every hold and session does, are written meanwhile.
_LOCKED_WITH_OWNER = PreparedSelect(
    lambda: (
        Site.objects.select_related("owner")
        .select_for_update(of=("self", "owner"), no_key=True)
        .filter(pk=slot(Site, "id"))
    )
)

NAME_MAX_CHARACTERS = 120
# Far above what a person has; it bounds what a script can make.
SITES_MAX_PER_OWNER = 500


def site_create(*, owner: User, name: str) -> Site:
    """A new site without versions. Raises InvalidInput (name), Conflict (too many sites)."""
    cleaned = clean_name(name)
    if Site.objects.filter(owner=owner, deleted_at=None).count() >= SITES_MAX_PER_OWNER:
        raise Conflict(
            _("You have %(count)d sites, which is the most there can be. Delete one first.")
            % {"count": SITES_MAX_PER_OWNER},
            code="too_many_sites",
        )
    return Site.objects.create(owner=owner, name=cleaned)


def site_rename(*, site: Site, name: str) -> Site:
    """Changes the name only. Raises InvalidInput."""
    site.name = clean_name(name)
    site.save(update_fields=["name", "updated_at"])
    return site


def site_delete(*, site: Site) -> None:
    """Hides the site from its owner and from every preview link; rows stay for the receipts.

    Raises Conflict while a run works on it: deleting must never decide over a charge. Calling it
    twice is a no-op.
    """
    with transaction.atomic():
        locked = site_lock(site)
        unfinished = Run.objects.filter(
            site=locked, state__in=[Run.State.QUEUED, Run.State.RUNNING]
        )
        if unfinished.exists():
            raise Conflict(
                _("A run is still working on this site. Stop it first, then delete the site."),
                code="run_in_progress",
            )
        Site.objects.filter(pk=locked.pk, deleted_at=None).update(deleted_at=timezone.now())


def site_lock(site: Site, *, deleted: bool = True, with_owner: bool = False) -> Site:
    """The row, locked until the caller's transaction ends: serialises all writes on one site.

    deleted: whether a deleted site will do. with_owner: lock its owner's row too, before any grant
    (as `billing.services.clawbacks` says), so that the person's other starts wait. Raises NotFound.
    """
    locked = (_LOCKED_WITH_OWNER if with_owner else _LOCKED).first(id=site.pk)
    if locked is None or (locked.deleted_at is not None and not deleted):
        raise NotFound(_("There is no such site."))
    return locked


def clean_name(name: str) -> str:
    """One line of 1 to 120 visible characters, or InvalidInput."""
    cleaned = " ".join(name.split())
    if not cleaned or not any(character.isprintable() for character in cleaned):
        raise InvalidInput(_("A site needs a name."), code="name_empty")
    if not cleaned.isprintable():
        raise InvalidInput(
            _("The name has control or invisible characters. Type it again."),
            code="name_characters",
        )
    if len(cleaned) > NAME_MAX_CHARACTERS:
        raise InvalidInput(
            _("The name is longer than %(count)d characters.") % {"count": NAME_MAX_CHARACTERS},
            code="name_too_long",
        )
    return cleaned


def name_from_prompt(prompt: str) -> str:
    """A first name for a site from what was asked: its beginning, cut at a word."""
    words = "".join(c if c.isprintable() else " " for c in prompt[:400]).split()
    name = ""
    for word in words:
        longer = f"{name} {word}".strip()
        if len(longer) > 48:
            break
        name = longer
    # Chinese has no spaces: the first "word" is the whole sentence.
    return (name or (words[0][:24] if words else "")).rstrip(".,;:!?，。；：！？") or _("New site")
