#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""sfdc-relayctl check-relay: its verdicts for each of Salesforce's TLS settings are what Postfix's own client does on the same
server; what it tells of servers that are wrong or hostile. In private namespaces, where every server has an address and port
25 of its own. make check takes some servers; make check-relay, with RELAYS=all, every one."""
import json
import os
import subprocess
import sys
import threading
import time

from cryptography.x509.oid import ExtendedKeyUsageOID

sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "t"))
from lab import SRCDIR, Lab, Tap, machine  # noqa: E402
from lab.nameserver import Nameserver  # noqa: E402
from lab.process import run, sanitized, wait_for, write  # noqa: E402
from lab.relays import SHORT, Relays, host  # noqa: E402
from lab.wrongserver import WrongServer  # noqa: E402
from relayctl import CONFIG  # noqa: E402

PROGRAM = os.path.join(os.environ.get("BUILDDIR", "."), "sfdc-relayctl")
WHOLE = os.environ.get("RELAYS") == "all"
LEVELS = {"off": "none", "preferred": "may", "required": "encrypt", "required_verify": "verify"}
SECONDS = "6"  # for each step, here and there: enough on a busy machine

CLIENT_MAIN = """disable_dns_lookups = no
smtp_dns_support_level = enabled
smtp_host_lookup = dns
inet_protocols = ipv4
default_transport = error:not here
relay_domains =
transport_maps = hash:{etc}/transport
minimal_backoff_time = 1s
maximal_backoff_time = 1s
queue_run_delay = 600s
default_process_limit = 400
smtp_tls_CAfile = {cafile}
smtp_tls_protocols = >=TLSv1.2
smtp_tls_mandatory_protocols = >=TLSv1.2
smtp_tls_verify_cert_match = hostname
smtp_tls_note_starttls_offer = yes
smtp_tls_loglevel = 1
smtp_connect_timeout = {seconds}s
smtp_helo_timeout = {seconds}s
smtp_starttls_timeout = {seconds}s
smtp_mail_timeout = {seconds}s
smtp_rcpt_timeout = {seconds}s
smtp_data_init_timeout = {seconds}s
smtp_data_done_timeout = {seconds}s
smtp_quit_timeout = {seconds}s
smtp_skip_5xx_greeting = yes
smtp_pix_workarounds =
"""


class Result:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def object(self):
        return json.loads(self.out)

    def findings(self, level=None):
        return [one for one in self.object["findings"] if level in (None, one["level"])]

    def finding(self, name):
        return next((one for one in self.findings() if one["id"] == name), {"level": None, "text": "", "command": ""})


def tool(*arguments, kilobytes=None):
    """Run check-relay, which has an end whatever the server does. kilobytes: of memory that it may have."""
    limit = ["sh", "-c", 'ulimit -d %d; exec "$@"' % kilobytes, "sh"] if kilobytes else []
    process = subprocess.Popen(limit + [PROGRAM, "check-relay", "--timeout", SECONDS, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env=sanitized())
    guard = threading.Timer(300, process.kill)
    guard.start()
    errors = []
    reader = threading.Thread(target=lambda: errors.append(process.stderr.read()))
    reader.start()
    out = process.stdout.read()
    reader.join()
    code = process.wait()
    guard.cancel()
    return Result(code, out.decode(), errors[0].decode())


class World:
    """The servers, a name server, and one Postfix that is client to all and server to some."""

    def __init__(self, lab):
        self.lab = lab
        self.relays = Relays(lab.folder("relays"), None if WHOLE else SHORT)
        self.ports = {}
        self.results = {}
        self._postfix()
        self.relays.records += ["%s. A 127.0.0.1" % host(name) for name in self.ports]
        self.relays.records += ["two.test. A 127.0.0.93", "two.test. A 127.0.0.98"]
        self.relays.records += ["slow.test. A 127.0.0.%d" % number for number in range(80, 88)]
        self.nameserver = Nameserver(lab.folder("nsd"), self.relays.records, 53).start()
        lab.nameservers.append(self.nameserver)
        for path, text in (("/etc/resolv.conf", "nameserver 127.0.0.1\n"), ("/etc/hosts", "127.0.0.1 localhost\n")):
            own = lab.folder(os.path.basename(path))
            write(own, text)
            run(["mount", "--bind", own, path])
        self._transport()
        self.postfix.start()

    def _transport(self):
        # trivial-rewrite(8) wants it when it starts.
        rows = ["%s.%s to-%s:%s" % (name, level, level, self.operand(name)) for name in self.names for level in LEVELS.values()]
        table = os.path.join(self.postfix.etc, "transport")
        write(table, "\n".join(rows) + "\n")
        run(["postmap", "-c", self.postfix.etc, "hash:" + table])
        self.recipients = ["r@" + row.split()[0] for row in rows]

    def _postfix(self):
        lab = self.lab
        etc = lab.folder("postfix0") + "/etc"
        self.postfix = lab.postfix(main=CLIENT_MAIN.format(etc=etc, cafile=self.relays.cafile, seconds=SECONDS))
        # Given twice, a parameter is warned of, and postlogd that warns itself too often waits for itself.
        with open(etc + "/main.cf", encoding="utf-8") as file:
            lines = {line.split("=")[0].strip(): line for line in file if line.strip()}
        write(etc + "/main.cf", "".join(lines.values()), age=60)
        for level in LEVELS.values():
            self.postfix.master += "to-%s unix - - n - 200 smtp\n  -o smtp_tls_security_level=%s\n" % (level, level)
        relay = self.relays.pki.make("relay", self.relays.pki.root, san=[host(name) for name in
                                     ("pf-may", "pf-encrypt", "pf-nokey", "pf-demand", "pf-old")])
        chain = self.relays.pki.chain("postfix", relay)
        usual = {"smtpd_tls_chain_files": chain, "smtpd_relay_restrictions": "permit_mynetworks,reject", "smtpd_tls_CAfile": self.relays.cafile,
                 "mynetworks": "127.0.0.0/8", "smtpd_recipient_restrictions": "check_recipient_access,static:discard"}
        servers = {
            "pf-may": {},
            "pf-encrypt": {"smtpd_tls_security_level": "encrypt", "smtpd_tls_auth_only": "yes"},
            "pf-nokey": {"smtpd_tls_chain_files": "/nonexistent"},
            "pf-demand": {"smtpd_tls_security_level": "encrypt", "smtpd_tls_req_ccert": "yes"},
            "pf-old": {"smtpd_tls_protocols": "<=TLSv1.1", "smtpd_tls_mandatory_protocols": "<=TLSv1.1"},
        }
        for name, options in servers.items():
            if WHOLE or name in SHORT:
                self.ports[name] = self.postfix.port(None, **{**usual, **options})

    def operand(self, name):
        return "%s:%d" % (host(name), self.ports.get(name, 25))

    @property
    def names(self):
        return list(self.relays.servers) + list(self.ports)

    def deliver(self):
        """One message to every server in every level; {(name, level): "tls", "clear" or "fails"}."""
        run(["/usr/sbin/sendmail", "-C", self.postfix.etc, "-f", "sender@example.test"] + self.recipients, input=b"Subject: x\n\nx\n",
            env=dict(os.environ, MAIL_CONFIG=self.postfix.etc))
        wait_for(lambda: len(self._status()) >= len(self.recipients), "the first attempts", 240)
        # TLS that failed is tried in clear only when a message has waited for minimal_backoff_time.
        seen = self.postfix.log().count("status=")
        waiting = sum(1 for status in self._status().values() if status == "deferred")
        time.sleep(1.5)
        run(["postqueue", "-c", self.postfix.etc, "-f"])
        wait_for(lambda: self.postfix.log().count("status=") >= seen + waiting, "the second attempts", 240)
        return {(name, level): self._became(name, level) for name in self.names for level in LEVELS.values()}

    def _status(self):
        """{recipient: status}, the last one counts."""
        found = {}
        for line in self.postfix.log().splitlines():
            if " status=" in line and " to=<" in line:
                found[line.split(" to=<")[1].split(">")[0]] = line.split(" status=")[1].split(" ")[0]
        return found

    def _became(self, name, level):
        recipient = "r@%s.%s" % (name, level)
        if self._status().get(recipient) != "sent":
            return "fails"
        if name in self.ports:
            lines = [line for line in self.postfix.log().splitlines() if " to=<%s>" % recipient in line and "status=sent" in line]
            process = lines[-1].split("smtp[")[1].split("]")[0] if lines else "?"
            before = self.postfix.log().split(lines[-1])[0].splitlines()
            return "tls" if any("smtp[%s]" % process in line and "TLS connection established to %s[" % host(name) in line for line in before) else "clear"
        got = [encrypted for server in self.relays.servers.values() if server for one, encrypted in server.got if one == recipient]
        return "tls" if got and got[-1] else "clear" if got else "lost"

    def probe(self):
        """check-relay on every server, several at once."""
        names = list(self.names)
        lock = threading.Lock()

        def work():
            while True:
                with lock:
                    if not names:
                        return
                    name = names.pop()
                self.results[name] = tool("--json", "--cafile", self.relays.cafile, self.operand(name))

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def differences():
    rows = {}
    with open(os.path.join(SRCDIR, "t", "relay_differences"), encoding="utf-8") as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                server, setting, postfix, ours, why = line.split(None, 4)
                rows[server, setting] = (postfix, ours, why)
    return rows


def said(endpoints, setting):
    """What check-relay says of a setting, over all its addresses: the first one that can be connected to counts."""
    for endpoint in endpoints:
        row = endpoint["settings"][setting]
        return "fails" if not row["delivers"] else "tls" if row["encrypted"] else "clear"
    return "fails"


def wanted(became, name):
    """What Postfix makes of it, for each setting; Preferred Verify in both meanings, from what it does by its levels."""
    none, may, encrypt, verify = (became[name, level] for level in ("none", "may", "encrypt", "verify"))
    return {"off": none, "preferred": may, "required": encrypt, "required_verify": verify,
            "preferred_verify_clear": verify if verify == "tls" else none}


def verdicts(tap, world, became):
    listed = differences()
    used = set()
    for name in world.names:
        result = world.results[name]
        endpoints = result.object["endpoints"] if result.out else []
        if not tap.ok(result.out, name + ": there is a result", err=result.err, code=result.code):
            continue
        expected = wanted(became, name)
        offered = endpoints and endpoints[0]["tls"]["offered"]
        expected["preferred_verify_ends"] = expected["required_verify"] if offered else expected["off"]
        for setting, postfix in expected.items():
            ours = said(endpoints, setting)
            row = listed.get((name, setting))
            if row:
                used.add((name, setting))
                tap.equal((postfix, ours), row[:2], "%s: %s differs from Postfix as listed" % (name, setting))
            else:
                tap.equal(ours, postfix, "%s: %s is as in Postfix" % (name, setting), out=endpoints and endpoints[0]["settings"][setting])
        verified = listed.get((name, "required_verify"), (None, expected["required_verify"]))[1] == "tls"
        line = endpoints[0]["settings"]["required_verify"]["line"] if endpoints else "-"
        tap.equal(bool(line), not verified, "%s: a line of the Email Log tells the failure" % name, line=line)
        tap.equal(result.code == 1, not verified, "%s: exit 1 says that Required Verify fails" % name, code=result.code,
                  findings=result.findings("fix"), err=result.err)
    if WHOLE:
        tap.equal(used, set(listed), "every difference that is listed was seen")
        tap.ok(len(world.names) >= 40, "at least forty servers", count=len(world.names))
        # A table of alike verdicts would show nothing.
        tap.ok(len({tuple(sorted(wanted(became, name).items())) for name in world.names}) >= 5, "of at least five kinds")


# (server, finding, level, words in its text)
TOLD = [
    ("good", "chain", "ok", "ends in a CA that is trusted"), ("good", "name", "ok", "names good.test"), ("good", "expiry", "ok", "reload"),
    ("good", "tls-versions", "ok", "accepted: TLSv1.2, TLSv1.3; refused: TLSv1, TLSv1.1"), ("good", "size", "ok", "20480000"),
    ("good", "client-certificate", "ok", "no client certificate"), ("good", "trust", "ok", "not as Salesforce's own store"),
    ("good", "address", "ok", "loopback"), ("good", "key", "ok", "ECDSA of 256 bits"),
    ("missing", "chain", "fix", "CN=missing.test was issued by /CN=Intermediate, an intermediate certificate that the server does not send"),
    ("missing", "chain", "fix", "get it from http://ca.example/intermediate.der"),
    ("missing", "chain", "fix", "451 4.7.5 [internal] remote node SSL certificate not signed by a valid CA"),
    ("self-signed", "chain", "fix", "signs itself"), ("unknown-ca", "chain", "fix", "it ends in /CN=Stranger"),
    ("expired", "expiry", "fix", "no longer valid"), ("not-yet", "expiry", "fix", "not valid before"), ("soon", "expiry", "advice", "valid for 9 more days"),
    ("expired-middle", "chain", "fix", "/CN=Expired intermediate is no longer valid"), ("disordered", "chain-order", "advice", "not sent in order"),
    ("client-only", "chain", "fix", "purpose"), ("long-chain", "chain", "fix", "too long"),
    ("san-other", "name", "fix", "does not name san-other.test; it names: other.test; the Email Log has, under Required Verify: 451 4.7.5 [internal] SSL cert common name"),
    ("san-nul", "name", "fix", "san-nul.test\\x00.attack.example"), ("no-name", "name", "fix", "common name none"),
    ("rsa1024", "key", "advice", "RSA of 1024 bits"), ("sha1", "signature", "advice", "SHA-1"), ("sha1", "chain", "fix", "too weak"), ("wildcard-top", "name", "fix", "it names: *.test"), ("tls-all", "tls-versions", "advice", "accepted: TLSv1, TLSv1.1, TLSv1.2, TLSv1.3"),
    ("tls11", "handshake", "fix", "451 4.7.5 [internal] TLS negotiation failed"), ("tls11", "tls-versions", "advice", "accepted: TLSv1, TLSv1.1; refused: TLSv1.2, TLSv1.3"),
    ("no-cipher", "handshake", "fix", "alert handshake failure"), ("client-ask", "client-certificate", "ok", "is asked for"),
    ("client-demand12", "handshake", "fix", "asked for a client certificate"), ("client-demand13", "tls-session", "fix", "asked for a client certificate"),
    ("no-starttls", "starttls", "fix", "451 4.7.6 [internal] STARTTLS required but not advertised"), ("no-starttls", "auth-clear", "advice", "without TLS"),
    ("starttls-refused", "starttls", "fix", "451 4.7.5 [internal] no tls go-ahead"), ("starttls-silent", "starttls", "fix", "no answer in time"),
    ("wants-tls", "clear", "ok", "mail in clear is refused: 530"), ("helo-only", "starttls", "fix", "EHLO is refused"), ("helo-only", "ehlo", "advice", "HELO"),
    ("ehlo-silent", "ehlo", "fix", "451 4.4.2 [internal] no HELO/EHLO response"), ("ehlo-close", "ehlo", "fix", "connection closed by remote host"),
    ("banner-silent", "banner", "fix", "451 4.4.2 [internal] no banner"), ("banner-close", "banner", "fix", "451 4.4.2 [internal] connection closed"),
    ("banner-554", "banner", "fix", "the Email Log has: 554 5.7.1 no"), ("http", "banner", "fix", "this is HTTP, not SMTP"),
    ("implicit", "banner", "fix", "TLS from the start"), ("escapes", "banner", "fix", "554 \\x1b[31m\\xff no"),
    ("banner-megabyte", "long-line", "advice", "1048580 bytes"), ("auth-clear", "auth-clear", "advice", "without TLS"),
    ("auth-other", "auth-mechanisms", "advice", "CRAM-MD5 SCRAM-SHA-1; Salesforce has PLAIN and LOGIN only"), ("auth-other", "size", "advice", "1000"),
    ("by-mx", "mx", "advice", "it connects to good.test"), ("by-mx", "mx-address", "advice", "nowhere.test has no address"),
    ("null-mx", "dns", "fix", "550 5.4.4 [internal] NULL MX domain does not accept mail"), ("dangling-mx", "dns", "fix", "hosts have no address"),
    ("no-such", "dns", "fix", "is not in the DNS"), ("no-address", "dns", "fix", "454 4.4.4 [internal] no MX or A for domain"),
    ("refused", "connect", "fix", "451 4.4.1 [internal] No valid hosts (unable to make any connections)"),
    ("pf-encrypt", "clear", "ok", "refused: 530 5.7.0 Must issue a STARTTLS command first"), ("pf-encrypt", "auth-mechanisms", "ok", "PLAIN"),
    ("pf-encrypt", "port", "advice", "25, 587, 10025 and 11025 only"), ("pf-nokey", "handshake", "fix", "alert handshake failure"),
]


def told(tap, world):
    for name, finding, level, words in TOLD:
        if name not in world.results:
            continue
        one = world.results[name].finding(finding)
        tap.ok(one["level"] == level and words in one["text"], "%s: %s is %s and says %r" % (name, finding, level, words[:50]), got=one)
    for name, result in world.results.items():
        if not tap.ok(all(32 <= ord(c) < 127 or c == "\n" for c in result.out + result.err), name + ": only printable ASCII comes out"):
            tap.note(repr(result.out))


def lab_config(world):
    path = world.lab.folder("config.yaml")
    write(path, (CONFIG % "tls").replace("127.0.0.1@9", world.nameserver.address))
    return path


def options(tap, world):
    cafile = world.relays.cafile
    pki = world.relays.pki
    result = tool("--json", "good.test:25")
    tap.equal((result.code, result.finding("chain")["level"]), (1, "fix"), "without --cafile the system's store counts", out=result.out)
    result = tool("--cafile", cafile, "good.test:25")
    tap.equal(result.code, 0, "all is well", out=result.out, err=result.err)
    for words in ("probed from 127.0.0.1", "Required Verify", "delivers, encrypted and verified", "TLSv1.3", "Preferred Verify, if it disconnects"):
        tap.contains(result.out, words, "the text has " + words)
    tap.equal(tool("--cafile", cafile, "--warn-days", "101", "good.test").code, 2, "--warn-days")
    result = tool("--cafile", cafile, "--json", "good.test")
    tap.equal([one["port"] for one in result.object["endpoints"]], [25], "without PORT those that answer are judged")
    other = WrongServer("127.0.0.97", 587, chain=pki.chain("other", pki.make("x", pki.root, san=["other.test"])))
    third = WrongServer("127.0.0.97", 10025, offers=())
    result = tool("--cafile", cafile, "--json", "127.0.0.97")
    tap.equal([(one["port"], one["settings"]["required"]["delivers"]) for one in result.object["endpoints"]], [(587, True), (10025, False)],
              "two of four ports answer, each is judged by itself")
    tap.contains(result.finding("name")["text"], "give Salesforce a host name", "an address as host")
    result = tool("--cafile", cafile, "--json", "127.0.0.96")
    tap.equal((result.code, result.finding("connect")["level"]), (1, "fix"), "none of the ports answers: exit 1", out=result.out)
    other.close()
    third.close()

    spare = WrongServer("127.0.0.93", chain=pki.chain("two", pki.make("two", pki.root, san=["two.test"])))
    result = tool("--cafile", cafile, "--json", "two.test:25")
    tap.equal(sorted(one["address"] for one in result.object["endpoints"]), ["127.0.0.93", "127.0.0.98"], "every address is looked at")
    tap.equal((result.code, result.finding("connect")["level"]), (2, "advice"), "one that cannot be reached is advice where another can", out=result.out)
    spare.close()
    result = tool("--cafile", cafile, "--json", "two.test:25")
    tap.equal((result.code, [one["level"] for one in result.findings() if one["id"] == "connect"]), (1, ["fix", "fix"]), "and to be fixed where none can")
    result = tool("--json", "[::1]:587")
    tap.equal([(one["address"], one["port"]) for one in result.object["endpoints"]], [("::1", 587)], "an IPv6 address and a port")
    config = lab_config(world)
    tap.equal(tool("-c", config, "--cafile", cafile, "good.test:25").code, 0, "the configuration's name servers")
    write(config, "mode: nonsense\n")
    result = tool("-c", config, "good.test:25")
    tap.equal((result.code, result.out), (78, ""), "a configuration with an error", err=result.err)

    result = tool("--cafile", cafile, "--json", "--a-only", "by-mx.test")
    tap.equal(result.finding("connect")["level"], "fix", "--a-only looks at the address and not at MX")
    tap.equal(tool("--cafile", cafile, "--nameserver", "127.0.0.1@53", "good.test:25").code, 0, "--nameserver")
    result = tool("--cafile", cafile, "--timeout", "1", "--nameserver", "127.0.0.1@9", "good.test:25")
    tap.equal((result.code, result.out), (75, ""), "a DNS that does not answer is no finding", err=result.err)
    tap.contains(result.err, "good.test: the DNS does not answer", "and told")

    client = pki.make("client.test", pki.root, usage=ExtendedKeyUsageOID.CLIENT_AUTH)
    certificate = pki.chain("client", client)
    result = tool("--cafile", cafile, "--json", "--cert", certificate, host("client-demand13"))
    tap.equal((result.code, result.finding("client-certificate")["text"]), (0, "a client certificate is asked for"), "--cert opens a port that demands one",
              out=result.out, err=result.err)
    apart = certificate + ".key"
    write(apart, client.key_pem)
    tap.equal(tool("--cafile", cafile, "--cert", certificate, "--key", apart, host("client-demand13")).code, 0, "--key")
    for arguments in (["--cafile", "/nonexistent"], ["--cafile", "/etc/hosts"], ["--cert", "/etc/hosts"], ["--cert", certificate, "--key", cafile]):
        result = tool(*arguments, "good.test")
        tap.ok(result.code == 65 and arguments[-1] in result.err, "%s: exit 65 and which file" % arguments[-2:], err=result.err)
    for arguments in ([], ["a", "b"], ["a b"], ["good.test:0"], ["good.test:65536"], ["good.test:x"], ["[::1]x"], ["--key", "x", "good.test"],
                      ["--json", "--nagios", "x"], ["--recipient", "a@b", "x"], ["--helo", "a b", "x"], ["--warn-days", "x", "x"], ["--timeout", "0", "x"],
                      ["a..b"], ["-x"], [""], ["--recipient", "a\r\nDATA", "--probe-open-relay", "x"]):
        result = tool(*arguments)
        if "--nagios" in arguments:
            tap.equal((result.code, result.out[:14]), (3, "RELAY UNKNOWN "), "%r is wrong usage, told to the monitor" % arguments)
        else:
            tap.equal((result.code, result.out), (64, ""), "%r is wrong usage" % arguments, err=result.err)


def monitor(tap, world):
    cafile = world.relays.cafile
    for name, extra, code, words in (("good", [], 0, "RELAY OK - mail is delivered, encrypted and verified"), ("good", ["--warn-days", "101"], 1, "RELAY WARNING - the certificate is valid for 99"),
                                     ("expired", [], 2, "RELAY CRITICAL - "), ("no-starttls", [], 2, "RELAY CRITICAL - STARTTLS is not offered")):
        result = tool("--cafile", cafile, "--nagios", *extra, host(name))
        tap.equal(result.code, code, "%s: exit status %d of a plug-in" % (name, code), out=result.out)
        tap.ok(result.out.startswith(words), "%s: its line" % name, out=result.out)
        tap.ok(all(line.count("|") <= (i == 0) for i, line in enumerate(result.out.splitlines())), "%s: one bar at most" % name, out=result.out)
    first = tool("--cafile", cafile, "--nagios", "good.test").out.splitlines()[0]
    tap.contains(first, "| days=99;30:;0:", "performance data")
    result = tool("--timeout", "1", "--nameserver", "127.0.0.1@9", "--nagios", "good.test")
    tap.equal((result.code, result.out.split(" - ")[0]), (3, "RELAY UNKNOWN"), "what cannot be found out is unknown")
    tap.equal(tool("--nagios").code, 3, "so is wrong usage")


def open_relay(tap, world):
    """RCPT, and nothing more."""
    cafile = world.relays.cafile
    chain = world.relays.pki.chain("rcpt", world.relays.pki.make("r", world.relays.pki.root, san=["good.test"]))
    closed = WrongServer("127.0.0.95", 25, chain=chain, rcpt=b"554 5.7.1 Relay access denied\r\n")
    forged = WrongServer("127.0.0.94", 25, chain=chain)
    result = tool("--cafile", cafile, "--json", "--probe-open-relay", "127.0.0.95:25")
    tap.equal([result.finding(one)["level"] for one in ("open-relay", "open-relay-forged")], ["ok", "ok"], "refused without and with forged traits", out=result.out)
    tap.contains(result.finding("open-relay")["text"], "reply to RCPT: 554 5.7.1 Relay access denied", "with the reply")
    tap.contains(result.finding("open-relay")["text"], "probed from 127.0.0.1: this means nothing if the relay trusts that address", "and what it is worth")
    result = tool("--cafile", cafile, "--json", "--probe-open-relay", "--recipient", "joe@elsewhere.example", "127.0.0.94:25")
    tap.equal([result.finding(one)["level"] for one in ("open-relay", "open-relay-forged")], ["fix", "fix"], "taken", out=result.out)
    tap.equal((result.code, closed.verbs.count("DATA"), forged.verbs.count("DATA")), (1, 0, 0), "no DATA is ever sent")
    tap.equal((closed.verbs.count("RCPT"), forged.verbs.count("RCPT")), (2, 2), "RCPT is, once for each")
    forged.verbs.clear()
    tool("--cafile", cafile, "--json", "127.0.0.94:25")
    tap.equal(forged.verbs.count("RCPT"), 0, "none without --probe-open-relay")
    closed.close()
    forged.close()


def hostile(tap, world):
    """Every one comes to an end, with a line that says what it was, in less memory than what is sent."""
    pki = world.relays.pki
    size = 24 << 20
    limit = 16 << 10 if os.environ.get("SANITIZERS", "no") == "no" else None
    many = pki.chain("many", pki.make("x", pki.root, san=["x"]), *[pki.stranger] * 200)
    cases = {
        "silence": ({"banner": "silent"}, "banner", "no answer in time"), "bytes one by one": ({"banner": "trickle"}, "banner", "no answer in time"),
        "a line without end": ({"banner": b"220 " + b"a" * size}, "banner", "what came is no SMTP"),
        "a greeting without end": ({"banner": (b"220-" + b"a" * 500 + b"\r\n") * (size // 506)}, "banner", "what came is no SMTP"),
        "EHLO without end": ({"ehlo": (b"250-" + b"A" * 500 + b"\r\n") * (size // 506)}, "ehlo", "what came is no SMTP"),
        "200 certificates": ({"chain": many}, "chain", "201 certificates are sent"), "NUL bytes": ({"banner": b"\0" * 100 + b"\r\n"}, "banner", "what came is no SMTP"),
        "a code alone": ({"banner": b"220"}, "banner", "no answer in time"), "HTTP": ({"banner": b"HTTP/1.0 400\r\n"}, "banner", "HTTP"),
        "close after EHLO": ({"ehlo": "close"}, "ehlo", "the connection was ended"),
    }
    for number, (what, (words, finding, text)) in enumerate(cases.items()):
        server = WrongServer("127.0.0.%d" % (50 + number), 25, **words)
        result = tool("--json", "--cafile", world.relays.cafile, "--timeout", "1" if "no answer" in text else SECONDS,
                      "127.0.0.%d:25" % (50 + number), kilobytes=limit)
        if tap.equal(result.code, 1, "%s: it ends, in bounded memory, with a finding" % what, out=result.out, err=result.err):
            tap.contains(result.finding(finding)["text"], text, "%s: what it was" % what)
        server.close()
    if WHOLE:
        servers = [WrongServer("127.0.0.%d" % number, banner="silent") for number in range(80, 88)]
        result = tool("--json", "--timeout", "1", "slow.test:25")
        late = [one["text"] for one in result.findings("advice") if one["id"] == "late"]
        tap.equal((result.code, len(result.object["endpoints"]) + len([one for one in late if "before 127" in one])), (1, 8),
                  "eight silent addresses: those that time was left for are told, the others counted", out=result.out)
        tap.ok(late, "that time ran out is told")
        for server in servers:
            server.close()


def main():
    with Tap() as tap:
        if not machine.enter(""):
            tap.skip_all("no namespaces can be made")
        run(["mount", "-t", "proc", "proc", "/proc"])  # of these processes, which LeakSanitizer looks into
        run(["ip", "link", "set", "lo", "up"])
        with Lab() as lab:
            world = World(lab)
            world.probe()
            became = world.deliver()
            tap.case(verdicts, world, became)
            tap.case(told, world)
            tap.case(options, world)
            tap.case(monitor, world)
            tap.case(open_relay, world)
            tap.case(hostile, world)
            world.relays.close()


main()
