"""What the workspace's scripts say. Here, so that translators find it where they find the rest.

`{name}` is filled in by the scripts.
"""

from __future__ import annotations

from django.utils.translation import gettext as _


def workspace_strings() -> dict[str, str]:
    """Key → sentence in the person's language."""
    return {
        "queued": _("Queued"),
        "running": _("Writing"),
        "connecting": _("Waiting for the model"),
        "stopping": _("Stopping"),
        "seconds": _("{seconds} s"),
        "tokensSoFar": _("{tokens} of at most {ceiling} tokens"),
        "stalled": _(
            "Nothing new for {seconds} s. It ends by itself if that goes on; you pay only for"
            " what is delivered."
        ),
        "longQueue": _(
            "All workers are busy. The run starts as soon as one is free; waiting costs nothing."
        ),
        "reconnecting": _("The connection was lost. The run goes on; trying again."),
        "estimateIdle": _("The price is shown here before you send."),
        "estimateRange": _("{low}–{high} tokens, never more than {ceiling}"),
        "estimateFrom": _("from {pockets}"),
        "estimateShort": _(
            "This needs at least {required} tokens with this model, more than you have."
        ),
        "estimateFailed": _(
            "The price can not be shown right now. The run is still limited to what you have."
        ),
        "pocket_free_monthly": _("your free tokens"),
        "pocket_purchased": _("your purchased tokens"),
        "pocket_premium_daily": _("your premium tokens"),
        "pocket_adjustment": _("tokens from our staff"),
        "sendFailed": _(
            "The request did not reach us. Nothing was charged. Check your connection and"
            " send it again."
        ),
        "pictureAttached": _("{name} is attached."),
        "pictureRemove": _("Remove {name}"),
        "pictureUploading": _("{name} is being uploaded"),
        "pictureFailed": _(
            "{name} did not reach us. Nothing was stored. Check your connection and attach it"
            " again."
        ),
        "pictureTooLarge": _(
            "{name} is larger than {most} MB. Make it smaller and attach it again."
        ),
        "picturesMost": _("A request takes {most} pictures at most. Remove one to attach another."),
        "modelBlind": _("can not see pictures"),
        "modelSwitched": _("{before} can not see pictures, so {now} will answer."),
        "modelNoneSees": _(
            "No model that sees pictures can be chosen right now. Remove them to go on."
        ),
        "notSent": _("Not sent"),
        "notCharged": _("Not charged."),
        "shortTitle": _("Not enough tokens"),
        "shortText": _("This needs {required} tokens, you have {available}."),
        "shortModels": _("You have enough for these models:"),
        "shortUpgrade": _("Get tokens"),
        "announceStarted": _("The run has started."),
        "announceDone": _("The site is ready: version {version}."),
        "announceFailed": _("The run has failed. See what happened in the conversation."),
        "announceStopped": _("The run was stopped."),
        "liveNote": _("Painting as it arrives"),
        "draftNote": _("The last good version stays until the change is done"),
        "olderNote": _("Version {version}, not the latest"),
        "consoleNone": _("console 0"),
        "consoleSome": _("console {count}"),
        "linksOk": _("links ok"),
        "linksDead": _("links to nowhere: {paths}"),
        "emptyPage": _(
            "This page shows nothing. Ask for a repair, or go back to an earlier version."
        ),
        "checking": _("checking…"),
        "current": _("latest"),
        "shown": _("shown"),
        "open": _("Show"),
        "restore": _("Restore"),
        "restoreFailed": _("It could not be restored. Nothing was changed."),
        "versionsFailed": _("The versions could not be loaded. Open the menu again."),
        "filesFailed": _("The files could not be loaded. Reload the page."),
        "originRun": _("Generated"),
        "originHand": _("Edited by hand"),
        "originRestore": _("Restored"),
        "writing": _("being written"),
        "previewTitle": _("The site"),
        "fileBinary": _("This file is not text."),
    }
