#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What is written takes effect: built-in defaults, `defaults`, an organization's own values, included files, JSON."""
import json
import os
import subprocess
import sys
import tempfile

import yaml

SRC = os.environ.get("SRCDIR", ".")
PROBE = os.path.join(os.environ.get("BUILDDIR", "."), "t", "config_probe")
sys.path.insert(0, os.path.join(SRC, "t"))
from lab.redis import built  # noqa: E402
from lab.tap import Tap  # noqa: E402

ID = "00D8d000003TRx3EAG"
OTHER = "00DgL00000Fp7YHUAZ"
THIRD = "00DA0000000Hu5aMAC"
SENTENCE = "tls and message and org and from and envelope and verp and dkim and (cert or auth or ip)"

EVERYTHING = """
socket: inet:8891@127.0.0.1
socket_mode: "0600"
socket_group: postfix
user: nobody
pidfile: /run/x.pid
mode: enforce
workers: 3
scope: salesforce
local_mailers: [relay, Inner]
authserv_id: relay.example.com
exempt_clients: [192.0.2.0/24, 2001:db8::/48]
monitor_floor: (tls)   and from
early_reject: mail
undecided: quarantine
reply_contact: call +1 555 0100
message_timeout: 30
include: []
dns:
  nameservers: [127.0.0.1@5353, "::1"]
  trust_anchor: anchor
  local_data: data
  cache_ttl_max: 60
  cache_negative_max: 0
log: {target: stderr, facility: local3, format: json, level: debug}
headers: {authentication_results: false, result_header: X-Policy, add_to: all, own_ids: [Relay2], remove_sfdc: yes}
deadline_warning: [90s, 2h, 1d]
metrics: {listen: "inet:9876@127.0.0.1"}
limits: {store: "rediss://us%%40er:p%%40ss@redis.example.com/2", store_cafile: anchor, when_away: pass}
defaults: {}
orgs:
  %s:
    name: production
    mode: defer
    domains: [Example.COM, "*.example.com"]
    reject_unless: >
      tls and from
      and (dkim or auth)
    defer_unless: spf
    quarantine_unless: dmarc
    warn_unless: spf or 2 of (ip, cert, auth)
    tls: {min_version: 1.3, min_cipher_bits: 256}
    cert: {names: [mail.example.com], issuers: [Example CA], match_client_name: on, required: off}
    envelope: {bounce_domains: [], null_sender: no}
    message: {senders: [A@example.net]}
    dkim:
      alignment: strict
      min_rsa_bits: 2048
      algorithms: [ed25519-sha256]
      selectors: [S1]
      key_zones: ["*.custdkim.salesforce.com"]
      required_headers: [From, List-Id]
      max_age: 12h
      max_signatures: 3
      required: "no"
    limit: {messages: 2000/1h, recipients: 5000/90m, per_user: 1/7d}
    verp: {undecodable: fail}
    auth: {users: [Mailer@example.com], mechanisms: [plain], required: true}
    ip: {networks: [13.108.0.0/14], networks_file: nets, spf: [_spf.example.com]}
    dmarc: {required: yes}
""" % ID

EVERYTHING_TOP = {
    "socket": "inet:8891@127.0.0.1", "socket_mode": "0600", "socket_group": "postfix", "user": "nobody",
    "pidfile": "/run/x.pid", "mode": "enforce", "workers": "3", "scope": "salesforce", "local_mailers": "[relay, Inner]",
    "authserv_id": "relay.example.com",
    "exempt_clients": "2 networks", "monitor_floor": "tls and from", "early_reject": "mail", "undecided": "quarantine",
    "reply_contact": "call +1 555 0100", "deadline_warning": "[90, 7200, 86400]",
    "message_timeout": "30", "include": "-",
    "dns.nameservers": "[127.0.0.1@5353, ::1]", "dns.trust_anchor": "FOLDER/anchor", "dns.local_data": "FOLDER/data",
    "dns.cache_ttl_max": "60", "dns.cache_negative_max": "0", "log.target": "stderr", "log.facility": "local3",
    "log.format": "json", "log.level": "debug", "headers.authentication_results": "no",
    "headers.result_header": "X-Policy", "headers.add_to": "all", "headers.own_ids": "[relay2]",
    "headers.remove_sfdc": "yes", "metrics.listen": "inet:9876@127.0.0.1",
    "limits.store": "rediss://us@er:***@redis.example.com:6379/2", "limits.store_file": "", "limits.store_cafile": "FOLDER/anchor",
    "limits.when_away": "pass", "defaults": "-", "orgs": "-",
}

