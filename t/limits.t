#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
What organizations may send, by the daemon as a mail server meets it: counted in one process, and by two in one Redis, which is
killed, silent, refuses the password or answers junk; over TLS; under hostile header fields. "make check-limits" is the long
form: LIMITS_LONG.
"""

import os
import random
import re
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab import message
from lab.forwarder import Forwarder, Listener
from lab.pki import Pki
from lab.process import Failure, free_port, wait_for, write
from lab.redis import PROGRAM as REDIS, Client, Redis, built
from lab.tap import Tap
from lab.wire import Letter, Wire, passes
from milter.daemon import ORG, org
from milter.target import Target

LONG = bool(os.environ.get("LIMITS_LONG"))
PROBE = os.path.join(os.environ.get("BUILDDIR", "."), "t", "limits_probe")
MANUAL = os.path.join(os.environ.get("SRCDIR", "."), "conf", "sfdc-milter.yaml.5")
PASSWORD = "sword:fi/sh@%x"
ESCAPED = "sword%3Afi%2Fsh%40%25x"
KEY = re.compile(r"sfdc-milter:\{%s\}:[0-9a-f]{32}" % ORG)
TIME = b"local time = redis.call('TIME')\nlocal now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)\n"


def letter(user="0058d000003xQ1a", recipients=1, extra=(), lk=True):
    """A message that all else lets pass."""
    extra = list(extra) + ([("X-SFDC-User", user)] if user else [])
    return Letter(message(omit=("X-SFDC-User",), extra=extra, lk=lk), recipients=["u%d@dest.test" % i for i in range(recipients)])


def outcome(target, content=None):
    """What becomes of one message: "accept", or the reason it is refused for."""
    with Wire(target.address) as wire:
        if passes(wire.open().deliver(content or letter())):
            return "accept"
        return re.search(rb" ([a-z-]+)[:,]", wire.reply).group(1).decode()


def outcomes(target, count, content=None):
    """Of several, one after the other on one connection: how many come to what."""
    found = {}
    with Wire(target.address) as wire:
        wire.open()
        for _ in range(count):
            good = passes(wire.deliver(content or letter()))
            what = "accept" if good else re.search(rb" ([a-z-]+)[:,]", wire.reply).group(1).decode()
            found[what] = found.get(what, 0) + 1
    return found


def limited(redis=None, limit=None, mode="enforce", **limits):
    """Configuration of a daemon. redis: the store, as an address or a Redis."""
    if redis is not None:
        limits.setdefault("store", redis if isinstance(redis, str) else "redis://127.0.0.1:%d" % redis.port)
    return {"orgs": org(mode=mode, limit=limit or {"messages": "5/1h"}), "limits": limits, "message_timeout": 10}


def here(tap):
    """In one process: a flood of one user ends at the limit, and others pass; what is told."""
    flood = 5000 if LONG else 300
    with Target(**limited(limit={"messages": "%d/1h" % flood, "per_user": "50/1h"})) as target:
        target.start()
        tap.equal(outcomes(target, flood, letter("0058d000003xQ1a")), {"accept": 50, "limit-user": flood - 50},
                  "of %d messages of a hijacked user 50 pass" % flood)
        for user in ("0058d000003xQ1b", "0058d000003xQ1A"):
            tap.equal(outcomes(target, 10, letter(user)), {"accept": 10}, "the messages of %s do" % user)
        tap.equal(outcome(target, letter("0058d000003xQ1aAAE")), "limit-user", "the long form of an ID is the same user")
        tap.equal(outcome(target, letter(None)), "accept", "so does one of nobody's")
        line = [entry for entry in target.messages() if entry.get("reason") == "limit-user"][0]
        tap.ok(re.fullmatch(r"50/1h until \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", line["detail"]), "detail says until when", got=line["detail"])
        tap.equal((line["verdict"], line["would"], line["why"], line["r_limit"], line["reply"]),
                  ("tempfail", "tempfail", "limit", "fail", "451 4.7.1"), "and the line says what it is")
        warnings = [entry["text"] for entry in target.lines("warning") if "are used" in entry.get("text", "")]
        tap.equal(len(warnings), 1, "one warning at 80 %", warnings=warnings)
        tap.contains(warnings[0], "40 of 50/1h (limit.per_user) are used by user 0058d000003xQ1aAAE", "which says of whom")
        with Wire(target.address) as wire:
            wire.open().deliver(letter("0058d000003xQ1a"))
            tap.ok(re.match(rb"451 4\.7\.1 limit-user: the user in X-SFDC-User has reached the limit of messages of one user, "
                            rb"50/1h until [0-9TZ:-]+ \(id \w+\)", wire.reply), "the reply says so, and names nobody", got=wire.reply)
        target.lives(tap, letter=letter("0058d000003xQ1c"))


def recipients(tap):
    with Target(**limited(limit={"recipients": "10/1h"})) as target:
        target.start()
        tap.equal(outcome(target, letter(recipients=25)), "accept", "what is larger than a limit passes where nothing counts")
        tap.equal(outcome(target), "limit-recipients", "and then counts")
    with Target(**limited(limit={"recipients": "10/1h"})) as target:
        target.start()
        tap.equal(outcomes(target, 4, letter(recipients=4)), {"accept": 2, "limit-recipients": 2}, "recipients are counted")
        tap.equal(outcome(target, letter(recipients=2)), "accept", "what still fits passes")


def modes(tap):
    with Target(**limited(mode="monitor", limit={"messages": "3/1h"})) as target:
        target.start()
        tap.equal(outcomes(target, 5), {"accept": 5}, "monitor refuses nothing")
        wait_for(lambda: len(target.messages()) >= 5, "the lines")
        tap.equal([line["would"] for line in target.messages()], ["accept"] * 3 + ["tempfail"] * 2, "but it counts")
        target.configure(**limited(limit={"messages": "3/1h"}))
        target.process.send_signal(1)
        target.event("reload")
        tap.equal(outcome(target), "limit-messages", "and what it has counted stays when it enforces")
        target.configure(**limited(limit={"messages": "3/2h"}))
        target.process.send_signal(1)
        target.event("reload", 2)
        tap.equal(outcome(target), "accept", "a time of another length begins anew")


def clients(targets, each, count):
    """each connections to each of the daemons at once, count messages on each; how many passed and were refused."""
    found, wrong = [], []

    def run(target):
        try:
            found.append(outcomes(target, count))
        except Exception as error:  # pylint: disable=broad-except
            wrong.append(repr(error))
    threads = [threading.Thread(target=run, args=(target,), daemon=True) for target in targets for _ in range(each)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    total = {}
    for part in found:
        for key, number in part.items():
            total[key] = total.get(key, 0) + number
    return total, wrong


def fleet(tap, folder):
    """Two daemons, one Redis, 32 connections each."""
    each, count, limit = 32, 200 if LONG else 8, 6400 if LONG else 200
    redis = Redis(os.path.join(folder, "fleet")).start()
    config = limited(redis, limit={"messages": "%d/1h" % limit}, when_away="defer")
    with Target(**config) as one, Target(**config) as two:
        one.start()
        two.start()
        total, wrong = clients((one, two), each, count)
        tap.equal((total, wrong), ({"accept": limit, "limit-messages": 2 * each * count - limit}, []),
                  "two under %d connections each let pass exactly the limit" % each)
        tap.equal(outcome(two, Letter(message(lk=None))), "org-absent", "what is refused is not counted")
        # Restarted, a relay goes on where the fleet is.
        one.stop()
        one.start()
        tap.equal(outcome(one), "limit-messages", "a restart forgets nothing")
        with redis.client() as client:
            client.ask("SCRIPT", "FLUSH")
        tap.equal(outcome(two), "limit-messages", "a script that was flushed is sent again")
    redis.kill()


def hostile(tap, folder):
    """Header fields cannot make keys: their names are fixed, they expire, and their number is bounded."""
    redis = Redis(os.path.join(folder, "hostile")).start()
    limit = {"messages": "1000/1h", "recipients": "1000/1h", "per_user": "5/1h"}
    odd = ["x", "", "005", "0058d000003xQ1a\tx", "00D8d000003TRx3", "0058d000003xQ1aZZZ", "*", "{x}:y", "005" + "A" * 500, "005..../../..",
           "0058d000003xQ1é", "sfdc-milter:{00D8d000003TRx3EAG}:x", "$1000000000", "0058d00000\x7fxQ1a"]
    with Target(**limited(redis, limit=limit, when_away="defer")) as target:
        target.start()
        for value in odd:
            outcome(target, letter(value))
            outcome(target, letter(lk=value or "-"))
            outcome(target, letter("0058d000003xQ1a", extra=[("X-SFDC-User", value)]))
        with redis.client() as client:
            keys = client.ask("KEYS", "*")
            tap.equal([key for key in keys if not KEY.fullmatch(key)], [], "no key has a foreign name")
            # Messages, recipients, all who name nobody, a user, and who is counted apart.
            tap.equal(len(keys), 5, "and there are no more than of what is counted", keys=keys)
            for user in range(30):
                outcome(target, letter("0058d0000000%03d" % user))
            keys = client.ask("KEYS", "*")
            tap.equal((len(keys), [key for key in keys if not KEY.fullmatch(key)]), (5 + 30, []), "a key for each user")
            left = [client.ask("PTTL", key) for key in keys]
            tap.ok(all(0 < time_left <= 3600000 * 61 // 60 + 1000 for time_left in left), "all of which expire", left=left)
        tap.equal(outcome(target, letter("0058d0000000001")), "accept", "a user is known again")
    redis.kill()


def command(user=None):
    """The words of the command that counts a message."""
    raw = subprocess.run([PROBE, "--command"] + ([user] if user else []), capture_output=True, check=True).stdout
    return re.findall(rb"\$\d+\r\n(.*?)\r\n(?=\$|$)", raw, re.DOTALL)


def arithmetic(tap, folder):
    """The script against the windows of the process, at times that are given; and its bound on users."""
    redis = Redis(os.path.join(folder, "arithmetic")).start()
    words = command()
    tap.ok(TIME in words[1], "the script takes its time from the server")
    timed = words[1].replace(TIME, b"local now = tonumber(ARGV[13])\n")
    chance = random.Random(4711)
    with redis.client() as client:
        for number in range(40 if LONG else 12):
            count, seconds = chance.randint(1, 60), chance.choice((1, 7, 60, 61, 3600, 86400))
            now, lines, got = 1800000000000 + chance.randrange(10 ** 9), [], []
            step = seconds * 1000 // chance.randint(1, 200) + 1
            key = "k%d" % number
            for _ in range(500 if LONG else 150):
                now += chance.randrange(step) + (seconds * chance.randrange(3000) if chance.random() < 0.02 else 0)
                weight = chance.randint(1, 20) if chance.random() < 0.1 else 1
                lines.append("%d %d" % (now, weight))
                answer = client.ask("EVAL", timed, 5, key, "r", "u", "o", "i", count, seconds, weight, 0, 1, 0, 0, 1, 0, 0, 1, "m", now)
                got.append("%d %d" % (answer[3] - (weight if answer[0] == 0 else 0), answer[2]))
            want = subprocess.run([PROBE, str(count), str(seconds)], input="\n".join(lines) + "\n", capture_output=True, text=True,
                                  check=True).stdout.split("\n")[:-1]
            differ = [(line, a, b) for line, a, b in zip(lines, got, want) if a != b]
            tap.ok(len(got) == len(want) and not differ, "%d/%ds: the store and the process agree" % (count, seconds), differ=differ[:3])
        users = [client.ask("EVAL", timed, 5, "m", "r", "u%d" % i, "o", "i", 0, 1, 1, 0, 1, 1, 2, 60, 1, 1, 10, "m%d" % i, 1800000000000)
                 for i in range(14)]
        tap.equal([user[0] for user in users], [0] * 12 + [1] * 2, "users beyond the bound are one together")
        tap.equal(client.ask("ZCARD", "i"), 10, "no more are counted apart")
        later = client.ask("EVAL", timed, 5, "m", "r", "u99", "o", "i", 0, 1, 1, 0, 1, 1, 2, 60, 1, 1, 10, "m99", 1800000062000)
        tap.equal((later[0], later[5], client.ask("ZCARD", "i")), (0, 1, 1), "who has not sent for so long makes room")
    redis.kill()


class Junk(Listener):
    """Answers everything with the same bytes."""

    def __init__(self, answer):
        self.answer = answer
        super().__init__()

    def serve(self, link):
        try:
            while link.recv(65536):
                link.sendall(self.answer)
        except OSError:
            pass
        link.close()


AWAY = {"local": {"accept": 5, "limit-messages": 2}, "pass": {"accept": 7}, "defer": {"limit-unknown": 7}}


def told(target, part):
    """Await that the log says so of the store."""
    return wait_for(lambda: any(part in entry.get("text", "") for entry in target.lines("warning")), "%s in the log" % part)


def in_time(tap, target, what):
    """In the long form: no message waited beyond its deadline."""
    if LONG:
        slow = [line["ms"] for line in target.messages() if int(line["ms"]) > 10500]
        tap.equal(slow, [], what + ": no message waits beyond its deadline")


def lost(tap, folder):
    """A store that is killed, or hangs; and that comes back."""
    for number, (away, want) in enumerate(sorted(AWAY.items())):
        for how in ("killed", "hung"):
            redis = Redis(os.path.join(folder, "lost-%d-%s" % (number, how))).start()
            with Target(**limited(redis, when_away=away)) as target:
                target.start()
                tap.equal(outcome(target), "accept", "%s, %s: the store counts" % (how, away))
                with redis.client() as client:
                    tap.equal(len(client.ask("KEYS", "*")), 1, "there")
                    client.ask("FLUSHALL")
                if how == "killed":
                    redis.kill()
                else:
                    redis.pause()
                # Of what the store let pass the process knows, and goes on from there.
                expected = {"accept": 4, "limit-messages": 3} if away == "local" else want
                tap.equal(outcomes(target, 7), expected, "%s, %s: as it says" % (how, away))
                told(target, "is away")
                if how == "killed":
                    redis.start()
                else:
                    redis.go_on()
                wait_for(lambda: outcome(target) and told_back(target), "the store to be used again")
                with redis.client() as client:
                    tap.ok(client.ask("KEYS", "*"), "%s, %s: it recovers by itself" % (how, away))
                in_time(tap, target, "%s, %s" % (how, away))
            redis.kill()


def told_back(target):
    return any("is back" in entry.get("text", "") for entry in target.lines("warning"))


def unusable(tap, folder):
    """A store that never was one: junk, a refused password, a closed port."""
    redis = Redis(os.path.join(folder, "guarded"), options=["requirepass other"]).start()
    answers = {"junk": b"HTTP/1.1 400 Bad Request\r\n\r\n", "silence": b"", "a number": b":1\r\n", "an array": b"*2147483647\r\n",
               "nested arrays": b"*1\r\n" * 50, "too much": b"+OK\r\n" * 3 + b"$536870912\r\n" + b"x" * 70000,
               "more than was asked": b"+OK\r\n+PONG\r\n*6\r\n" + b":0\r\n" * 6,
               "a false answer": b"+PONG\r\n*6\r\n:1\r\n:9\r\n:0\r\n:0\r\n:0\r\n:0\r\n"}
    stores = {"a refused password": ("redis://:%s@127.0.0.1:%d" % (ESCAPED, redis.port), None),
              "a user who is not known": ("redis://nobody:%s@127.0.0.1:%d" % (ESCAPED, redis.port), None),
              "no password": ("redis://127.0.0.1:%d" % redis.port, None),
              "a closed port": ("redis://127.0.0.1:%d" % free_port(), None),
              "a socket that is not there": ("unix:%s/nosuch" % folder, None),
              "a name that is not known": ("redis://:%s@nosuch.test" % ESCAPED, None)}
    for name, answer in answers.items():
        junk = Junk(answer)
        stores[name] = ("redis://:%s@127.0.0.1:%d" % (ESCAPED, junk.port), junk)
    ways = sorted(AWAY.items())
    for number, (name, (store, junk)) in enumerate(stores.items()):
        for away, want in ways if LONG else [ways[number % 3]]:
            with Target(**limited(store, when_away=away)) as target:
                target.start()
                tap.equal(outcomes(target, 7), want, "%s, %s: as it says" % (name, away))
                told(target, "is away")
                text = "\n".join(target.since(0))
                tap.ok("fi" + "/sh" not in text and ESCAPED not in text, name + ": the password is in no log line", log=text)
                target.lives(tap, name) if away == "pass" else None
                in_time(tap, target, "%s, %s" % (name, away))
        if junk:
            junk.stop()
    redis.kill()


def rights(tap, folder):
    """The user of the store whom the manual describes can do what is needed; databases, sockets, files."""
    with open(MANUAL, encoding="utf-8") as file:
        rule = re.search(r"^(user sfdc-milter on .*?)^\.Ed", file.read(), re.DOTALL | re.MULTILINE)[1]
    rule = rule.replace("\\e\n", " ").replace(">password", ">" + PASSWORD).split()
    redis = Redis(os.path.join(folder, "rights"), options=["requirepass other"]).start()
    with redis.client() as client:
        client.ask("AUTH", "other")
        client.ask("ACL", "SETUSER", *rule[1:])
        store = os.path.join(folder, "store")
        write(store, "redis://sfdc-milter:%s@127.0.0.1:%d/3\n" % (ESCAPED, redis.port), 0o600)
        limit = {"messages": "9/1h", "recipients": "9/1h", "per_user": "2/1h"}
        config = limited(limit=limit, when_away="defer", store_file=store)
        with Target(**config) as target:
            target.start()
            tap.equal(outcomes(target, 3), {"accept": 2, "limit-user": 1}, "the rights in the manual are enough")
            tap.equal(outcome(target, letter(None)), "accept", "for those who name nobody, too")
            tap.equal((client.ask("DBSIZE"), client.ask("SELECT", 3), client.ask("DBSIZE")), (0, "OK", 5), "in the database that is named")
            write(store, "unix:%s\n" % redis.path, 0o600)
            target.process.send_signal(1)
            target.event("reload")
            tap.equal(outcome(target), "limit-unknown", "a reload follows the file: by the socket, without a password")
            client.ask("CONFIG", "SET", "requirepass", "")
            wait_for(lambda: outcome(target, letter("0058d000003xQ1z")) == "accept", "the socket")
            tap.ok(True, "a password that is no longer asked for mends it")
            seen, before = len(target.lines("warning")), connections(client)
            client.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            wait_for(lambda: len(connections(client)) == len(before) and connections(client) != before, "another connection")
            tap.equal(outcome(target, letter("0058d000003xQ1y")), "accept", "a connection that was idle is made anew")
            tap.equal(len(target.lines("warning")), seen, "which is nothing to warn of")
            text = "\n".join(target.since(0))
            tap.ok("fi" + "/sh" not in text and ESCAPED not in text, "the password is in no log line")
            os.chmod(store, 0o644)
            target.process.send_signal(1)
            target.event("reload", 2)
            tap.contains("\n".join(target.since(0)), "lets others read or write it", "a store that others can read is not taken")
    redis.kill()


def connections(client):
    """The numbers of those that Redis has."""
    return re.findall(r"^id=(\d+)", client.ask("CLIENT", "LIST"), re.MULTILINE)


def tls(tap, folder):
    """TLS: the chain and the name are looked at."""
    pki = Pki(os.path.join(folder, "pki"), "redis.test")
    redis = Redis(os.path.join(folder, "tls"), tls=(pki.crt("server"), pki.key("server"))).start()
    cases = [
        ("the right one", "127.0.0.1", pki.crt("ca"), "accept", None),
        ("by its name", "localhost", pki.crt("ca"), "accept", None),
        ("a wrong address", "127.0.0.2", pki.crt("ca"), "limit-unknown", "its certificate is not accepted: IP address mismatch"),
        ("another authority", "127.0.0.1", pki.crt("other-ca"), "limit-unknown", "its certificate is not accepted: "),
        ("the system's authorities", "127.0.0.1", "", "limit-unknown", "its certificate is not accepted: "),
    ]
    for name, host, authority, want, text in cases:
        port = redis.tls_port
        relay = None
        if host == "127.0.0.2":
            relay = Forwarder(port, host)
        store = "rediss://%s:%d" % (host, relay.port if relay else port)
        with Target(**limited(store, when_away="defer", store_cafile=authority)) as target:
            target.start()
            tap.equal(outcome(target), want, "TLS, " + name)
            if text:
                tap.ok(told(target, text), "TLS, %s: the log says why" % name)
        if relay:
            relay.stop()
    wrong = Redis(os.path.join(folder, "wrong-name"), tls=(pki.crt("wrong-name"), pki.key("wrong-name"))).start()
    with Target(**limited("rediss://localhost:%d" % wrong.tls_port, when_away="defer", store_cafile=pki.crt("ca"))) as target:
        target.start()
        tap.equal(outcome(target), "limit-unknown", "TLS, a wrong name: refused")
        tap.ok(told(target, "its certificate is not accepted: hostname mismatch"), "TLS, a wrong name: the log says why")
    with Target(**limited("rediss://127.0.0.1:%d" % redis.port, when_away="defer", store_cafile=pki.crt("ca"))) as target:
        target.start()
        tap.equal(outcome(target), "limit-unknown", "TLS to a port without")
    with Target(**limited("redis://127.0.0.1:%d" % redis.tls_port, when_away="defer")) as target:
        target.start()
        tap.equal(outcome(target), "limit-unknown", "no TLS to a port with")
    redis.kill()
    wrong.kill()


def steady(tap, folder):
    """The long form: two daemons under load for many windows of the store's clock."""
    redis = Redis(os.path.join(folder, "steady")).start()
    limit, seconds, length = 300, 6, 40
    config = limited(redis, limit={"messages": "%d/%ds" % (limit, seconds)}, when_away="defer")
    with Target(**config) as one, Target(**config) as two:
        one.start()
        two.start()
        taken, lock, over = [], threading.Lock(), time.monotonic() + length

        def run(target):
            with Wire(target.address) as wire:
                wire.open()
                while time.monotonic() < over:
                    began = time.monotonic()
                    if passes(wire.deliver(letter())):
                        with lock:
                            taken.append((began, time.monotonic()))
        threads = [threading.Thread(target=run, args=(target,), daemon=True) for target in (one, two) for _ in range(32)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        # Whatever lies inside an interval was counted inside it.
        taken.sort(key=lambda pair: pair[1])
        worst = max(sum(1 for began, ended in taken if began >= start and ended <= start + seconds) for start, _ in taken)
        tap.ok(worst <= limit, "in no %d seconds more than %d pass" % (seconds, limit), worst=worst)
        tap.ok(len(taken) >= limit * (length // seconds - 1) * 59 // 61, "%d in %d seconds, which is as much as may" % (len(taken), length))
    redis.kill()


def without(tap):
    """A build without hiredis says what it cannot do, and counts in its process."""
    for limits in ({"store": "redis://127.0.0.1"}, {"store": "rediss://:swordfish@h", "when_away": "pass"}, {"store": "unix:/x"}):
        with Target(**limited(**limits)) as target:
            try:
                target.start()
                tap.ok(False, "it does not start with a store")
            except AssertionError as error:
                tap.contains(str(error), "limits.store: this program was built without hiredis and can use no store; remove it, or build "
                                         "with hiredis", "it does not start with a store, and says why")
                tap.ok("fish" not in str(error), "but not the password")
    with Target(**limited()) as target:
        target.start()
        target.configure(**limited("redis://127.0.0.1"))
        target.process.send_signal(1)
        tap.ok(wait_for(lambda: any("without hiredis" in entry.get("text", "") for entry in target.lines("error")), "the refusal"),
               "nor does it take one at a reload")
        tap.equal(outcomes(target, 7), {"accept": 5, "limit-messages": 2}, "and goes on counting")


def main():
    with Tap(needs_root=False) as tap:
        tap.case(here)
        tap.case(recipients)
        tap.case(modes)
        if not built():
            tap.case(without)
            return
        if REDIS is None and not LONG:
            tap.note("redis-server is missing: what needs it is left out")
            return
        with Target() as folder:
            groups = [fleet, hostile, arithmetic, lost, unusable, rights, tls] + ([steady] if LONG else [])
            for group in groups:
                tap.case(group, folder.root)


main()
