#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
The HTTP of what is counted: paths, forms and health; and in hostile hands - idle connections, requests byte by byte, large
headers, other methods, pipelining, bad encodings - mail is not held up, memory is bounded, and there is an answer or a cut.
"""

import json
import os
import re
import resource
import signal
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab.metrics import OPENMETRICS, TYPES, ask, counted, parse, samples, status
from lab.process import free_port, read, wait_for
from lab.tap import Tap
from lab.wire import Wire, passes
from milter.daemon import org
from milter.target import Target, good

CONNECTIONS = 64
IDLE = 1000


def listening(**config):
    port = free_port()
    target = Target(metrics={"listen": "inet:%d@127.0.0.1" % port}, **config)
    return port, target


def deliver(target, letter=None):
    with Wire(target.address) as wire:
        return passes(wire.open().deliver(letter or good()))


def raw(port, data, shut=False):
    """All that comes back until the end."""
    with socket.create_connection(("127.0.0.1", port), 60) as peer:
        try:
            peer.sendall(data)
            if shut:
                peer.shutdown(socket.SHUT_WR)
            answer = b""
            while True:
                piece = peer.recv(65536)
                if not piece:
                    return answer
                answer += piece
        except ConnectionError:
            return b"cut" if not answer else answer


def request(head, host="localhost"):
    return (head + "\r\nHost: " + host + "\r\n\r\n").encode("latin-1")


def paths(tap):
    port, target = listening()
    with target:
        target.start()
        tap.equal(ask(port, "/healthz"), (200, "text/plain; charset=utf-8", "ok\n"), "/healthz while the loops turn")
        wait_for(lambda: ask(port, "/readyz")[0] == 200, "the resolver to have answered")
        tap.equal(ask(port, "/readyz")[2], "ok\n", "/readyz")
        for accept, kind in TYPES.items():
            code, found, body = ask(port, accept=accept)
            tap.equal((code, found), (200, kind), "/metrics for Accept: %s" % accept)
            parse(body, accept == OPENMETRICS)
        code, kind, body = ask(port, "/status")
        tap.equal((code, kind, json.loads(body)["orgs"][0]["name"]), (200, "application/json", "production"), "/status")
        for path in ("/", "/metrics/", "/metrics/x", "/%6detrics", "/METRICS", "/../metrics", "/healthz%00"):
            tap.equal(ask(port, path)[0], 404, path)
        tap.equal(ask(port, "/healthz?x=y")[0], 200, "a query is overlooked")
        code, kind, body = ask(port, method="HEAD")
        tap.equal((code, kind, body), (200, TYPES[None], ""), "HEAD has no body")
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"):
            tap.equal(ask(port, method=method)[0], 405, method)
        for host, code in (("localhost", 200), ("127.0.0.1:%d" % port, 200), ("127.0.0.1", 200), ("attacker.example", 421),
                           ("attacker.example:%d" % port, 421), ("127.0.0.2", 421), ("", 421)):
            tap.equal(ask(port, headers={"Host": host})[0], code, "Host: %s" % host)
        tap.equal(raw(port, request("GET http://attacker.example/metrics HTTP/1.1"))[:12], b"HTTP/1.1 421", "a host in the target")
        tap.equal(raw(port, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n")[:12], b"HTTP/1.1 400", "two Host")


def health(tap):
    """Ready is who has a resolver that answers, though no mail asks for it."""
    port, target = listening(dns={"nameservers": ["127.0.0.1@9"]}, message_timeout=2)
    with target:
        target.start()
        wait_for(lambda: "failure" in ask(port, "/readyz")[2], "the resolver to be found dead")
        code, _, body = ask(port, "/readyz")
        tap.equal((code, body), (503, "the name servers answer with a failure, or not at all\n"), "no name server, not ready")
        tap.equal(ask(port, "/healthz")[0], 200, "but alive")
        tap.equal(status(port)["resolver"]["answers"], False, "/status says so, too")
        target.configure(metrics={"listen": "inet:%d@127.0.0.1" % port})
        target.process.send_signal(signal.SIGHUP)
        target.event("reload")
        wait_for(lambda: ask(port, "/readyz")[0] == 200, "the new name server to answer")
        tap.ok(True, "a reload that names one that answers makes it ready")


def reloads(tap):
    port, target = listening()
    with target:
        target.start()
        before = samples(port)
        tap.equal(counted(before, "sfdc_milter_config_reload_success"), {(): 1}, "the start is a success")
        hash_of = lambda values: next(iter(counted(values, "sfdc_milter_build_info")))[1]
        tap.equal(hash_of(before), target.event("start")["config_hash"], "the hash is that of ev=start")
        deliver(target)
        listen = {"metrics": {"listen": "inet:%d@127.0.0.1" % port}}
        target.configure(mode="nonsense", **listen)
        target.process.send_signal(signal.SIGHUP)
        target.event("reload")
        tap.equal(counted(samples(port), "sfdc_milter_config_reload_success"), {}, "a reload that failed")
        tap.equal(hash_of(samples(port)), hash_of(before), "leaves the configuration as it was")
        target.configure(orgs=org(name="renamed"), **listen)
        target.process.send_signal(signal.SIGHUP)
        tap.equal(target.event("reload", 2)["result"], "ok", "one that does not")
        after = samples(port)
        tap.equal(counted(after, "sfdc_milter_config_reload_success"), {(): 1}, "is a success")
        tap.ok(hash_of(after) != hash_of(before), "and the hash is another")
        tap.equal(counted(after, "sfdc_milter_messages_total"), {("renamed", "accept", "accept", "enforce"): 1},
                  "counts go on under the new name")


def silent(tap):
    """Off by default, and what cannot be opened is told."""
    with Target() as target:
        target.start()
        tap.ok(not any("metrics" in name for name in threads(target)), "no listener, no loop", threads=threads(target))
    with socket.create_server(("127.0.0.1", 0)) as taken, Target() as target:
        target.configure(metrics={"listen": "inet:%d@127.0.0.1" % taken.getsockname()[1]})
        code, said = target.run("-f", "-c", target.file)
        tap.equal(code, 75, "a port that is taken", said=said)
        tap.contains(said, "metrics.listen: ", "names the option")
    for listen, word in (("inet:9471@0.0.0.0", "password"), ("inet:9471@192.0.2.1", "password")):
        with Target(metrics={"listen": listen}) as target:
            tap.contains(target.run("-n", "-c", target.file)[1], word, "%s is warned about" % listen)
    for listen in ("inet:9471@127.0.0.1", "inet6:9471@::1", "unix:/run/x/metrics"):
        with Target(metrics={"listen": listen}) as target:
            tap.ok("metrics.listen" not in target.run("-n", "-c", target.file)[1], "%s is not" % listen)


def threads(target):
    folder = "/proc/%d/task" % target.filter_pid()
    return [read("%s/%s/comm" % (folder, task)).strip() for task in os.listdir(folder)]


def memory(target):
    return int(re.search(r"VmRSS:\s+(\d+)", read("/proc/%d/status" % target.filter_pid()))[1])


def connect(port):
    peer = socket.socket()
    peer.setblocking(False)
    peer.connect_ex(("127.0.0.1", port))
    return peer


def idle(tap):
    """Who says nothing makes room for who asks; mail does not notice."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))
    port, target = listening()
    with target:
        target.start()
        deliver(target)
        ask(port)
        before, open_before = memory(target), target.descriptors()
        peers = [connect(port) for _ in range(IDLE)]
        try:
            tap.ok(deliver(target), "mail passes while %d connections say nothing" % IDLE)
            tap.equal(ask(port)[0], 200, "and who asks is answered")
            open_now = target.descriptors()
            tap.ok(open_now - open_before <= 2 * CONNECTIONS, "few of them are taken at a time", before=open_before, now=open_now)
            tap.ok(deliver(target), "mail still passes")
            tap.ok(memory(target) - before < 16384, "memory is bounded", before=before, now=memory(target))
        finally:
            for peer in peers:
                peer.close()
        tap.equal(ask(port, "/healthz")[0], 200, "afterwards all is well")


