#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""sfdc-relayctl status: what a running daemon tells, as a table that fits 80 columns and as JSON; and what is wrong if none does."""

import json
import os
import re
import socket
import subprocess
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab import message
from lab.metrics import status
from lab.process import free_port, read, wait_for, write
from lab.tap import Tap
from lab.wire import Letter, Wire
from milter.daemon import org
from milter.target import Target, good

RELAYCTL = os.path.join(os.environ.get("BUILDDIR", "."), "sfdc-relayctl")
LONG_NAME = "a name of sixty-four characters, as long as the configuration has"
OTHER = "00D4x000004z0H4EAI"


def run(file, *arguments):
    done = subprocess.run([RELAYCTL, "status", "-c", file, *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                          encoding="utf-8", check=False, timeout=60)
    return done.returncode, done.stdout, done.stderr


def orgs():
    return {**org(limit={"messages": "4/1h"}),
            OTHER: {"name": LONG_NAME[:64], "mode": "monitor", "domains": ["example.net"], "reject_unless": "org and from"}}


def shows(tap):
    port = free_port()
    with Target(orgs=orgs(), metrics={"listen": "inet:%d@127.0.0.1" % port}) as target:
        target.start()
        with Wire(target.address) as wire:
            wire.open()
            for letter in (good(), good(), good(lk=None), Letter(message(lk=OTHER[:15], author="x@example.org"))):
                wire.deliver(letter)
        target.await_messages(4)
        wait_for(lambda: status(port)["resolver"]["answers"], "the name server to answer")
        code, out, err = run(target.file)
        tap.equal((code, err), (0, ""), "it answers", out=out)
        tap.ok(max(map(len, out.splitlines())) <= 80, "in 80 columns", out=out)
        for pattern, what in ((r"^sfdc-milter +\S+, up \d+s, \d+ loops, \d+ connections, 0 in progress$", "uptime"),
                              (r"^configuration +[0-9a-f]{16} since \d{4}-\d\d-\d\d \d\d:\d\d$", "configuration"),
                              (r"^resolver +the name servers answer$", "resolver"),
                              (r"^production +enforce +2 +0 +0 +0 +\d+s +0 +0 +50%$", "what an organization came to"),
                              (r"^a name of sixty\.\. +monitor +1 +0 +0 +0 +- +0 +0 +-$", "one that is watched"),
                              (r"^ +would be +0 +0 +0 +1$", "and what it would come to"),
                              (r"^none +enforce +0 +0 +0 +1 ", "mail of no organization")):
            tap.ok(re.search(pattern, out, re.M), what, out=out)
        code, out, err = run(target.file, "--json")
        told = json.loads(out)
        tap.equal((code, err, out.count("\n")), (0, "", 1), "one JSON object")
        tap.equal(told["file_hash"], told["config_hash"], "the file is what is in force")
        production = told["orgs"][0]
        tap.equal((production["messages"], production["today"]["messages"]),
                  ({"accept": 2, "quarantine": 0, "tempfail": 0, "reject": 0, "exempt": 0, "skip": 0},) * 2, "verdicts, in all and today")
        tap.equal(told["orgs"][1]["would"]["reject"], 1, "what enforcing would do")
        tap.equal((told["orgs"][1]["last_accepted"], production["limits"]), (None, {"messages": {"limit": "4/1h", "used": 0.5}}),
                  "nothing was accepted; limits")
        write(target.file, read(target.file).replace("production", "another"))
        tap.contains(run(target.file)[1], "reload", "a file that is not in force is told")
        tap.equal(told["none"]["messages"]["reject"], 1, "mail of no organization")


def unix(tap):
    """A unix socket that only its group reaches."""
    with Target() as target:
        path = os.path.join(target.root, "m")
        target.configure(metrics={"listen": "unix:" + path})
        target.start()
        tap.equal(os.stat(path).st_mode & 0o777, 0o600, "socket_mode")
        tap.equal(run(target.file)[0], 0, "it is asked over a unix socket")
        target.stop()
        tap.ok(not os.path.exists(path), "the socket is gone with the daemon")
        code, out, err = run(target.file)
        tap.equal((code, out), (75, ""), "no daemon", err=err)
        tap.contains(err, "is the daemon running", "and what to look at")


def another(tap, answer, words):
    """Something else answers there."""
    with socket.create_server(("127.0.0.1", 0)) as server, Target() as target:
        def serve():
            with server.accept()[0] as peer:
                peer.recv(4096)
                peer.sendall(answer)
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        target.configure(metrics={"listen": "inet:%d@127.0.0.1" % server.getsockname()[1]})
        code, out, err = run(target.file)
        thread.join()
        tap.equal((code, out), (75, ""), "%.20r: not understood" % answer)
        tap.contains(err, words, "and said so")


def wrong(tap):
    for answer, words in ((b"220 mail ESMTP\r\n", "no HTTP"), (b"", "no HTTP"), (b"HTTP/1.1 404 Not Found\r\n\r\n", "no /status"),
                          (b"HTTP/1.1 200 OK\r\n\r\n[1]", "is no status"), (b"HTTP/1.1 200 OK\r\n\r\n{", "is no status")):
        another(tap, answer, words)
    with Target() as target:
        code, out, err = run(target.file)
        tap.equal((code, out), (78, ""), "metrics.listen is empty")
        tap.contains(err, "metrics.listen is empty", "and said so")
        target.configure(mode="nonsense")
        tap.equal(run(target.file)[0], 78, "a configuration with an error")
    tap.equal(run("x", "y")[0], 64, "there are only options")


def main():
    with Tap(needs_root=False) as tap:
        for function in (shows, unix, wrong):
            tap.case(function)


main()
