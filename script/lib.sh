# Shared by the commands in this folder: finds Python, keeps .venv in step with a requirements file.
# shellcheck shell=bash

find_python() { # the first Python that is new enough; fails with a clear message
  local name
  for name in "${PYTHON:-}" python3 python3.13 python3.12 python3.11 python; do
    [ -n "$name" ] && command -v "$name" >/dev/null 2>&1 || continue
    "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || continue
    command -v "$name"
    return
  done
  echo "Sitewright needs Python 3.11 or newer, and found none on PATH." >&2
  echo "Install it, or name it: PYTHON=/path/to/python3.11 $0" >&2
  return 1
}

use_venv() { # use_venv requirements.txt: makes or mends .venv; nothing to do when its stamp matches
  local python
  python="$(find_python)"
  "$python" script/venv.py "$1" >&2
}
