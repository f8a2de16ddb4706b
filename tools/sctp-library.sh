#!/bin/sh
# Where the kernel has no SCTP, cinq needs libusrsctp: finds it, installs it as root, or unpacks the
# distribution's package beside the virtual environment. Says what it did; failing is not an error here, since
# `cinq doctor` and the programs themselves say what is missing.
# usage: sctp-library.sh VENV
set -u
venv=$1
[ -x "$venv/bin/python" ] || exit 0
"$venv/bin/python" - <<'PY' && exit 0
import sys

from cinq.transport import sctp
from cinq.transport.error import TransportError

try:
    sctp.implementation()
except TransportError as error:
    sys.exit("libusrsctp" in f"{error.what} {error.remedy}")
PY
command -v apt-get >/dev/null 2>&1 || {
    echo "cinq: the kernel has no SCTP and libusrsctp is missing: install your distribution's libusrsctp package"
    exit 0
}
if [ "$(id -u)" = 0 ]; then
    echo "cinq: the kernel has no SCTP: installing libusrsctp2"
    export DEBIAN_FRONTEND=noninteractive
    apt-get install -y -qq libusrsctp2 >/dev/null 2>&1 ||
        { apt-get update -qq && apt-get install -y -qq libusrsctp2; } >/dev/null 2>&1 ||
        echo "cinq: apt-get could not install libusrsctp2"
    exit 0
fi
folder=$(mktemp -d) || exit 0
echo "cinq: the kernel has no SCTP: unpacking libusrsctp2 into $venv/usrsctp"
if (cd "$folder" && apt-get download -qq libusrsctp2 && dpkg -x libusrsctp2_*.deb .) >/dev/null 2>&1; then
    mkdir -p "$venv/usrsctp"
    cp "$folder"/usr/lib/*/libusrsctp.so.2* "$venv/usrsctp/"
else
    echo "cinq: could not download libusrsctp2; as root: apt-get install libusrsctp2"
fi
rm -rf "$folder"
exit 0