EVERYTHING_ORG = {
    "name": "production", "mode": "defer", "domains": "[example.com, *.example.com]",
    "reject_unless": "tls and from and (dkim or auth)", "defer_unless": "spf", "quarantine_unless": "dmarc",
    "warn_unless": "spf or 2 of (ip, cert, auth)", "tls.min_version": "1.3", "tls.min_cipher_bits": "256",
    "cert.names": "[mail.example.com]", "cert.issuers": "[Example CA]", "cert.match_client_name": "yes", "cert.required": "no",
    "envelope.bounce_domains": "[]", "envelope.null_sender": "no", "message.senders": "[a@example.net]",
    "dkim.alignment": "strict", "dkim.min_rsa_bits": "2048", "dkim.algorithms": "ed25519-sha256", "dkim.selectors": "[s1]",
    "dkim.key_zones": "[*.custdkim.salesforce.com]", "dkim.required_headers": "[from, list-id]", "dkim.max_age": "43200",
    "limit.messages": "2000/3600s", "limit.recipients": "5000/5400s", "limit.per_user": "1/604800s",
    "dkim.max_signatures": "3", "dkim.required": "no", "verp.undecodable": "fail", "auth.users": "[Mailer@example.com]",
    "auth.mechanisms": "[plain]", "auth.required": "yes", "ip.networks": "3 networks", "ip.networks_file": "FOLDER/nets",
    "ip.spf": "[_spf.example.com]", "dmarc.required": "yes",
}

STORE = 'store: "rediss://us%40er:p%40ss@redis.example.com/2", '
if not built():
    EVERYTHING = EVERYTHING.replace(STORE, "")
    EVERYTHING_TOP["limits.store"] = ""

DEFAULT_ORG = {
    "name": "", "mode": "monitor", "domains": "[a.example]", "reject_unless": SENTENCE, "defer_unless": "limit", "limit.messages": "", "limit.recipients": "", "limit.per_user": "",
    "quarantine_unless": "", "warn_unless": "",
    "tls.min_version": "1.2", "tls.min_cipher_bits": "128", "cert.names": "[*.mta.salesforce.com]", "cert.issuers": "[]",
    "cert.match_client_name": "no", "cert.required": "yes", "envelope.bounce_domains": "[*.bnc.salesforce.com]",
    "envelope.null_sender": "yes", "message.senders": "[no-reply@salesforce.com, noreply@salesforce.com]",
    "dkim.alignment": "parent", "dkim.min_rsa_bits": "1024", "dkim.algorithms": "rsa-sha256, ed25519-sha256",
    "dkim.selectors": "[]", "dkim.key_zones": "[]", "dkim.required_headers": "[from, to, subject, date, content-type]",
    "dkim.max_age": "604800", "dkim.max_signatures": "8", "dkim.required": "yes", "verp.undecodable": "skip",
    "auth.users": "[]", "auth.mechanisms": "[]", "auth.required": "yes", "ip.networks": "0 networks", "ip.networks_file": "",
    "ip.spf": "[_spf.salesforce.com]", "dmarc.required": "no",
}


