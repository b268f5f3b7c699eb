# SPDX-License-Identifier: BSD-2-Clause
"""A name server for tests, on 127.0.0.1, that answers from a table and misbehaves on demand.

    server = DnsServer(); server.add("a.example.test", "TXT", '"x"'); server.start(); ... server.stop()

What happens to a name that is in `rules`:
    drop       no answer
    hold       no answer until release(name)
    servfail, refused, formerr
    truncate   over UDP only the TC bit; over TCP the whole answer
    garbage    bytes that are no DNS message
    stranger   an answer with another id, and nothing else
    a number   the answer, after so many seconds
A rule for "*.ZONE" is for all names below ZONE that have none of their own, one for "*" for all names.
`seen` counts the queries by (name, type, transport).
"""
import collections
import heapq
import random
import socket
import struct
import threading
import time

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset


def text(name):
    return name.to_text(omit_final_dot=True).lower()


class DnsServer:
    def __init__(self, port=None):
        self.chosen = port
        self.table = {}
        self.rules = {}
        self.signatures = {}
        self.soa = "ns.example.test. root.example.test. 1 3600 600 86400 30"
        self.seen = collections.Counter()
        self.lock = threading.Lock()
        self.held = collections.defaultdict(list)
        self.later = []
        self.is_later = threading.Condition(self.lock)
        self.stopping = False
        self.sockets = []
        self.threads = []

    @staticmethod
    def _bind(port):
        """A datagram and a stream socket on that port; None where it is taken."""
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            udp.bind(("127.0.0.1", port))
            tcp.bind(("127.0.0.1", port))
        except OSError:
            udp.close()
            tcp.close()
            return None
        return [udp, tcp]

    def _sockets(self):
        """Both sockets, on the port that was chosen, or on any that is free."""
        for _ in range(1000):
            port = self.chosen or random.randint(20000, 32000)
            pair = self._bind(port)
            if pair:
                self.chosen = port
                return pair
        raise RuntimeError("no free port")

    @property
    def port(self):
        if not self.chosen:
            for each in self._sockets():
                each.close()
        return self.chosen

    @property
    def address(self):
        return "127.0.0.1@%d" % self.port

    def add(self, name, kind, *data, ttl=300):
        rrset = dns.rrset.from_text_list(name + ".", ttl, "IN", kind, list(data))
        with self.lock:
            self.table[(name.lower(), dns.rdatatype.from_text(kind))] = rrset
        return rrset

    def remove(self, name, kind):
        with self.lock:
            self.table.pop((name.lower(), dns.rdatatype.from_text(kind)), None)

    def sign(self, rrset, rrsig):
        """Serve a signature with an RRset."""
        with self.lock:
            self.signatures[(text(rrset.name), rrset.rdtype)] = rrsig

    def start(self):
        self.stopping = False
        udp, tcp = self.sockets = self._sockets()
        tcp.listen(64)
        self.threads = [threading.Thread(target=self._serve_udp, args=(udp,), daemon=True),
                        threading.Thread(target=self._serve_tcp, args=(tcp,), daemon=True),
                        threading.Thread(target=self._serve_later, daemon=True)]
        for thread in self.threads:
            thread.start()
        return self

    def stop(self):
        with self.lock:
            self.stopping = True
            self.is_later.notify()
        for each in self.sockets:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            each.close()
        for thread in self.threads:
            thread.join()
        self.sockets = []

    def release(self, name):
        """Answer what is held under this name; from now on it is answered at once."""
        with self.lock:
            self.rules.pop(name, None)
            waiting = self.held.pop(name, [])
        for wire, reply in waiting:
            reply(self._answer(dns.message.from_wire(wire), "tcp").to_wire())

    def count(self, name, kind="TXT"):
        number = dns.rdatatype.from_text(kind)
        with self.lock:
            return sum(n for (seen, seen_kind, _), n in self.seen.items() if seen == name and seen_kind == number)

    def below(self, zone, kind="TXT"):
        """How often names below a zone were asked for."""
        number = dns.rdatatype.from_text(kind)
        with self.lock:
            return sum(n for (seen, seen_kind, _), n in self.seen.items() if seen.endswith("." + zone) and seen_kind == number)

    def _rule(self, name):
        labels = name.split(".")
        for rule in [name] + ["*." + ".".join(labels[at:]) for at in range(1, len(labels))] + ["*"]:
            if rule in self.rules:
                return self.rules[rule]
        return None

    def _serve_later(self):
        """Answers whose time has come."""
        with self.lock:
            while not self.stopping:
                self.is_later.wait(self.later[0][0] - time.monotonic() if self.later else None)
                while self.later and self.later[0][0] <= time.monotonic():
                    _, _, wire, reply = heapq.heappop(self.later)
                    self.lock.release()
                    try:
                        reply(wire)
                    finally:
                        self.lock.acquire()

    def _serve_udp(self, udp):
        while not self.stopping:
            try:
                wire, peer = udp.recvfrom(65535)
            except OSError:
                return
            def reply(data, peer=peer):
                try:
                    udp.sendto(data, peer)
                except OSError:
                    pass
            self._handle(wire, "udp", reply)

    def _serve_tcp(self, tcp):
        while not self.stopping:
            try:
                connection, _ = tcp.accept()
            except OSError:
                return
            threading.Thread(target=self._serve_connection, args=(connection,), daemon=True).start()

    def _serve_connection(self, connection):
        with connection:
            stream = connection.makefile("rb")
            while True:
                try:
                    head = stream.read(2)
                    if len(head) < 2:
                        return
                    wire = stream.read(struct.unpack("!H", head)[0])
                except OSError:
                    return
                def reply(data):
                    try:
                        connection.sendall(struct.pack("!H", len(data)) + data)
                    except OSError:
                        pass
                self._handle(wire, "tcp", reply)

    def _handle(self, wire, transport, reply):
        try:
            query = dns.message.from_wire(wire)
        except Exception:
            return
        question = query.question[0]
        name = text(question.name)
        with self.lock:
            self.seen[(name, question.rdtype, transport)] += 1
            rule = self._rule(name)
            if rule == "hold":
                self.held[name].append((wire, reply))
        if rule in ("drop", "hold"):
            return
        if rule == "garbage":
            reply(wire[:2] + b"\xff" * 20)
            return
        response = self._answer(query, transport)
        if rule in ("servfail", "refused", "formerr"):
            response = dns.message.make_response(query)
            response.set_rcode(dns.rcode.from_text(rule))
        elif rule == "stranger":
            response.id = response.id ^ 1
        elif rule == "truncate" and transport == "udp":
            response = dns.message.make_response(query)
            response.flags |= dns.flags.TC
        data = response.to_wire(max_size=65535)
        if transport == "udp" and len(data) > 1232:
            response = dns.message.make_response(query)
            response.flags |= dns.flags.TC
            data = response.to_wire()
        if isinstance(rule, (int, float)):
            with self.lock:
                heapq.heappush(self.later, (time.monotonic() + rule, sum(self.seen.values()), data, reply))
                self.is_later.notify()
        else:
            reply(data)

    def _answer(self, query, transport):
        response = dns.message.make_response(query, recursion_available=True)
        question = query.question[0]
        name = text(question.name)
        with self.lock:
            for _ in range(20):
                found = self._append(response, name, question.rdtype)
                alias = None if found else self._append(response, name, dns.rdatatype.CNAME)
                if alias is None:
                    break
                name = text(alias[0].target)
            if not found:
                if not any(owner == name for owner, _ in self.table):
                    response.set_rcode(dns.rcode.NXDOMAIN)
                response.authority.append(dns.rrset.from_text("example.test.", 30, "IN", "SOA", self.soa))
        return response

    def _append(self, response, name, kind):
        rrset = self.table.get((name, kind))
        if rrset is None:
            return None
        if rrset not in response.answer:
            response.answer.append(rrset)
            signature = self.signatures.get((name, kind))
            if signature is not None:
                response.answer.append(signature)
        return rrset