def slow(tap):
    """Byte by byte, from as many as there may be: the oldest is cut for who comes."""
    port, target = listening()
    with target:
        target.start()
        peers = [socket.create_connection(("127.0.0.1", port), 60) for _ in range(CONNECTIONS)]
        try:
            for byte in request("GET /metrics HTTP/1.1")[:20]:
                for peer in peers:
                    try:
                        peer.sendall(bytes([byte]))
                    except ConnectionError:
                        pass
            tap.equal(ask(port, "/healthz")[0], 200, "one who asks at once is answered meanwhile")
            tap.ok(deliver(target), "mail passes")
        finally:
            for peer in peers:
                peer.close()
        # One alone is answered, however slowly it asks.
        with socket.create_connection(("127.0.0.1", port), 60) as peer:
            for byte in request("GET /healthz HTTP/1.1"):
                peer.sendall(bytes([byte]))
            tap.contains(peer.recv(65536), b"HTTP/1.1 200 OK", "byte by byte, and answered")


def hostile(tap):
    port, target = listening()
    with target:
        target.start()
        before = memory(target)
        large = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * (1 << 20) + b"\r\n\r\n"
        many = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n" + b"X: a\r\n" * 200000 + b"\r\n"
        line = b"GET /" + b"a" * (1 << 20) + b" HTTP/1.1\r\n\r\n"
        for name, data in (("a header of 1 MB", large), ("200,000 fields", many), ("a line of 1 MB", line)):
            answer = raw(port, data)
            tap.ok(not answer.startswith(b"HTTP/1.1 200"), name + ": an error or a cut", answer=answer[:80])
        tap.ok(memory(target) - before < 16384, "memory is bounded", before=before, now=memory(target))
        answer = raw(port, request("GET /healthz HTTP/1.1") * 50)
        tap.ok(answer == b"cut" or answer.count(b"HTTP/1.1 200") == 1, "of pipelined requests the first is answered", answer=answer[:200])
        cases = {
            "no version": b"GET /healthz\r\n\r\n", "HTTP/0.9": b"GET /healthz HTTP/0.9\r\n\r\n", "HTTP/9.9": request("GET /healthz HTTP/9.9"),
            "an unknown method": request("BREW /healthz HTTP/1.1"), "a long method": request("G" * 5000 + " / HTTP/1.1"),
            "NUL in the target": request("GET /heal\0thz HTTP/1.1"), "8-bit target": request("GET /\xff\xfe HTTP/1.1"),
            "a bad escape": request("GET /%zz HTTP/1.1"), "a bare LF": b"GET /healthz HTTP/1.1\nHost: localhost\n\n",
            "NUL bytes": b"\0" * 5000, "TLS": bytes.fromhex("16030100c8010000c40303") + os.urandom(200),
            "chunks": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nx\r\n0\r\n\r\n",
            "negative length": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
            "huge length": b"POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999\r\n\r\n",
            "both lengths": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "a field without colon": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nnonsense\r\n\r\n",
            "a folded field": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n folded\r\n\r\n",
            "Expect": b"POST /healthz HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
            "Upgrade": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
            "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "CONNECT": request("CONNECT localhost:25 HTTP/1.1"),
            "nothing": b"", "Accept of 8 KB": request("GET /metrics HTTP/1.1\r\nAccept: " + "a/b;q=0.1," * 700),
        }
        for name, data in cases.items():
            answer = raw(port, data, shut=True)
            tap.ok(answer in (b"", b"cut") or re.match(rb"HTTP/\d\.\d [2345]\d\d ", answer) is not None, name + ": an answer or a cut",
                   answer=answer[:80])
        for name in ("no version", "an unknown method", "NUL in the target"):
            tap.ok(not raw(port, cases[name], shut=True).startswith(b"HTTP/1.1 200"), name + ": not taken for a good one")
        tap.ok(deliver(target), "mail passes")
        tap.equal(ask(port, "/healthz")[0], 200, "afterwards all is well")
        tap.equal(target.filter_pid(), target.child, "in the same process")


def stops(tap):
    """Connections that are open do not hold up a stop."""
    port, target = listening()
    with target:
        target.start()
        peers = [socket.create_connection(("127.0.0.1", port), 60) for _ in range(8)]
        peers[0].sendall(b"GET /metr")
        tap.equal(target.stop(), 0, "it stops while connections are open")
        for peer in peers:
            peer.close()


def main():
    with Tap(needs_root=False) as tap:
        for function in (paths, health, reloads, silent, idle, slow, hostile, stops):
            tap.case(function)


main()