def load(tap, files):
    """({key: value} of the top level, {ID: {key: value}}), of files given as {name: content}; errors fail the test."""
    with tempfile.TemporaryDirectory() as folder:
        for path, content in files.items():
            path = os.path.join(folder, path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(content)
        name = "a.yaml" if "a.yaml" in files else "a.json"
        run = subprocess.run([PROBE, os.path.join(folder, name)], capture_output=True, text=True)
        tap.equal(run.returncode, 0, "it loads", output=run.stdout + run.stderr)
    top, orgs = {}, {}
    for line in run.stdout.replace(folder, "FOLDER").splitlines():
        key, value = line.split(": ", 1) if ": " in line else (line.rstrip(":"), "")
        if key.startswith("00D"):
            orgs.setdefault(key.split(" ")[0], {})[key.split(" ")[1]] = value
        elif not key.startswith(("warning", "error")):
            top[key] = value
    return top, orgs


def everything(tap):
    files = {"anchor": "x", "data": "x", "nets": "# two\n192.0.2.1\n198.51.100.0/24 # b\n"}
    top, orgs = load(tap, dict(files, **{"a.yaml": EVERYTHING}))
    tap.equal(top, EVERYTHING_TOP, "every option of the top level takes effect")
    tap.equal(orgs, {ID: EVERYTHING_ORG}, "every option of an organization takes effect")
    text = json.dumps(yaml.load(EVERYTHING, Loader=yaml.BaseLoader), indent="\t")
    tap.equal(load(tap, dict(files, **{"a.json": text})), (top, orgs), "the same as JSON")
    text = json.dumps(yaml.safe_load(EVERYTHING))
    tap.equal(load(tap, dict(files, **{"a.json": text})), (top, orgs), "and as JSON with booleans and numbers, on one line")
    org = yaml.load(EVERYTHING, Loader=yaml.BaseLoader)["orgs"][ID]
    below = yaml.safe_dump({"mode": "enforce", "defaults": org, "orgs": {OTHER: {}}})
    top, orgs = load(tap, dict(files, **{"a.yaml": below}))
    tap.equal(orgs, {OTHER: EVERYTHING_ORG}, "every option of an organization can stand below defaults")


def inheritance(tap):
    top, orgs = load(tap, {"a.yaml": "orgs: {%s: {domains: [a.example]}}" % ID})
    tap.equal(orgs[ID], DEFAULT_ORG, "what is not written has its built-in default")
    text = """
orgs:
  %s: {domains: [a.example], tls: {min_version: "1.3"}, dkim: {required: no}, mode: monitor}
  %s: {domains: [b.example], reject_unless: ""}
defaults: {tls: {min_cipher_bits: 200}, dkim: {min_rsa_bits: 2048}, reject_unless: from and dkim, mode: enforce}
mode: monitor
""" % (ID, OTHER)
    top, orgs = load(tap, {"a.yaml": text})
    one, two = orgs[ID], orgs[OTHER]
    tap.equal((one["tls.min_version"], one["tls.min_cipher_bits"]), ("1.3", "200"), "a value replaces the option, not its section")
    tap.equal((one["dkim.required"], one["dkim.min_rsa_bits"]), ("no", "2048"), "in every section")
    tap.equal((one["reject_unless"], two["reject_unless"]), ("from and dkim", ""), "an empty sentence replaces one")
    tap.equal((top["mode"], one["mode"], two["mode"]), ("monitor", "monitor", "enforce"), "mode: the org's, else defaults'")
    tap.equal(two["tls.min_version"], "1.2", "one organization's value is not another's")
    top, orgs = load(tap, {"a.yaml": "orgs: {%s: {domains: [a.b]}}\nmode: enforce\n" % ID})
    tap.equal(orgs[ID]["mode"], "enforce", "else the top level's")


def networks(tap):
    """What ip.networks and ip.networks_file add up to, whichever is inherited."""
    text = """
defaults: {ip: {networks: [10.0.0.0/24, 10.0.1.0/24], networks_file: FILE}}
orgs:
  %s: {domains: [a.example], %s}
"""
    cases = [
        ("name: x", "5 networks", "both are inherited"),
        ("ip: {networks: [10.9.0.0/16]}", "4 networks", "a list of its own replaces the list only"),
        ("ip: {networks_file: other}", "3 networks", "a file of its own replaces the file only"),
        ('ip: {networks_file: ""}', "2 networks", "an empty name drops the file"),
        ("ip: {networks: []}", "3 networks", "an empty list drops the list"),
        ("ip: {networks: [], networks_file: other}", "1 networks", "both replaced"),
        ('ip: {networks: [], networks_file: ""}', "0 networks", "both dropped"),
    ]
    files = {"nets/three": "10.1.0.0/24\n10.1.1.0/24\r\n2001:db8::/32", "other": "10.2.0.0/24\n"}
    for own, count, name in cases:
        _, orgs = load(tap, dict(files, **{"a.yaml": text.replace("FILE", "nets/three") % (ID, own)}))
        tap.equal(orgs[ID]["ip.networks"], count, name)
    many = "orgs:\n"
    for number in range(20):
        files["n%d" % number] = "".join("10.%d.%d.0/24\n" % (number, i) for i in range(number + 1))
        many += "  00D%012d: {domains: [d%d.example], ip: {networks_file: n%d}}\n" % (number, number, number)
    _, orgs = load(tap, dict(files, **{"a.yaml": many}))
    tap.equal([org["ip.networks"] for org in orgs.values()], ["%d networks" % (i + 1) for i in range(20)], "each its own file")
    files["orgs/b.yaml"] = "orgs: {%s: {domains: [b.example], ip: {networks_file: mine}}}" % OTHER
    files["orgs/mine"] = "10.3.0.0/24\n10.3.1.0/24\n10.3.2.0/24\n10.3.3.0/24\n"
    _, orgs = load(tap, dict(files, **{"a.yaml": "include: [orgs/b.yaml]\n" + text.replace("FILE", "other") % (ID, "name: x")}))
    tap.equal(orgs[OTHER]["ip.networks"], "6 networks", "a path is relative to the file that names it")
    tap.equal(orgs[OTHER]["ip.networks_file"], "FOLDER/orgs/mine", "and is resolved")


def includes(tap):
    org = "orgs: {%s: {domains: [%s], name: %s}}\n"
    files = {
        "a.yaml": "include: [\"o[r]gs/*.yaml\", orgs/b.yaml, extra]\ndefaults: {tls: {min_version: 1.3}}\n" + org % (ID, "a.b", "one"),
        "orgs/c.yaml": org % (OTHER, "c.d", "two"), "orgs/b.yaml": "# nobody\norgs: {}\n", "orgs/x.yml": "not: read",
        "orgs/.hidden.yaml": "not: read", "extra": org % (THIRD, "e.f", "three"),
    }
    _, orgs = load(tap, files)
    tap.equal({key: org["name"] for key, org in orgs.items()}, {ID: "one", OTHER: "two", THIRD: "three"}, "included files are read")
    tap.equal({org["tls.min_version"] for org in orgs.values()}, {"1.3"}, "defaults hold for them")
    files["a.yaml"] = "include: [orgs/c.yaml]\n"
    _, orgs = load(tap, files)
    tap.equal(list(orgs), [OTHER], "all organizations may be in included files")
    many = {"d/%02d" % number: org % ("00D%012d" % number, "d%d.example" % number, "x") for number in (3, 9, 1, 7, 0, 8, 2, 6, 4, 5)}
    _, orgs = load(tap, dict(many, **{"a.yaml": "include: [d/*]\n"}))
    tap.equal([key[:15] for key in orgs], ["00D%012d" % number for number in range(10)], "matches are read in the order of names")
    with tempfile.TemporaryDirectory(prefix="[a]*") as folder:
        for name in ("a.yaml", "b.yaml"):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write("include: ['[b]*']\n" if name == "a.yaml" else org % (ID, "a.b", "one"))
        run = subprocess.run([PROBE, os.path.join(folder, "a.yaml")], capture_output=True, text=True)
        tap.contains(run.stdout, ID + " name: one", "the configuration's own folder is no pattern")
        run = subprocess.run([PROBE, "a.yaml"], capture_output=True, text=True, cwd=folder)
        tap.contains(run.stdout, ID + " name: one", "a name without folder works")
    text = "# " + "x" * 100000 + "\n" + org % (ID, "a.b", "one")
    with tempfile.TemporaryFile("w+") as file:
        file.write(text)
        file.seek(0)
        run = subprocess.run([PROBE, "/dev/stdin"], stdin=file, capture_output=True, text=True)
    tap.contains(run.stdout, ID + " name: one", "a file is read to its end")
    run = subprocess.run([PROBE, "/dev/stdin"], input=text, capture_output=True, text=True)
    tap.equal(run.stdout, "error /dev/stdin: cannot be read: it is no regular file, but a pipe; name a file that holds a "
              "configuration\n", "X16 a pipe is not")
    run = subprocess.run([PROBE, "/dev/zero"], capture_output=True, text=True)
    tap.equal(run.stdout, "error /dev/zero: cannot be read: it is no regular file, but a device; name a file that holds a "
              "configuration\n", "X16 nor a file without end")


def forms(tap):
    """Ways of writing that YAML offers."""
    for name, text in (
            ("byte order mark", "\ufefforgs: {%s: {domains: [a.b]}}"),
            ("CRLF", "orgs:\r\n  %s:\r\n    domains:\r\n    - a.b\r\n"),
            ("block list", "orgs:\n  %s:\n    domains:\n      - a.b\n"),
            ("quoted keys", "\"orgs\": {'%s': {\"domains\": ['a.b']}}"),
            ("one document with markers", "--- # begin\norgs: {%s: {domains: [a.b]}}\n...\n"),
            ("a YAML directive", "%%YAML 1.1\n---\norgs: {%s: {domains: [a.b]}}\n")):
        _, orgs = load(tap, {"a.yaml": text % ID})
        tap.equal(orgs[ID]["domains"], "[a.b]", name)
    for text, wanted in (("0", "0"), ("0d", "0"), ("90s", "90"), ("30m", "1800"), ("12h", "43200"), ("3650d", "315360000")):
        _, orgs = load(tap, {"a.yaml": "orgs: {%s: {domains: [a.b], dkim: {max_age: %s}}}" % (ID, text)})
        tap.equal(orgs[ID]["dkim.max_age"], wanted, "duration " + text)
    for text, wanted in (("[]", "[]"), ("[1s]", "[1]"), ("[1h, 20h]", "[3600, 72000]"), ("[24h]", "[86400]"),
                         ("[1s, 2s, 3s, 4s, 5s, 6s, 7s, 8s]", "[1, 2, 3, 4, 5, 6, 7, 8]")):
        top, _ = load(tap, {"a.yaml": "deadline_warning: %s\norgs: {%s: {domains: [a.b]}}" % (text, ID)})
        tap.equal(top["deadline_warning"], wanted, "durations " + text)
    for text, wanted in (("yes", "yes"), ("true", "yes"), ("on", "yes"), ("no", "no"), ("false", "no"), ("off", "no")):
        _, orgs = load(tap, {"a.yaml": "orgs: {%s: {domains: [a.b], dmarc: {required: %s}}}" % (ID, text)})
        tap.equal(orgs[ID]["dmarc.required"], wanted, "boolean " + text)
    for text in ("0640", "640"):
        top, _ = load(tap, {"a.yaml": "socket_mode: %s\norgs: {%s: {domains: [a.b]}}" % (text, ID)})
        tap.equal(top["socket_mode"], "0640", "octal " + text)


with Tap(needs_root=False) as points:
    for group in (everything, inheritance, networks, includes, forms):
        points.case(group)