def strings(record):
    """A TXT record in pieces of 255 bytes, as zone files hold it."""
    return " ".join('"%s"' % record[at:at + 255].replace("\\", "\\\\").replace('"', '\\"')
                    for at in range(0, len(record), 255)) or '""'


def signed_zone(server, zone, records):
    """Sign records ((name, kind, data...), ...) of a zone with one fresh key; returns the DNSKEY as a trust anchor."""
    import time
    from cryptography.hazmat.primitives.asymmetric import ec
    import dns.dnssec
    key = ec.generate_private_key(ec.SECP256R1())
    apex = dns.name.from_text(zone + ".")
    dnskey = dns.dnssec.make_dnskey(key.public_key(), dns.dnssec.Algorithm.ECDSAP256SHA256, flags=257)
    rrsets = [server.add(zone, "DNSKEY", dnskey.to_text())]
    rrsets += [server.add(name, kind, *data) for name, kind, *data in records]
    now = int(time.time())
    for rrset in rrsets:
        rrsig = dns.dnssec.sign(rrset, key, apex, dnskey, inception=now - 3600, expiration=now + 86400)
        server.sign(rrset, dns.rrset.from_rdata(rrset.name, rrset.ttl, rrsig))
    return "%s. IN DNSKEY %s\n" % (zone, dnskey.to_text())
