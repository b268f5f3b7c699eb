#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
What the daemon leaves behind, under valgrind: no error, nothing lost, and no more memory in use after a thousand
messages, or after sessions that were dropped, than after a few.
"""

import os
import re
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab import message
from lab.process import read, run, wait_for
from lab.tap import Tap
from lab.wire import OPENING, SESSION, Letter, Wire, converse, packets
from milter.daemon import PROGRAM, org
from milter.signed import Signer
from milter.target import Target

SUPPRESSIONS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "valgrind.supp")
MIXED = 10
# Bytes that are kept to the end: by the C library, for modules that know users and groups, and by libunbound, for reading a
# line of configuration.
KEPT = 16384 + 16500
SLACK = 4096  # bytes that may differ: buffers that grow with use, and threads that came and went


def usable():
    """Whether valgrind can read a program built as this one is."""
    try:
        run(["valgrind", "--quiet", "--error-exitcode=9", PROGRAM, "-V"])
        return True
    except Exception:  # whatever it is, it is not the daemon that is tested
        return False


class Watched(Target):
    """The daemon under valgrind; account() is what is left at its end."""

    def __init__(self):
        super().__init__()
        self.wrapper = ["valgrind", "--leak-check=full", "--show-leak-kinds=definite,indirect",
                        "--errors-for-leak-kinds=definite,indirect", "--num-callers=30",
                        "--suppressions=" + SUPPRESSIONS, "--log-file=" + os.path.join(self.root, "valgrind.%p")]
        self.signer = Signer(self.root)
        self.configure(orgs=org(reject_unless="tls and message and org and from and envelope and dkim"),
                       dns={"nameservers": ["127.0.0.1@9"], "local_data": self.signer.local_data})

    def account(self):
        """End it, and return (bytes in use at its end, errors, the report)."""
        child = self.child
        self.stop()
        report = read(os.path.join(self.root, "valgrind.%d" % child))
        used = re.search(r"in use at exit: ([\d,]+) bytes", report)
        errors = re.search(r"ERROR SUMMARY: (\d+) errors", report)
        if not used or not errors:
            return None, None, report
        return int(used.group(1).replace(",", "")), int(errors.group(1)), report


def mixed(signer):
    """Ten messages: five pass, five are refused at different steps."""
    forged = [("Authentication-Results", "relay.test; dkim=pass")] * 3
    return [Letter(signer.sign(message())), Letter(message()), Letter(signer.sign(message(extra=forged))),
            Letter(signer.sign(message()), macros=SESSION), Letter(signer.sign(message(lk=None))),
            Letter(signer.sign(message(body=("x" * 76 + "\r\n") * 1000))), Letter(signer.sign(message()), sender=""),
            Letter(signer.sign(message()).replace("Thank", "Thonk")), Letter(signer.sign(message(), "attack.example")),
            Letter(signer.sign(message()), recipients=["u%d@dest.test" % i for i in range(10)])]


def messages(count):
    """The account after so many messages on one connection, and how many passed."""
    with Watched() as target:
        letters = mixed(target.signer)
        target.start()
        pairs = OPENING + [part for letter in letters for part in letter.steps()] * (count // MIXED)
        answers = converse(target.address, pairs, timeout=300)
        passed = sum(1 for place, letter in answers if pairs[place][0] == "E" and letter == "c")
        target.await_messages(count)
        return (*target.account(), passed)


def dropped(count):
    """The account after so many sessions that say nothing, end in a message, or end it with RSET."""
    with Watched() as target:
        letters = mixed(target.signer)
        target.start()
        converse(target.address, OPENING + letters[0].steps(), timeout=300)
        before = target.descriptors()
        idle = [Wire(target.address, 300) for _ in range(8)]
        for number in range(count):
            letter = letters[number % MIXED]
            steps = letter.steps()[:2 + number % (len(letter.steps()) - 2)]
            with Wire(target.address, 300) as wire:
                wire.exchange(packets(*OPENING, *steps, *([("A", b"")] if number % 2 else [])))
        for wire in idle:
            wire.close()
        target.await_messages(count + 1)
        wait_for(lambda: target.descriptors() <= before, "all connections to be seen to their end")
        return target.account()


def clean(tap, name, account):
    used, errors, report = account[:3]
    tap.ok(errors == 0, "%s: no error, nothing lost" % name, report=report[-6000:] if errors != 0 else "")
    tap.ok(used is not None and used < KEPT, "%s: all memory is given back at its end" % name, in_use=used)
    return used


def leaks(tap):
    with ThreadPoolExecutor(2) as pool:
        many = {count: pool.submit(messages, count) for count in (1000, 100)}
        few = {count: pool.submit(dropped, count) for count in (200, 20)}
    for count, account in many.items():
        tap.equal(account.result()[3], count // 2, "%d messages: half of them pass" % count)
    used = {count: clean(tap, "%d messages" % count, account.result()) for count, account in many.items()}
    tap.ok(used[1000] <= used[100] + SLACK, "memory does not grow with messages", in_use=used)
    used = {count: clean(tap, "%d sessions that were dropped" % count, account.result()) for count, account in few.items()}
    tap.ok(used[200] <= used[20] + SLACK, "memory does not grow with sessions", in_use=used)


if os.environ.get("SANITIZERS", "no") != "no":
    Tap.skip_all("valgrind does not go with sanitizers")
if not shutil.which("valgrind"):
    Tap.skip_all("valgrind is not there")
if not usable():
    Tap.skip_all("valgrind cannot read this build")
with Tap(needs_root=False) as points:
    points.case(leaks)
