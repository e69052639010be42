/* What the modules tell each other. Events and their details:
   run:started {run}             a request was accepted
   run:live {runId}              a run is being followed
   run:files {runId, reply, path}   its reply has grown; path: the file being written
   site:files {runId, files, path}  Map path → text: the site with that reply over it
   run:ended {runId, state, version}
   version:shown {version, latest, first}  a stored version is what the stage shows
   version:kept {version}        a run ended without one: the last version stays
   page:shown {path}             the live preview moved to another page
   stop · stop:sent · stop:failed   the person wants the run to stop
   conversation:grown            something was added at its end
   model                         another model was chosen
   pictures {count}              pictures were attached to the next request, or taken away
   pictures:again {pictures}     these are to be attached once more: [{id, name}]
   announce {text}               to be read out
   balance                       tokens were held or spent */

const target = new EventTarget();

export function emit(name, detail = {}) {
  target.dispatchEvent(new CustomEvent(name, { detail }));
}

export function on(name, listener) {
  target.addEventListener(name, (event) => listener(event.detail));
}
