#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
The daemon on systemd's own journald, in a namespace of their own: every key of a message can be asked for, as in
"journalctl SFDC_VERDICT=reject", and hostile values make no field, no record and no line of their own. By "make check-journal".
"""

import json
import os
import subprocess
import sys
import tempfile
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab import message
from lab.process import read, start, stop, wait_for, write
from lab.tap import Tap
from lab.wire import CLIENT, SESSION, TLS, Letter, Wire
from milter.daemon import PROGRAM
from milter.target import Target, good

JOURNALD = "/lib/systemd/systemd-journald"
# $1: a file with a machine's ID. Then a command; its end is the journal's.
NAMESPACE = """
mount --make-rprivate /; mount -t tmpfs none /run; mount --bind "$1" /etc/machine-id; shift
mkdir -p /run/systemd/journal /run/log/journal/$(cat /etc/machine-id)
%s & journal=$!
trap 'kill $child 2>/dev/null; wait $child; kill $journal; exit 0' TERM INT
until [ -S /run/systemd/journal/socket ]; do sleep 0.05; kill -0 $journal; done
"$@" & child=$!
wait $child
""" % JOURNALD
HOSTILE = ['x" SFDC_VERDICT=accept', "x\nSFDC_VERDICT=accept", "x\nMESSAGE=y\n\nMESSAGE=z", "\\", "\xff\xfe", "\x1b[2J", "a" * 3000, "%s%n",
           "=", "SFDC_VERDICT"]
PLACES = ("{client_name}", "{cert_subject}", "{cert_issuer}", "{cipher}", "{auth_authen}", "Message-ID", "X-SFDC-User", "X-SFDC-LK", "From")


def hostile(place, value):
    own = {**SESSION, **TLS, "{client_addr}": CLIENT}
    if place.startswith("{"):
        return Letter(message(), macros={**own, place: value})
    flat = value.replace("\n", "\r\n ")
    return Letter(message(omit=[place], lk=None if place == "X-SFDC-LK" else True, extra=[(place, flat)]), macros=own)


class Journal(Target):
    """A daemon whose lines go to a journal of its own."""

    def start(self, *_, **__):
        ident = os.path.join(self.root, "machine-id")
        write(ident, uuid.uuid4().hex + "\n", 0o644)
        self.process = start(["unshare", "-m", "sh", "-ec", NAMESPACE, "sh", ident, PROGRAM, "-f", "-c", self.file], self.output)
        wait_for(self.listens, "the daemon to listen")
        return self

    def asked(self, *matches):
        """The records that journalctl finds."""
        done = subprocess.run(["nsenter", "-t", str(self.process.pid), "-m", "journalctl", "--no-pager", "-a", "-o", "json", *matches],
                              stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", check=False)
        return [json.loads(line) for line in done.stdout.splitlines()]


def main():
    with Tap() as tap, Journal(log={"target": "journal"}) as target:
        tap.ok(os.access(JOURNALD, os.X_OK), "there is a journald")
        target.start()
        cases = [hostile(place, value) for place in PLACES for value in HOSTILE]
        with Wire(target.address) as wire:
            wire.open()
            for letter in [good(), good(lk=None)] + cases:
                wire.deliver(letter)
        total = len(cases) + 2
        wait_for(lambda: len(target.asked("SFDC_EV=verdict")) >= total, "the journal to have %d messages" % total)
        every = target.asked("SFDC_EV=verdict")
        tap.equal(len(every), total, "one record for each message, whatever is in it")
        verdicts = [entry["SFDC_VERDICT"] for entry in every]
        tap.equal(set(map(str, verdicts)), {"accept", "reject"}, "each has one verdict")
        rejected = target.asked("SFDC_VERDICT=reject")
        tap.equal(len(rejected), verdicts.count("reject"), "journalctl SFDC_VERDICT=reject")
        own = sorted(key for key in every[0] if key.startswith("SFDC_"))
        tap.ok(len(own) > 25, "a message has many keys", own=own)
        for key in own:
            found = target.asked("%s=%s" % (key, every[0][key]))
            tap.ok(every[0]["__CURSOR"] in [entry["__CURSOR"] for entry in found], "journalctl %s=%s" % (key, every[0][key]))
        known = set(own) | {"SFDC_" + name.upper() for name in
                            ("auth", "cert", "cert_issuer", "why", "reason", "reasons", "reply", "detail", "warn", "lk", "rcpt", "hfrom", "size",
                             "msgid", "sf_user", "org", "org_name", "client_name", "cipher", "dkim_d", "dkim_s")}
        strange = {key for entry in every for key in entry if key.startswith("SFDC_") and key not in known}
        tap.equal(strange, set(), "no value makes a key")
        tap.equal({entry["MESSAGE"].split(" ")[0] for entry in every}, {"ev=verdict"}, "nor a message of its own")
        tap.equal({entry["_TRANSPORT"] for entry in every}, {"journal"}, "all by the journal's own protocol")


main()
