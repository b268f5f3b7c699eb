#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""contrib/setup takes nothing away: what stands in the way is named, and nothing is done. t/fresh does the rest."""

import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab import SRCDIR, Tap
from lab.process import read, write

# In place of the machine's own: no package is there, and a mail server would have to give way to Postfix.
STANDINS = {
    "id": "echo 0",
    "dpkg-query": "exit 1",
    "dpkg-deb": "exit 1",
    "debconf-set-selections": "exit 1",
    "apt-get": """echo "$@" >> "$CALLS"
case "$*" in
*" install "*postfix* | "install "*postfix*)
    echo 'Inst libc6-dev [1] (2 Debian:12.11 [amd64])'
    echo 'Remv sendmail-bin [8.17.1.9-2] [sensible-mda:amd64 ]'
    echo 'Remv sensible-mda [8.17.1.9-2]' ;;
esac""",
}


def setup(folder, *arguments):
    """Exit status, what it said, and the calls of apt-get."""
    calls = os.path.join(folder, "calls")
    write(calls, "")
    done = subprocess.run([os.path.join(SRCDIR, "contrib/setup"), *arguments], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, encoding="utf-8",
                          env={**os.environ, "PATH": folder + ":/usr/bin:/bin", "CALLS": calls})
    return done.returncode, done.stderr, read(calls)


def refuses(tap, folder):
    for arguments in ((), ("--demo",), ("--bench",)):
        status, said, calls = setup(folder, *arguments)
        name = " ".join(("contrib/setup",) + arguments)
        tap.equal(status, 1, name + ": refuses where a mail server would be removed", said=said)
        tap.contains(said, "would remove sendmail-bin sensible-mda", name + ": names what stands in the way")
        real = [line for line in calls.splitlines() if "install" in line and "-s" not in line.split()]
        tap.equal(real, [], name + ": installs nothing then")


def usage(tap, folder):
    status, said, calls = setup(folder, "--purge")
    tap.equal([status, calls], [64, ""], "an option it does not know: nothing is done")
    tap.contains(said, "[--build | --demo | --bench]", "it says which it knows")


def main():
    with Tap() as tap, tempfile.TemporaryDirectory() as folder:
        for name, script in STANDINS.items():
            write(os.path.join(folder, name), "#!/bin/sh\n%s\n" % script, 0o755)
        for function in (refuses, usage):
            tap.case(function, folder)


main()
