/* The workspace. Each module adds one behaviour to the markup that is already there, found by its
   data attributes; they speak to each other through `bus.js` only. */

import { announceStart } from "./announcer.js";
import { startBalance } from "./balance.js";
import { startCode } from "./code.js";
import { startComposer } from "./composer.js";
import { startConversation } from "./conversation.js";
import { startEstimate } from "./estimate.js";
import { startKeys } from "./keys.js";
import { startLayout } from "./layout.js";
import { startModels } from "./models.js";
import { startName } from "./name.js";
import { startPictures } from "./pictures.js";
import { startPreview } from "./preview.js";
import { startSite } from "./site.js";
import { startVersions } from "./versions.js";

const root = document.querySelector("[data-workspace]");

announceStart(root);
startLayout(root);
startModels(root);
startComposer(root);
startEstimate(root);
startPictures(root);
startPreview(root);
startCode(root);
startVersions(root);
startBalance();
startName();
startKeys(root);
startSite();
// Last: it may pick up a run that streams already, and everything must be listening.
startConversation(root);
