#!/bin/sh
# Install what a lock file names into a virtual environment: install_packages.sh VENV LOCK_FILE
#
# uv does it several times faster than pip. It knows nothing of pip's settings, so that pip does it
# where another index is configured for it, and where uv does not get through.
set -eu
bin=$1/bin
lock=$2
requirements=$(dirname "$0")/uv-requirements.txt

with_pip() {
  "$bin/pip" install --quiet --disable-pip-version-check --require-hashes "$@"
}

with_uv() {
  with_pip --only-binary :all: --requirement "$requirements" || return 1
  UV_SYSTEM_CERTS=1 "$bin/uv" pip install --quiet --compile-bytecode --python "$bin/python" \
    --require-hashes --requirement "$lock"
}

if "$bin/pip" config list | grep -q 'index-url'; then
  with_pip --requirement "$lock"
else
  with_uv || { echo "uv did not get through; pip tries"; with_pip --requirement "$lock"; }
fi
