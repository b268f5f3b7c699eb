#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The resolver against a name server on 127.0.0.1 that answers, lies, keeps silent and dies."""

import os
import subprocess
import sys
import tempfile
import time

SRCDIR = os.environ.get("SRCDIR", os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
BUILDDIR = os.environ.get("BUILDDIR", ".")
sys.path.insert(0, os.path.join(SRCDIR, "t"))

from dnsserver import DnsServer, signed_zone  # noqa: E402
from lab.tap import Tap  # noqa: E402

LONG = 20000  # milliseconds that nothing here should take


class Probe:
    """The resolver on a leash."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen([os.path.join(BUILDDIR, "t", "resolver_probe"), *arguments],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.greeting = self.process.stdout.readline().strip()

    def __call__(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def ask(self, kind, name, number=1, applicant=""):
        """Ask, wait, and return the answer."""
        if self("ask %d %s %s %s" % (number, kind, name, applicant)) != "complete":
            self("wait %d %d" % (LONG, number))
        return self("show %d" % number)

    def counters(self):
        return {name: int(value) for name, value in (pair.split("=") for pair in self("count").split())}

    def end(self):
        self.process.stdin.close()
        return self.process.wait()


def until(condition):
    """Whether a condition comes true within many attempts; later versions of libunbound try a dead server again after a while."""
    return any(condition() or time.sleep(0.005) for _ in range(400))


def answers(tap, server):
    probe = Probe("nameserver=" + server.address)
    server.add("a.example.test", "A", "192.0.2.1", "192.0.2.2")
    server.add("a.example.test", "AAAA", "2001:db8::1")
    server.add("a.example.test", "MX", "10 mx.Example.test.", "20 .")
    server.add("1.2.0.192.in-addr.arpa", "PTR", "host.example.test.")
    server.add("a.example.test", "TXT", '"one" "two"', '""', '"a\\000b"')
    got = probe.ask("A", "a.example.test")
    tap.equal(sorted(got.split(" [")), ["192.0.2.10/]", "192.0.2.20/]", "found secure=0 ttl=300 cached=0"], "A")
    tap.equal(probe.ask("AAAA", "a.example.test"), "found secure=0 ttl=300 cached=0 [2001:db8::10/]", "AAAA")
    got = probe.ask("MX", "a.example.test").lower()
    tap.equal(sorted(got.split(" [")), ["10/mx.example.test]", "20/]", "found secure=0 ttl=300 cached=0"], "MX")
    tap.equal(probe.ask("PTR", "1.2.0.192.in-addr.arpa"), "found secure=0 ttl=300 cached=0 [0/host.example.test]", "PTR")
    got = probe.ask("TXT", "a.example.test")
    tap.equal(sorted(got.split(" [")[1:]), ["0/]", "0/a\\x00b]", "0/onetwo]"], "TXT: strings joined, NUL kept")
    got = probe.ask("TXT", "A.EXAMPLE.TEST")
    tap.ok(" cached=1 " in got and server.count("a.example.test") == 1, "the second time from the cache", got=got)
    server.add("s.\\032b\\.c.example.test", "TXT", '"odd"')
    tap.equal(probe.ask("TXT", "s.\\032b\\046c.example.test"), "found secure=0 ttl=300 cached=0 [0/odd]", "escapes")
    server.add("odd.example.test", "PTR", "a\\032b\\046c.example.test.")
    tap.equal(probe.ask("PTR", "odd.example.test"), "found secure=0 ttl=300 cached=0 [0/a\\032b\\046c.example.test]",
              "escapes in an answer")
    tap.equal(probe.ask("TXT", "nothere.example.test"), "nxdomain secure=0 ttl=30 cached=0", "no such name")
    tap.equal(probe.ask("TXT", "nothere.example.test"), "nxdomain secure=0 ttl=30 cached=1", "... cached")
    tap.equal(probe.ask("TXT", "odd.example.test"), "nodata secure=0 ttl=30 cached=0", "no data")
    for name in ("a..example.test", "x" * 64 + ".example.test", ".".join(["abcdefg"] * 40)):
        tap.equal(probe.ask("TXT", name).split()[0], "nxdomain", "a name that cannot be: " + name[:20])
    tap.equal(probe.ask("A", "localhost"), "found secure=0 ttl=3600 cached=0 [127.0.0.10/]", "localhost stays here")
    tap.equal(probe.counters()["failed"], 0, "nothing failed")
    tap.equal(probe.end(), 0, "the end")


def caching(tap, server):
    server.add("zero.example.test", "TXT", '"x"', ttl=0)
    server.add("long.example.test", "TXT", '"x"', ttl=100000)
    probe = Probe("nameserver=" + server.address, "ttl_max=0", "negative_max=0")
    for name in ("long.example.test", "new.example.test"):
        before = server.count(name)
        probe.ask("TXT", name)
        tap.ok("cached=0" in probe.ask("TXT", name), "a cap of 0 keeps nothing: " + name)
        tap.equal(server.count(name) - before, 2, "and the name server is asked each time, not the library's cache")
    server.add("new.example.test", "TXT", '"x"')
    tap.equal(probe.ask("TXT", "new.example.test").split()[0], "found", "so that what is new is seen")
    tap.equal(probe.counters()["entries"], 0, "no entries")
    probe.end()
    probe = Probe("nameserver=" + server.address)
    probe.ask("TXT", "zero.example.test")
    tap.equal(probe.counters()["entries"], 0, "an answer with TTL 0 is not kept")
    probe.end()


def together(tap, server):
    probe = Probe("nameserver=" + server.address)
    server.add("held.example.test", "TXT", '"x"')
    server.add("quick.example.test", "TXT", '"x"')
    server.rules["held.example.test"] = "hold"
    for number in range(1, 21):
        probe("ask %d TXT held.example.test" % number)
    tap.equal(probe.counters()["joined"], 19, "the same question of twenty is one query")
    tap.equal(probe("wait 20 1 2 3"), "time", "a deadline passes")
    tap.equal(probe("show 1"), "pending", "there is no answer yet")
    tap.equal(probe.ask("TXT", "quick.example.test", 21).split()[0], "found", "others are answered meanwhile")
    tap.equal(probe("wait 20 1 21"), "woken", "one of several is complete")
    for number in range(2, 11):
        probe("drop %d" % number)
    tap.ok(server.count("held.example.test") >= 1, "the server was asked")
    server.release("held.example.test")
    tap.equal(probe("wait %d 1" % LONG), "woken", "the answer comes")
    tap.ok(all(probe("show %d" % n).startswith("found") for n in range(11, 21)), "to all who still wait")
    server.rules["abandoned.example.test"] = "hold"
    server.add("abandoned.example.test", "TXT", '"x"')
    probe("ask 1 TXT abandoned.example.test")
    probe("wait 20 1")
    probe("drop 1")
    server.release("abandoned.example.test")
    tap.ok(until(lambda: probe.counters()["under_way"] == 0), "an abandoned query comes to its end")
    tap.ok(" cached=1 " in probe.ask("TXT", "abandoned.example.test"), "and its answer is kept")
    tap.equal(probe("storm 16 500 TXT quick.example.test"), "answered 8000", "many threads, cached")
    for number in range(20):
        server.add("n%d.example.test" % number, "TXT", '"x"', ttl=0)
    tap.equal(probe("storm 16 20 TXT n1.example.test"), "answered 320", "many threads, not cached")
    tap.equal(probe.end(), 0, "the end")


def watching(tap, server):
    probe = Probe("nameserver=" + server.address)
    for name in ("shared.example.test", "left.example.test"):
        server.add(name, "TXT", '"x"')
        server.rules[name] = "hold"
    for number in (1, 2, 3):
        probe("ask %d TXT shared.example.test" % number)
        tap.equal(probe("watch %d" % number), "watching", "a watcher of a query under way")
    tap.equal(probe("unwatch 2"), "unwatched", "one of three goes")
    probe("drop 3")
    server.release("shared.example.test")
    probe("wait %d 1" % LONG)
    tap.equal([probe("told %d" % number) for number in (1, 2, 3)], ["1", "0", "0"],
              "who stayed is told once; who went, or let go of the query, is not")
    tap.equal(probe("show 2").split()[0], "found", "the answer is there for all of them")
    tap.equal((probe("watch 2"), probe("told 2")), ("complete", "0"), "what is complete is not watched")
    probe("ask 4 TXT left.example.test")
    probe("watch 4")
    tap.equal(probe("wait 20 4"), "time", "waiting and watching go together")
    tap.equal(probe("told 4"), "0", "nothing is told before there is an answer")
    server.release("left.example.test")
    tap.equal(probe("wait %d 4" % LONG), "woken", "the waiting is woken")
    tap.equal(probe("told 4"), "1", "and the watcher told")
    probe("unwatch 4")
    tap.equal(probe("told 4"), "1", "to go afterwards is harmless")
    got = {key: int(value) for key, value in (each.split("=") for each in probe("race 8 60 TXT race.example.test").split())}
    tap.equal((got["complete"] + got["woken"] + got["gone"], got["wrong"]), (480, 0),
              "watchers that come and go while answers come: each is told once or not at all")
    tap.ok(got["woken"] > 0, "some are told", got=got)
    server.rules["*"] = "drop"
    probe("ask 5 TXT never.example.test")
    probe("watch 5")
    tap.equal(probe.end(), 0, "the end with a watcher there")


def faults(tap, server):
    probe = Probe("nameserver=" + server.address)
    rules = ("servfail", "refused", "formerr", "garbage", "drop", "stranger")
    for number, rule in enumerate(rules):
        server.add(rule + ".example.test", "TXT", '"x"')
        server.rules[rule + ".example.test"] = rule
        probe("ask %d TXT %s.example.test room=stranger" % (number, rule))
    for number, rule in enumerate(rules):
        probe("wait %d %d" % (LONG, number))
        tap.equal(probe("show %d" % number).split()[0], "tempfail", rule)
        seen = server.count(rule + ".example.test")
        tap.ok(seen <= 12, "few attempts", seen=seen)
    entries = probe.counters()["entries"]
    tap.equal(entries, 0, "failures are not kept")
    server.add("truncated.example.test", "TXT", '"x"')
    server.rules["truncated.example.test"] = "truncate"
    tap.equal(probe.ask("TXT", "truncated.example.test"), "found secure=0 ttl=300 cached=0 [0/x]", "over TCP")
    server.add("big.example.test", "TXT", " ".join('"%s"' % ("y" * 250) for _ in range(240)))
    tap.equal(probe.ask("TXT", "big.example.test"), "found secure=0 ttl=300 cached=0 [0/%s...60000]" % ("y" * 200),
              "60 KB of TXT")
    server.add("many.example.test", "TXT", *('"%d%s"' % (i, "z" * 40) for i in range(900)))
    tap.equal(probe.ask("TXT", "many.example.test").count("["), 900, "900 records")
    for step in range(8):
        server.add("c%d.example.test" % step, "CNAME", "c%d.example.test." % (step + 1))
    server.add("c8.example.test", "TXT", '"end"')
    tap.equal(probe.ask("TXT", "c0.example.test"),
              "found secure=0 ttl=300 cached=0 " + "".join("via=c%d.example.test " % n for n in range(1, 9)) + "[0/end]",
              "a chain of eight")
    server.add("c9.example.test", "CNAME", "nothere.example.test.")
    tap.equal(probe.ask("TXT", "c9.example.test"), "nxdomain secure=0 ttl=30 cached=0 via=nothere.example.test",
              "a chain that leads nowhere")
    server.add("loop1.example.test", "CNAME", "loop2.example.test.")
    server.add("loop2.example.test", "CNAME", "loop1.example.test.")
    tap.equal(probe.ask("TXT", "loop1.example.test").split()[0], "tempfail", "a loop")
    tap.equal(probe.end(), 0, "the end")


def crowd(tap, server):
    """Many questions that nobody answers do not stand in the way of one that is answered."""
    probe = Probe("nameserver=" + server.address)
    server.add("free.example.test", "TXT", '"x"')
    for number in range(1, 99):
        name = "crowd%d.example.test" % number
        server.rules[name] = "hold"
        probe("ask %d TXT %s" % (number, name))
    tap.equal(probe.ask("TXT", "free.example.test", 99).split()[0], "found", "an answer passes ninety-eight waiting")
    tap.equal(probe.end(), 0, "the end comes with all of them under way")


def dead(tap):
    server = DnsServer()
    probe = Probe("nameserver=" + server.address)
    tap.equal(probe.ask("TXT", "one.example.test", applicant="room=stranger").split()[0], "tempfail", "nobody listens")
    for number in range(2, 30):
        probe("ask %d TXT d%d.example.test room=stranger" % (number, number))
    for number in range(2, 30):
        probe("wait %d %d" % (LONG, number))
    tap.ok(all(probe("show %d" % n).startswith("tempfail") for n in range(2, 30)), "for many at once")
    server.start()
    for number in range(400):
        server.add("back%d.example.test" % number, "TXT", '"x"')
    names = iter(range(400))
    tap.ok(until(lambda: probe.ask("TXT", "back%d.example.test" % next(names)).startswith("found")),
           "when the server is back, answers are")
    server.stop()
    tap.equal(probe.ask("TXT", "gone.example.test", applicant="room=stranger").split()[0], "tempfail", "and gone again")
    probe("ask 1 TXT waits.example.test")
    tap.equal(probe("wait 3000 1"), "time", "a name of ours is asked for as long as somebody waits")
    server.add("waits.example.test", "TXT", '"x"')
    server.start()
    probe("wait %d 1" % LONG)
    tap.ok(probe("show 1").startswith("found"), "and answered when the server is back")
    server.stop()
    tap.equal(probe.end(), 0, "the end")


def slow(tap, server):
    """Answers that come late, in the proportion of 1, 3 and 8 seconds to a message_timeout of 20."""
    probe = Probe("nameserver=" + server.address, "timeout=5")
    for delay in (0.25, 0.75, 2):
        name = "d%d.example.test" % (delay * 100)
        server.add(name, "TXT", '"x"')
        server.rules[name] = delay
        tap.equal(probe.ask("TXT", name).split()[0], "found", "an answer after %s of 5 s" % delay)
    server.rules["*.crowd.test"] = 2
    for number in range(500):
        server.add("n%d.crowd.test" % number, "TXT", '"x"')
        probe("ask %d TXT n%d.crowd.test" % (number, number))
    for number in range(500):
        probe("wait %d %d" % (LONG, number))
    tap.equal(sum(probe("show %d" % number).startswith("found") for number in range(500)), 500, "500 at once, after 2 of 5 s")
    tap.equal(probe.counters()["failed"], 0, "none failed")
    tap.equal(probe.end(), 0, "the end")


def refused(tap, server):
    """A failure that is answered is believed the second time; silence never is for a name of ours."""
    probe = Probe("nameserver=" + server.address, "timeout=20")
    for rule in ("servfail", "refused"):
        name = rule + ".example.test"
        server.add(name, "TXT", '"x"')
        server.rules[name] = rule
        tap.equal((probe.ask("TXT", name).split()[0], server.count(name)), ("tempfail", 2), rule + " is asked once more")
        server.rules.pop(name)
        tap.equal(probe.ask("TXT", name).split()[0], "found", "and its failure is not remembered")
    server.add("mends.example.test", "TXT", '"x"')
    server.rules["mends.example.test"] = "servfail"
    probe("ask 1 TXT mends.example.test")
    until(lambda: time.sleep(0.01) or server.count("mends.example.test"))
    server.rules.pop("mends.example.test")
    probe("wait %d 1" % LONG)
    tap.ok(probe("show 1").startswith("found"), "a server that has mended itself in between is heard")
    tap.equal(probe.end(), 0, "the end")
    probe = Probe("nameserver=" + server.address, "timeout=2")
    server.rules["dead.example.test"] = "drop"
    server.add("dead.example.test", "TXT", '"x"')
    tap.equal(probe.ask("TXT", "dead.example.test", applicant="room=stranger").split()[0], "tempfail", "a sender's name, dead")
    before = server.count("dead.example.test")
    got = probe.ask("TXT", "dead.example.test", applicant="room=stranger")
    tap.equal((got.split()[0], " cached=1" in got, server.count("dead.example.test") - before), ("tempfail", True, 0),
              "its failure is remembered for senders")
    probe("ask 1 TXT dead.example.test")
    tap.ok(until(lambda: time.sleep(0.01) or server.count("dead.example.test") > before), "and for nobody else")
    server.rules.pop("dead.example.test")
    probe("wait %d 1" % LONG)
    tap.ok(probe("show 1").startswith("found"), "who gets the answer")
    tap.ok(probe.ask("TXT", "dead.example.test", applicant="room=stranger").startswith("found"), "which then is there for all")
    probe("pause 2 50")
    tap.equal((probe("show 2"), probe("wait %d 2" % LONG), probe("show 2").split()[0]), ("pending", "woken", "nodata"), "a pause")
    tap.equal(probe.end(), 0, "the end")


def rooms(tap, server):
    """What senders choose never takes the place of what the configuration names."""
    server.rules["*.dead.test"] = "drop"
    probe = Probe("nameserver=" + server.address, "timeout=60")
    count = iter(range(1, 900))

    def ask(applicant, times=1):
        """How many of so many different questions were not asked for want of room."""
        before = probe.counters()["busy"]
        for _ in range(times):
            number = next(count)
            probe("ask %d TXT n%d.dead.test %s" % (number, number, applicant))
        return probe.counters()["busy"] - before

    tap.equal(ask("room=stranger share=a", 40), 8, "a client's share of strangers' names")
    tap.equal(ask("room=stranger share=b", 32), 0, "another client's is another's")
    tap.equal(ask("room=below share=a group=x.dead.test", 40), 8, "below our names a client that is not known has as much")
    tap.equal(ask("room=below share=b group=x.dead.test vetted=1", 40), 8, "a group below a wildcard has room for 64 in all")
    tap.equal(ask("room=below share=b group=y.dead.test vetted=1", 64), 0, "while another has room")
    tap.equal(ask("room=below share=c group=z.dead.test vetted=1 exact=1", 130), 2, "a share of a listed domain's names")
    tap.equal(ask("room=below share=d group=z.dead.test vetted=1 exact=1", 100), 0, "another's")
    tap.equal(ask("", 200), 0, "what is named has a room of its own")
    number = next(count)
    tap.equal(probe.ask("TXT", "n%d.dead.test" % number, number, "room=stranger share=a").split()[0], "busy", "what it is told")
    server.add("fine.test", "TXT", '"x"')
    tap.ok(probe.ask("TXT", "fine.test", 0).startswith("found"), "with all that under way a question is answered")
    tap.ok(probe.ask("TXT", "fine.test", 0, "room=stranger share=a").startswith("found"), "and what is known needs no room")
    tap.equal(probe.end(), 0, "the end")


def learnt(tap, server):
    """A name that proved good has its place among those that are named, after a reload too."""
    server.rules["*.dead.test"] = "drop"
    applicant = "room=below share=a group=x.dead.test"
    for reload_it in (False, True):
        probe = Probe("nameserver=" + server.address, "timeout=60")
        probe("learn TXT good.dead.test")
        if reload_it:
            probe("reload")
        for number in range(1, 34):
            probe("ask %d TXT n%d.dead.test %s" % (number, number, applicant))
        tap.equal(probe("show 33").split()[0], "busy", "there is no room")
        probe("ask 34 TXT good.dead.test " + applicant)
        tap.equal(probe("show 34"), "pending", "but for what proved good")
        tap.equal(probe.end(), 0, "the end")


def servers(tap, server):
    """A name server that is dead is asked last."""
    silent = DnsServer()
    silent.rules["*"] = "drop"
    silent.start()
    probe = Probe("nameserver=" + silent.address, "nameserver=" + server.address, "timeout=20")
    for number in range(20):
        server.add("n%d.example.test" % number, "TXT", '"x"')
        tap.ok(probe.ask("TXT", "n%d.example.test" % number).startswith("found"), "an answer")
    asked = [name for (name, _, _) in silent.seen]
    tap.equal(set(asked), {"n0.example.test"}, "the dead one was asked once only")
    refusing = DnsServer()
    refusing.rules["*"] = "refused"
    refusing.start()
    probe = Probe("nameserver=" + refusing.address, "nameserver=" + server.address, "timeout=20")
    server.add("other.example.test", "TXT", '"x"')
    tap.ok(probe.ask("TXT", "other.example.test").startswith("found"), "where one refuses, another is asked")
    silent.stop()
    refusing.stop()


def reload(tap, server):
    server.rules["old.example.test"] = "hold"
    server.add("old.example.test", "TXT", '"x"')
    probe = Probe("nameserver=" + server.address)
    probe("ask 1 TXT old.example.test")
    probe("wait 20 1")
    tap.equal(probe("reload"), "reloaded", "another resolver")
    server.add("new.example.test", "TXT", '"x"')
    tap.equal(probe.ask("TXT", "new.example.test", 2).split()[0], "found", "answers")
    server.release("old.example.test")
    tap.equal(probe("wait %d 1" % LONG), "woken", "the old one still does too")
    tap.ok(probe("show 1").startswith("found"), "with the answer")
    tap.equal(probe.end(), 0, "the end")


def dnssec(tap, server, folder):
    anchor = os.path.join(folder, "anchor")
    with open(anchor, "w") as file:
        file.write(signed_zone(server, "signed.test", [("good.signed.test", "TXT", '"genuine"'),
                                                       ("bad.signed.test", "TXT", '"genuine"')]))
    forged = server.signatures[("bad.signed.test", 16)]
    server.add("bad.signed.test", "TXT", '"forged"')
    tap.ok(forged is not None, "a signature that does not fit")
    server.add("naked.signed.test", "TXT", '"unsigned"')
    server.add("insecure.example.test", "TXT", '"x"')
    probe = Probe("nameserver=" + server.address, "trust_anchor=" + anchor)
    tap.equal(probe.ask("TXT", "good.signed.test"), "found secure=1 ttl=300 cached=0 [0/genuine]", "genuine")
    got = probe.ask("TXT", "bad.signed.test")
    tap.equal(got.split()[0], "bogus", "X04 forged")
    tap.ok("forged" not in got, "nothing of it is shown")
    tap.equal(probe.ask("TXT", "naked.signed.test").split()[0], "bogus", "X04 stripped of its signature")
    tap.equal(probe.ask("TXT", "insecure.example.test"), "found secure=0 ttl=300 cached=0 [0/x]", "another zone")
    counters = probe.counters()
    tap.equal((counters["bogus"], counters["entries"]), (2, 2), "X04 bogus answers are counted and not kept")
    probe.end()
    probe = Probe("nameserver=" + server.address)
    tap.equal(probe.ask("TXT", "bad.signed.test"), "found secure=0 ttl=300 cached=0 [0/forged]",
              "without an anchor nothing is validated")
    probe.end()


def local_data(tap, server, folder):
    path = os.path.join(folder, "records")
    with open(path, "w") as file:
        file.write("; records\n\n# and remarks\n"
                   "here.example.test. 60 IN TXT \"a\" \"b\"\n"
                   "  alias.example.test IN CNAME here.example.test.\r\n"
                   "out.example.test. CNAME there.example.test.\n"
                   "round.example.test. CNAME round2.example.test.\n"
                   "round2.example.test. CNAME round.example.test.\n"
                   "many.example.test. IN TXT %s\n" % " ".join('"%s"' % ("k" * 250) for _ in range(8)))
    server.add("there.example.test", "TXT", '"asked"')
    probe = Probe("nameserver=" + server.address, "local_data=" + path)
    tap.equal(probe.ask("TXT", "here.example.test"), "found secure=0 ttl=60 cached=0 [0/ab]", "a record")
    tap.equal(probe.ask("TXT", "alias.example.test"), "found secure=0 ttl=60 cached=0 via=here.example.test [0/ab]",
              "an alias")
    tap.equal(server.count("here.example.test") + server.count("alias.example.test"), 0, "without asking")
    tap.equal(probe.ask("TXT", "out.example.test"), "found secure=0 ttl=300 cached=0 via=there.example.test [0/asked]",
              "an alias that leads out")
    tap.equal(probe.ask("TXT", "round.example.test").split()[0], "tempfail", "a loop")
    tap.ok(probe.ask("TXT", "many.example.test").endswith("...2000]"), "2000 bytes")
    probe.end()
    with open(path, "a") as file:
        file.write("this is no record\n")
    probe = Probe("local_data=" + path)
    tap.equal(probe.greeting, "error %s:10: this is no resource record; write OWNER TTL IN TYPE DATA on one line" % path,
              "a line that is no record is named")
    tap.equal(probe.end(), 1, "and nothing starts")
    for option in ("local_data", "trust_anchor"):
        probe = Probe("%s=%s/nothere" % (option, folder))
        tap.equal(probe.greeting, "error %s/nothere: No such file or directory" % folder, option + " that is not there")
        probe.end()
    probe = Probe("trust_anchor=" + path)
    tap.ok(probe.greeting.startswith("error " + path), "a trust anchor that is none", got=probe.greeting)
    probe.end()
    probe = Probe("nameserver=nowhere")
    tap.ok(probe.greeting.startswith("error nowhere"), "a name server that is no address", got=probe.greeting)
    probe.end()


with Tap(needs_root=False) as test, tempfile.TemporaryDirectory() as scratch:
    for group in (answers, caching, together, watching, faults, slow, refused, rooms, learnt, servers, crowd, reload):
        fresh = DnsServer().start()
        test.case(group, fresh)
        fresh.stop()
    test.case(dead)
    for group in (dnssec, local_data):
        fresh = DnsServer().start()
        test.case(group, fresh, scratch)
        fresh.stop()
