#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Signed messages under random mutation, judged by ours, libopendkim, dkimpy and Mail::DKIM.

Each mutation of dkim_mutations.py comes alone, in each canonical form, and then at random with others. Whatever a
verifier sees in another way than ours must be listed in t/dkim_differences, for one of the mutations of the message, with
the reason; what is listed and does not occur is a failure, too. And whatever passes here is good by a fifth reading of RFC
6376, the few lines of reference().

DKIM_DIFFERENTIAL=full judges 200,000 messages (make check-dkim) instead of those of which each has one mutation; COUNT,
SEED override. A verifier that is not installed is left out of the short run, and fails the long one.
"""
import collections
import multiprocessing.pool
import os
import random
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.join(os.environ.get("SRCDIR", "."), "t")
sys.path.insert(0, HERE)
import dkim_mutations as mutations  # noqa: E402
from lab.tap import Tap  # noqa: E402

DRIVER = os.path.join(os.environ.get("BUILDDIR", "."), "t", "dkim_driver")
FULL = os.environ.get("DKIM_DIFFERENTIAL") == "full"
SEED = int(os.environ.get("SEED", "6376"))
COUNT = int(os.environ.get("COUNT", "200000" if FULL else "0"))
ALONE = 16  # messages with each mutation alone
BATCH = 1000
SHOWN = 8


class Turns:
    """A random.Random whose choice() takes one after the other, so that a mutation alone comes in all its kinds."""

    def __init__(self, rng, turn):
        self.rng, self.turn = rng, turn

    def choice(self, options):
        return options[self.turn % len(options)]

    def __getattr__(self, name):
        return getattr(self.rng, name)


class Case:
    """A message, the names of its mutations, its records, and what each verifier says of its signatures."""

    def __init__(self, seed, form, before, after, turn=None):
        self.mutations = list(before)
        rng = random.Random(seed)
        letter = mutations.Letter(rng, form)
        if turn is not None:
            rng = Turns(rng, turn)
        for name in before:
            mutations.BEFORE[name](letter, rng)
        letter.sign()
        for name in after:
            try:
                mutations.AFTER[name](letter, rng)
                self.mutations.append(name)
            except mutations.Inapplicable:
                pass
        self.seed, self.form = seed, form
        self.raw = letter.raw
        self.name = "%s._domainkey.%s" % (letter.selector, letter.tags["d"].lower())
        self.records = letter.records
        self.ed25519 = not letter.key.is_rsa
        self.piece = rng.choice([1, 7, 64, 1000, 65535])
        self.words = {}


def make(arguments):
    try:
        return Case(*arguments)
    except Exception as error:
        raise RuntimeError("%s: %r" % (arguments, error)) from error


def dkimpy(case):
    import dkim
    zone = {case.name.encode(): case.records}

    def find(name, timeout=5):
        found = zone.get(name.rstrip(b".").lower())
        return found[0].encode() if found else None
    words = []
    for index in range(len(re.findall(rb"(?im)^dkim-signature[ \t]*:", case.raw.split(b"\r\n\r\n")[0]))):
        try:
            good = dkim.DKIM(case.raw, minkey=1024).verify(idx=index, dnsfunc=find)
        except Exception:
            good = False
        words.append("pass" if good else "fail")
    return words


def run(command, count):
    """The lines of a program; where it dies, that message's line is "crash", and it goes on behind it."""
    lines = []
    while len(lines) < count:
        done = subprocess.run([*command, str(len(lines))], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
        lines += done.stdout.decode().splitlines()
        if done.returncode != 0 and len(lines) < count:
            lines.append("crash")
        elif len(lines) < count:
            raise RuntimeError("%s says too little" % command)
    return lines


def external(cases, engines):
    """What the programs say, each at the same time."""
    with tempfile.TemporaryDirectory() as folder:
        zone, messages = os.path.join(folder, "zone"), os.path.join(folder, "messages")
        with open(zone, "w", encoding="ascii") as file:
            for case in cases:
                file.writelines("%s %s\n" % (case.name, record.encode().hex()) for record in case.records)
        with open(messages, "wb") as file:
            for case in cases:
                file.write(b"%d %d\n" % (len(case.raw), case.piece) + case.raw)
        commands = {"ours": [DRIVER, "ours", zone, messages], "opendkim": [DRIVER, "opendkim", zone, messages],
                    "maildkim": ["perl", os.path.join(HERE, "dkim_mail_dkim.pl"), zone, messages]}
        with multiprocessing.pool.ThreadPool(3) as pool:
            results = {name: pool.apply_async(run, (commands[name], len(cases))) for name in commands if name in engines}
            for name, result in results.items():
                for case, line in zip(cases, result.get()):
                    case.words[name] = line.split()


def plan():
    """The arguments of each Case."""
    number = 0
    for turn in range(ALONE):
        form = mutations.FORMS[turn % len(mutations.FORMS)]
        for before, after in [([name], []) for name in mutations.BEFORE] + [([], [name]) for name in mutations.AFTER]:
            yield SEED * 10 ** 9 + number, form, before, after, turn + turn // len(mutations.FORMS)
            number += 1
    rng = random.Random(SEED)
    while number < COUNT:
        before = rng.sample(sorted(mutations.BEFORE), rng.choice([0, 0, 1, 1, 2]))
        after = rng.sample(sorted(mutations.AFTER), rng.choice([0, 1, 1, 2]))
        yield SEED * 10 ** 9 + number, rng.choice(mutations.FORMS), before, after
        number += 1


def read_differences():
    """{(mutation, verifier, ours, theirs): whether it shows when the mutation is alone; None: in some versions}."""
    rows = {}
    with open(os.path.join(HERE, "dkim_differences"), encoding="utf-8") as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                mutation, verifier, ours, theirs, why = line.lstrip("~?").split(None, 4)
                assert (mutation, verifier, ours, theirs) not in rows and why.strip(), line
                rows[mutation, verifier, ours, theirs] = None if line.startswith("?") else not line.startswith("~")
    return rows


def simple(word):
    """pass, fail, or what a verifier does that is neither."""
    if word in ("crash", "died", "trouble"):
        return word
    return "pass" if word.split(":")[0] == "pass" else "fail"


class Tally:
    def __init__(self, rows):
        self.rows = rows
        self.used = set()
        self.unlisted = collections.OrderedDict()
        self.count = collections.Counter()
        self.bad = []

    def compare(self, case, verifier):
        if verifier == "maildkim" and case.ed25519:
            return  # it knows RSA only
        words, theirs = list(case.words["ours"]), [simple(word) for word in case.words[verifier]]
        # Mail::DKIM does not count a field that it cannot read.
        while verifier == "maildkim" and len(words) > len(theirs) and "permerror:dkim-syntax" in words:
            words.remove("permerror:dkim-syntax")
        ours = [simple(word) for word in words]
        if len(ours) != len(theirs):
            ours, theirs = [" ".join(ours).replace(" ", ",") or "none"], [",".join(theirs) or "none"]
        for own, other in zip(ours, theirs):
            if own == other:
                continue
            self.count[verifier] += 1
            names = case.mutations
            listed = [name for name in names if (name, verifier, own, other) in self.rows]
            self.used.update((name, verifier, own, other) for name in listed if len(names) == 1 or not self.rows[
                name, verifier, own, other])
            if not listed:
                self.unlisted.setdefault(("+".join(names), verifier, own, other), case)

    def add(self, case, verifiers):
        self.count["messages"] += 1
        self.count.update(case.words["ours"])
        for verifier in verifiers:
            self.compare(case, verifier)
        words = [simple(word) for word in case.words["ours"]]
        zone = {case.name: case.records}
        if "trouble" in words or not all(mutations.reference(case.raw, zone, index)
                                         for index, word in enumerate(words) if word == "pass"):
            self.bad.append(case)


def show(case):
    return "%s %s seed=%d %s\n%s" % (case.form, case.mutations, case.seed, case.words, case.raw[:3000].decode("latin-1"))


def main(tap):
    wanted = ["opendkim", "dkimpy", "maildkim"]
    there = [name for name in wanted if name != "maildkim" or subprocess.run(
        ["perl", "-MMail::DKIM", "-e1"], check=False, stderr=subprocess.DEVNULL).returncode == 0]
    if subprocess.run([DRIVER, "opendkim", os.devnull, os.devnull, "0"], check=False).returncode != 0:
        there.remove("opendkim")
    if FULL:
        tap.equal(there, wanted, "all verifiers are there")
    rows = read_differences()
    tally = Tally({row: alone for row, alone in rows.items() if row[1] in there})
    todo = list(plan())
    with multiprocessing.Pool(2) as pool:
        for at in range(0, len(todo), BATCH):
            cases = pool.map(make, todo[at:at + BATCH], chunksize=50)
            other = pool.map_async(dkimpy, cases, chunksize=50)
            external(cases, ["ours", *there])
            for case, words in zip(cases, other.get()):
                case.words["dkimpy"] = words
                tally.add(case, there)
    print("# %d messages: %s" % (tally.count["messages"], dict(tally.count)))
    tap.equal([show(case) for case in tally.bad[:2]], [], "whatever passes is good by RFC 6376, and nothing is in trouble")
    for row, case in list(tally.unlisted.items())[:SHOWN]:
        print("# " + show(case).replace("\n", "\n# "))
    if os.environ.get("VERBOSE"):
        for row in tally.unlisted:
            print("# unlisted: %s" % " ".join(row))
    tap.equal([" ".join(row) for row in tally.unlisted], [], "every difference is listed")
    tap.equal([" ".join(row) for row, alone in tally.rows.items() if row not in tally.used and alone is not None and (alone or FULL)],
              [], "everything that is listed occurs")
    tap.ok(tally.count["pass:"] > tally.count["messages"] // 10 and tally.count["fail:dkim-fail"] > 50
           and tally.count["fail:dkim-bodyhash"] > 50, "messages pass and fail", count=dict(tally.count))


with Tap(needs_root=False) as points:
    points.case(main)
