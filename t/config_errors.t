#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What is wrong with a configuration is said in one run, at its place, with what to do; warnings likewise."""
import os
import re
import socket
import subprocess
import sys
import tempfile

SRC = os.environ.get("SRCDIR", ".")
PROBE = os.path.join(os.environ.get("BUILDDIR", "."), "t", "config_probe")
sys.path.insert(0, os.path.join(SRC, "t"))
from lab.tap import Tap  # noqa: E402

ID = "00D8d000003TRx3EAG"
OTHER = "00DgL00000Fp7YHUAZ"
THIRD = "00DA0000000Hu5aMAC"
GOOD = "orgs: {%s: {domains: [example.com]}}\n" % ID


def load(files, name="a.yaml"):
    """(loaded, ["error 1:2: text"]) of files given as {name: content}."""
    with tempfile.TemporaryDirectory() as folder:
        for path, content in files.items():
            path = os.path.join(folder, path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(content if isinstance(content, bytes) else content.encode())
            os.chmod(path, 0o600 if path.endswith("secret") else 0o644)
        run = subprocess.run([PROBE, os.path.join(folder, name)], capture_output=True, text=True)
        if run.returncode not in (0, 1) or run.stderr:
            raise RuntimeError("exit %d: %s" % (run.returncode, run.stderr))
        problems = [line.replace(folder + "/", "") for line in run.stdout.splitlines()
                    if re.match("(error|warning) ", line)]
        return run.returncode == 0, problems


def matches(problem, wanted):
    """wanted: "error a.yaml:1:2: part" - the place exactly, the rest as a part."""
    kind, place, part = re.fullmatch(r"(error|warning) (\S+:)(?: |$)(.*)", wanted).groups()
    return problem.startswith("%s %s " % (kind, place)) and part in problem


def check(tap, name, files, wanted):
    """Exactly the wanted problems, in that order; a text is a file of this name."""
    if isinstance(files, (str, bytes)):
        files = {"a.yaml": files}
    loaded, problems = load(files)
    good = len(problems) == len(wanted) and all(map(matches, problems, wanted))
    tap.ok(good, name, got="\n".join(problems), wanted="\n".join(wanted))
    tap.equal(loaded, not any(p.startswith("error") for p in wanted), name + ": loaded only without error")
    tap.ok("swordfish" not in "".join(problems), name + ": shows no password", got="\n".join(problems))
    for problem in problems:
        text = problem.split(": ", 1)[1]
        tap.ok(";" in text or "did you mean" in text, name + ": says what to do", got=problem)


def top(line, *wanted):
    """A case of one line at the top level, in front of a good organization."""
    return line + "\n" + GOOD, ["error a.yaml:" + want for want in wanted]


VALUES = [
    ("socket", top("socket: foo", "1:9: socket: \"foo\" is no socket")),
    ("quoted socket", top("socket: 'foo'", "1:9: socket: \"foo\" is no socket")),
    ("empty user", top('user: ""', "1:7: user: \"\" names no user")),
    ("choice", top("mode: enforcing", "1:7: mode: \"enforcing\" is not known here; write monitor, defer or enforce")),
    ("choice in other case", top("mode: Monitor", "1:7: mode: \"Monitor\" is not known")),
    ("unknown target", top("log: {target: journald}", "1:15: log.target: \"journald\" is not known here; write syslog")),
    ("mailer", top("local_mailers: [re lay]", "1:17: local_mailers: \"re lay\" is no mailer; write the name of a transport")),
    ("no mailer", top('local_mailers: [""]', "1:17: local_mailers: \"\" is no mailer")),
    ("boolean", top("headers: {authentication_results: maybe}", "1:35: headers.authentication_results: \"maybe\" is neither")),
    ("number", top("message_timeout: x", "1:18: message_timeout: \"x\" is no number from 1 to 240")),
    ("number too small", top("message_timeout: 0", "1:18: message_timeout: \"0\" is no number from 1 to 240")),
    ("number too large", top("message_timeout: 241", "1:18: message_timeout: \"241\" is no number")),
    ("huge number", top("message_timeout: 99999999999999999999999", "1:18: message_timeout: \"99999999999999999999999\"")),
    ("number with leading zero", top("message_timeout: 020", "1:18: message_timeout: \"020\"")),
    ("hexadecimal", top("message_timeout: 0x10", "1:18: message_timeout: \"0x10\"")),
    ("fraction", top("message_timeout: 1.5", "1:18: message_timeout: \"1.5\"")),
    ("negative number", top("message_timeout: -1", "1:18: message_timeout: \"-1\"")),
    ("octal", top("socket_mode: 0680", "1:14: socket_mode: \"0680\" is no file mode")),
    ("octal too large", top("socket_mode: 1777", "1:14: socket_mode: \"1777\" is no file mode")),
    ("octal prefix", top("socket_mode: 0o660", "1:14: socket_mode: \"0o660\" is no file mode")),
    ("duration without unit", top("defaults: {dkim: {max_age: 3600}}", "1:28: dkim.max_age: \"3600\" is no duration")),
    ("duration of two units", top("defaults: {dkim: {max_age: 1d12h}}", "1:28: dkim.max_age: \"1d12h\" is no duration")),
    ("duration too long", top("defaults: {dkim: {max_age: 3651d}}", "1:28: dkim.max_age: \"3651d\" is too long; write at most")),
    ("duration that overflows", top("defaults: {dkim: {max_age: 99999999999999999d}}", "1:28: dkim.max_age: ")),
    ("durations without brackets", top("deadline_warning: 1h", "1:19: deadline_warning: this must be a list; write it in "
                                       "brackets, as in [1h]")),
    ("no time in durations", top("deadline_warning: [0s]", "1:20: deadline_warning: \"0s\" is no time at all; write at "
                                 "least 1s")),
    ("zero in durations", top("deadline_warning: [0]", "1:20: deadline_warning: \"0\" is no duration; write a number and d, "
                              "h, m or s, as in 7d, 12h, 30m or 90s")),
    ("durations that fall", top("deadline_warning: [20h, 1h]", "1:25: deadline_warning: \"1h\" is not longer than the one "
                                "before it")),
    ("a duration twice", top("deadline_warning: [60m, 1h]", "1:25: deadline_warning: \"1h\" is not longer")),
    ("a duration beyond the last retry", top("deadline_warning: [25h]", "1:20: deadline_warning: \"25h\" is too long; write "
                                             "at most 1d")),
    ("too many durations", top("deadline_warning: [1s, 2s, 3s, 4s, 5s, 6s, 7s, 8s, 9s]", "1:52: deadline_warning: \"9s\" is "
                               "one too many; write at most 8")),
    ("scalar for list", top("exempt_clients: 192.0.2.1", "1:17: exempt_clients: this must be a list; write it in brackets, "
                            "as in [192.0.2.1]")),
    ("map for list", top("exempt_clients: {a: b}", "1:17: exempt_clients: this must be a list, not a map")),
    ("list for scalar", top("mode: [monitor]", "1:7: mode: this must be a single value, not a list")),
    ("map for scalar", top("mode: {a: b}", "1:7: mode: this must be a single value, not a map")),
    ("list in list", top("exempt_clients: [[192.0.2.1]]", "1:18: exempt_clients: this must be a single value, not a list")),
    ("nothing for scalar", top("mode:", "1:6: mode: there is no value")),
    ("nothing for list", top("exempt_clients:", "1:16: exempt_clients: there is no value; write []")),
    ("nothing for map", top("defaults:", "1:10: defaults: there is no value; write its keys below it")),
    ("nothing for section", top("log:", "1:5: log: there is no value")),
    ("scalar for section", top("log: stderr", "1:6: log: this must be a map")),
    ("empty list of choices", top("defaults: {dkim: {algorithms: []}}", "1:31: dkim.algorithms: the list is empty")),
    ("forbidden algorithm", top("defaults: {dkim: {algorithms: [rsa-sha1]}}", "1:32: dkim.algorithms: \"rsa-sha1\" is not "
                                "supported; leave it out")),
    ("weak RSA", top("defaults: {dkim: {min_rsa_bits: 768}}", "1:33: dkim.min_rsa_bits: \"768\" is no number from 1024")),
    ("line break in text", top('reply_contact: "a\\nb"', "1:16: reply_contact: \"a\\x0ab\" holds a line break")),
    ("NUL in text", top('reply_contact: "a\\0b"', "1:16: reply_contact: \"a\\x00b\" holds a line break or another control")),
    ("network with host bits", top("exempt_clients: [10.1.2.3/24]", "1:18: exempt_clients: \"10.1.2.3/24\" has bits set beyond "
                                   "its prefix; write 10.1.2.0/24 for the network, or 10.1.2.3 for the one host")),
    ("IPv6 network with host bits", top('exempt_clients: ["2001:db8::1/64"]', "1:18: exempt_clients: \"2001:db8::1/64\" has bits "
                                        "set beyond its prefix; write 2001:db8::/64 for the network, or 2001:db8::1 for")),
    ("all of IPv4", top("exempt_clients: [0.0.0.0/0]", "1:18: exempt_clients: \"0.0.0.0/0\" holds every address")),
    ("all of IPv6", top('exempt_clients: ["::/0"]', "1:18: exempt_clients: \"::/0\" holds every address")),
    ("all of IPv4, mapped", top('exempt_clients: ["::ffff:0.0.0.0/96"]', "1:18: exempt_clients: \"::ffff:0.0.0.0/96\" holds every")),
    ("prefix too long", top("exempt_clients: [10.0.0.0/33]", "1:18: exempt_clients: \"10.0.0.0/33\" has no valid prefix length")),
    ("range", top("exempt_clients: [10.0.0.1-10.0.0.9]", "1:18: exempt_clients: \"10.0.0.1-10.0.0.9\" is a range")),
    ("host name for network", top("exempt_clients: [mx.example.com]", "1:18: exempt_clients: \"mx.example.com\" is no network")),
    ("all addresses of an org", top("defaults: {ip: {networks: [0.0.0.0/0]}}", "1:28: ip.networks: \"0.0.0.0/0\" holds every")),
    ("U-label", top("defaults: {domains: [exämple.com, ok.com, ünï.com]}", "1:22: domains: \"exämple.com\" holds characters outside "
                    "ASCII, perhaps some that cannot be seen; retype it, or write its A-label form", "1:43: domains: \"ünï.com\"")),
    ("wildcard amid", top('defaults: {cert: {names: ["mail.*.example.com"]}}', "1:27: cert.names: \"mail.*.example.com\" has a "
                          "wildcard")),
    ("result header", top("headers: {result_header: Subject}", "1:26: headers.result_header: \"Subject\" is a field")),
    ("unreadable file", top("dns: {local_data: nosuch}", "1:19: dns.local_data: \"nosuch\" cannot be read: No such file")),
    ("unreadable networks", top("defaults: {ip: {networks_file: nosuch}}", "1:32: ip.networks_file: \"nosuch\" cannot be read")),
]

KEYS = [
    ("unknown key", top("sockte: x", "1:1: unknown key \"sockte\"; did you mean socket?")),
    ("letters that changed places in a short key", top("defaults: {ip: {psf: []}}", "1:17: unknown key \"psf\"; did you mean spf?")),
    ("unknown key that is like none", top("color: x", "1:1: unknown key \"color\"; remove it")),
    ("hyphen for underscore", top("socket-mode: x", "1:1: unknown key \"socket-mode\"; did you mean socket_mode?")),
    ("key in a section", top("log: {levle: info}", "1:7: unknown key \"levle\"; did you mean level?")),
    ("key unlike any in a section", top("log: {color: x}", "1:7: unknown key \"color\"; the keys of log are target, facility, "
                                        "format and level")),
    ("org's option at the top", top("domains: [a.b]", "1:1: \"domains\" has no place here; it is an option of organizations")),
    ("org's section at the top", top("tls: {}", "1:1: \"tls\" has no place here; it is an option of organizations")),
    ("key of a section at the top", top("level: debug", "1:1: \"level\" has no place here; put it below log")),
    ("key of several sections", top("defaults: {required: no}", "1:12: \"required\" has no place here; put it below cert, dkim, "
                                    "auth or dmarc")),
    ("top option in an org", top("defaults: {socket: x}", "1:12: \"socket\" has no place here; put it at the top level")),
    ("option one level too deep", top("log: {mode: monitor}", "1:7: \"mode\" is no key of log; move it one level up")),
    ("dotted key", top('defaults: {tls.min_version: "1.2"}', "1:12: unknown key \"tls.min_version\"; write it as tls: "
                       "{min_version: ...}")),
    ("key twice", top("mode: monitor\nmode: enforce", "2:1: the key \"mode\" is given twice, first at a.yaml:1:1; remove one")),
    ("key of a section twice", top("log: {level: info, level: debug}", "1:20: the key \"level\" is given twice, first at "
                                   "a.yaml:1:7")),
    ("section twice", top("log: {level: info}\nlog: {format: json}", "2:1: the key \"log\" is given twice")),
    ("key twice among many", top("\n".join("k%d: x" % i for i in range(9)) + "\nk3: x", *(
        ["%d:1: unknown key" % (i + 1) for i in range(9)] + ["10:1: the key \"k3\" is given twice, first at a.yaml:4:1"]))),
    ("list as key", top("[a, b]: x", "1:1: a key must be a word, not a list")),
    ("map as key", top("{a: b}: x", "1:1: a key must be a word, not a map")),
    ("merge key", top("defaults: {<<: {mode: monitor}}", "1:12: unknown key \"<<\"")),
    ("control character in a key", top('"mo\\0de": x', "1:1: unknown key \"mo\\x00de\"")),
    ("long key", top("x" * 500 + ": y", "1:1: unknown key \"xxx")),
]

YAML = [
    ("alias", top("mode: *x", "1:7: the alias *x is not supported")),
    ("anchor", top("mode: &x monitor", "1:7: the anchor &x is not supported")),
    ("anchor of a map", top("log: &x {level: info}", "1:6: the anchor &x is not supported")),
    ("tag", top("mode: !!str monitor", "1:7: the tag tag:yaml.org,2002:str is not supported")),
    ("all in one run", top("mode: *x\nlog: &y {level: !z info}", "1:7: the alias", "2:6: the anchor", "2:17: the tag")),
    ("deep nesting", top("include: " + "[" * 20 + "]" * 20, "1:11: include: this must be a single value",
                         "1:21: nothing in a configuration is nested that deep")),
    ("unquoted wildcard", top("exempt_clients: [*.example.com]", "1:18: a value that begins with * must be quoted; write "
                              "\"*.example.com\"")),
    ("unquoted wildcards below an org", ("orgs:\n  %s:\n    domains:\n      - example.com\n      - *.example.com\n    cert: {names: "
                                         "[*.b.c]}\n" % ID, ["error a.yaml:5:9: a value that begins with * must be quoted; write "
                                                             "\"*.example.com\""])),
    ("unquoted star alone", top("exempt_clients: *", "1:17: a value that begins with * must be quoted; write \"*\"")),
    ("unquoted star and domain", top("exempt_clients: [a.b, *example.com]", "1:23: a value that begins with * must be quoted; "
                                     "write \"*example.com\"")),
    ("second document", (GOOD + "---\n" + GOOD, ["error a.yaml:2:1: a second document begins here"])),
    ("tab", top("log:\n\tlevel: info", "2:1: this is no YAML: found character that cannot start any token while scanning for "
                "the next token; indent with spaces")),
    ("bare %", top("reply_contact: %x", "1:16: this is no YAML: ")),
    ("open quote", top("mode: 'x", "3:1: this is no YAML: ")),
    ("open bracket", top("exempt_clients: [a", "2:5: this is no YAML: ")),
    ("nothing else after a syntax error", top("mode: x\nlog: [", "4:1: this is no YAML: ")),
    ("NUL", (b"mode: mon\0itor\n" + GOOD.encode(), ["error a.yaml:1:10: this is no text: control characters"])),
    ("not UTF-8", (b"# caf\xe9\n" + GOOD.encode(), ["error a.yaml:1:7: this is no text: invalid trailing UTF-8 octet"])),
    ("UTF-16", (GOOD.encode("utf-16"), ["error a.yaml:1:1: this is no text: "])),
    ("empty", ("", ["error a.yaml: the configuration is empty"])),
    ("comments only", ("# nothing\n", ["error a.yaml: the configuration is empty"])),
    ("a list", ("- a\n", ["error a.yaml:1:1: a configuration is a map"])),
    ("a word", ("monitor\n", ["error a.yaml:1:1: a configuration is a map"])),
]

SENTENCES = [
    ("plain", top("monitor_floor: tls and foo", "1:24: monitor_floor: unknown check \"foo\"")),
    ("single quotes", top("monitor_floor: 'tls and foo'", "1:25: monitor_floor: ")),
    ("double quotes", top('monitor_floor:   "tls and foo"', "1:27: monitor_floor: ")),
    ("escape before it: the beginning", top('monitor_floor: "tls \\x61nd foo"', "1:16: monitor_floor: ")),
    ("escape behind it", top('monitor_floor: "tls and foo \\x61nd"', "1:25: monitor_floor: ")),
    ("plain over two lines", top("monitor_floor: tls and\n  from and   foo", "2:14: monitor_floor: ")),
    ("quoted over two lines", top('monitor_floor: "tls and\n\n  from and foo"', "3:12: monitor_floor: ")),
    ("folded", top("monitor_floor: >-  # why\n   tls\n     and\n   foo", "4:4: monitor_floor: ")),
    ("literal", top("monitor_floor: |\n   tls\n   and foo", "3:8: monitor_floor: ")),
    ("behind accents", top("reply_contact: ''\ndefaults: {name: \"é\", warn_unless: tls and foo}",
                           "2:18: name: \"é\" holds something else", "2:44: warn_unless: ")),
    ("behind CRLF", ("mode: monitor\r\nmonitor_floor: tls and\r\n  foo\r\n" + GOOD, ["error a.yaml:3:3: monitor_floor: "])),
    ("behind a byte order mark", ("\ufeffmonitor_floor: foo\n" + GOOD, ["error a.yaml:1:16: monitor_floor: "])),
    ("its end", top("monitor_floor: tls and   # more", "1:23: monitor_floor: the sentence ends where a check is expected")),
    ("parenthesis", top("monitor_floor: (tls and from", "1:29: monitor_floor: ")),
    ("in a flow map", top('defaults: {reject_unless: "tls or nto"}', "1:35: reject_unless: ")),
    ("not", top("monitor_floor: not tls", "1:16: monitor_floor: there is no \"not\"")),
]

CHECKSUM = "00D8d000003TRx3EAH"
ORGS = [
    ("none", ("mode: monitor\n", ["error a.yaml: no organization is served"])),
    ("an empty map", ("orgs: {}\n", ["error a.yaml:1:7: no organization is served"])),
    ("no value", ("orgs:\n", ["error a.yaml:1:6: orgs: there is no value"])),
    ("a list", ("orgs: [%s]\n" % ID, ["error a.yaml:1:7: orgs: this must be a map, not a list; write each organization's ID "
                                       "without a hyphen or brackets"])),
    ("a list of maps", ("orgs:\n  - %s:\n      domains: [a.b]\n      mode: x\n" % ID, ["error a.yaml:2:3: orgs: this must be a map, "
                                                                                     "not a list; write each"])),
    ("a list with the ID as a value", ("orgs:\n- id: %s\n  domains: [a.b]\n" % ID, ["error a.yaml:2:1: orgs: this must be a map, not"])),
    ("wrong checksum", ("orgs: {%s: {}}\n" % CHECKSUM, ["error a.yaml:1:8: \"%s\" is not an organization ID: its last three "
                        "characters do not fit the case of the first 15; write %s if these" % (CHECKSUM, ID)])),
    ("wrong length", ("orgs: {00D8d: {}}\n", ["error a.yaml:1:8: \"00D8d\" is not an organization ID: it has neither 15"])),
    ("wrong prefix", ("orgs: {00d8d000003TRx3: {}}\n", ["error a.yaml:1:8: \"00d8d000003TRx3\" is not an organization ID: it "
                      "does not begin with 00D"])),
    ("option for ID", ("orgs:\n  domains: [a.b]\n", ["error a.yaml:2:3: \"domains\" stands where an organization ID is expected"])),
    ("options beside the ID", ("orgs:\n  %s:\n  name: p\n  domains: [a.b]\n  ip:\n    networks: [10.0.0.0/24]\n  mode: x\n" % ID, [
        "error a.yaml:3:3: \"name\" stands where an organization ID is expected; put it below the ID, indented",
        "error a.yaml:4:3: \"domains\" stands where", "error a.yaml:5:3: \"ip\" stands where",
        "error a.yaml:7:3: \"mode\" stands where", "error a.yaml:7:9: mode: \"x\" is not known here"])),
    ("an ID beside orgs", ("orgs:\n%s:\n  domains: [a.b]\n" % ID, ["error a.yaml:2:1: the organization ID \"%s\" stands outside "
                                                                "orgs; put it below orgs, indented" % ID])),
    ("an ID at the top", ("%s:\n  domains: [a.b]\n" % ID, ["error a.yaml:1:1: the organization ID \"%s\" stands outside orgs" % ID])),
    ("no map below the ID", ("orgs: {%s: x}\n" % ID, ["error a.yaml:1:28: \"%s\": what belongs to an organization is a map" % ID])),
    ("nothing below the ID", ("orgs:\n  %s:\n" % ID, ["error a.yaml:2:22: \"%s\": what belongs" % ID])),
    ("twice", ("orgs:\n  %s: {domains: [a.b]}\n  %s: {}\n" % (ID, ID), ["error a.yaml:3:3: the organization %s is given twice, first at "
                                                         "a.yaml:2:3; merge the two" % ID])),
    ("twice, in either length", ("orgs:\n  %s: {domains: [a.b]}\n  %s: {}\n" % (ID[:15], ID), ["error a.yaml:3:3: the organization %s is given "
                                                                                "twice" % ID])),
    ("what stands below a wrong ID is read", ("orgs: {%s: {mode: x}}\n" % CHECKSUM, ["error a.yaml:1:8: ", "error a.yaml:1:35: "
                                              "mode: \"x\""])),
    ("no domains, enforcing", ("mode: enforce\norgs: {%s: {name: p}}\n" % ID, [
        "error a.yaml:2:8: %s (p): enforces, but domains is empty, while its sentences ask for from and envelope" % ID])),
    ("no domains beside other mistakes", ("mode: enforce\norgs:\n  %s:\n    domains: []\n    reject_unless: dkmi\n" % CHECKSUM, [
        "error a.yaml:3:3: ", "error a.yaml:4:14: domains: is empty in an organization that enforces",
        "error a.yaml:5:20: reject_unless: unknown check"])),
    ("no domains, and none asked for", ("mode: enforce\norgs:\n  %s:\n    domains: []\n    reject_unless: auth\n"
                                        "    auth: {users: [x]}\n" % ID, [
        "error a.yaml:4:14: domains: is empty in an organization that enforces",
        "warning a.yaml:5:20: "])),
    ("no more is said of an org with an error", ("mode: enforce\norgs: {%s: {domains: [a b]}}\n" % ID, [
        "error a.yaml:2:39: domains: \"a b\" is no domain"])),
    ("nor of those that inherit one", ("mode: enforce\ndefaults: {domains: [a b]}\norgs: {%s: {}, %s: {}}\n" % (ID, OTHER), [
        "error a.yaml:2:22: domains: \"a b\" is no domain"])),
    ("no domains, enforcing by warn_unless", ("mode: enforce\norgs:\n  %s:\n    domains: []\n    reject_unless: auth and dkim\n"
                                              "    auth: {users: [x]}\n    warn_unless: from\n" % ID, [
        "error a.yaml:4:14: %s: enforces, but domains is empty, while its sentences ask for from" % ID,
        "warning a.yaml:5:20: %s: mail is accepted on dkim and auth alone: without from" % ID])),
]

ROOT = "include: [%s]\n"
INCLUDES = [
    ("missing file", ({"a.yaml": ROOT % "b.yaml" + GOOD}, ["error a.yaml:1:11: include: \"b.yaml\" cannot be read: No such file"])),
    ("glob without match", ({"a.yaml": ROOT % "d/*.yaml" + GOOD}, ["warning a.yaml:1:11: include: no file matches"])),
    ("glob without match and no org", ({"a.yaml": ROOT % "d/*.yaml"}, ["error a.yaml: no organization is served",
                                                                       "warning a.yaml:1:11: include: no file matches"])),
    ("other keys in it", ({"a.yaml": ROOT % "b.yaml" + GOOD, "b.yaml": "mode: monitor\norgs: {}\ninclude: []\n"}, [
        "error b.yaml:1:1: \"mode\" has no place in an included file, which holds orgs only; move it to a.yaml",
        "error b.yaml:3:1: \"include\" has no place in an included file"])),
    ("an ID beside orgs in it", ({"a.yaml": ROOT % "b.yaml" + GOOD, "b.yaml": "%s: {}\n" % OTHER}, [
        "error b.yaml:1:1: the organization ID \"%s\" stands outside orgs" % OTHER])),
    ("the same org in it", ({"a.yaml": ROOT % "d/*" + GOOD, "d/b": GOOD, "d/c": "\n" + GOOD.replace(ID, ID[:15])}, [
        "error d/b:1:8: the organization %s is given twice, first at a.yaml:2:8" % ID,
        "error d/c:2:8: the organization %s is given twice, first at a.yaml:2:8" % ID])),
    ("no YAML", ({"a.yaml": "mode: x\n" + ROOT % '"*.yml"', "b.yml": "[", "c.yml": "orgs: {x: {}}\n"}, [
        "error a.yaml:1:7: mode:", "error b.yml:2:1: this is no YAML", "error c.yml:1:8: \"x\" is not"])),
    ("a list", ({"a.yaml": ROOT % "b" + GOOD, "b": "- a\n"}, ["error b:1:1: an included file must be a map"])),
    ("empty", ({"a.yaml": ROOT % "b" + GOOD, "b": "# no org\n"}, ["warning b: the file is empty"])),
    ("orgs twice", ({"a.yaml": ROOT % "b" + GOOD, "b": "orgs: {}\norgs: {}\n"}, ["error b:2:1: the key \"orgs\" is given twice, "
                                                                                 "first at b:1:1"])),
    ("itself", ({"a.yaml": ROOT % '"*.yaml"' + GOOD}, ["error a.yaml:1:11: include: \"a.yaml\" is the configuration itself"])),
    ("a folder", ({"a.yaml": ROOT % "d" + GOOD, "d/x": ""}, ["error a.yaml:1:11: include: \"d\" cannot be read: Is a directory"])),
    ("empty name", ({"a.yaml": ROOT % '""' + GOOD}, ["error a.yaml:1:11: include: \"\" is empty"])),
    ("networks_file", ({"a.yaml": "defaults: {ip: {networks_file: nets}}\n" + GOOD,
                        "nets": "# ours\n10.0.0.0/24  # a\n\n  10.1.2.3/24\n10.0.0.0/8 10.0.0.0/9\n0.0.0.0/0\r\nfoo"}, [
        "error nets:4:3: ip.networks_file: \"10.1.2.3/24\" has bits set", "error nets:5:1: ip.networks_file: \"10.0.0.0/8 10.0.0.0/9\"",
        "error nets:6:1: ip.networks_file: \"0.0.0.0/0\" holds every", "error nets:7:1: ip.networks_file: \"foo\" is no network"])),
    ("a folder as networks_file", ({"a.yaml": "defaults: {ip: {networks_file: d}}\n" + GOOD, "d/x": ""}, [
        "error a.yaml:1:32: ip.networks_file: \"d\" cannot be read: Is a directory"])),
    ("a folder as local_data", ({"a.yaml": "dns: {local_data: d}\n" + GOOD, "d/x": ""}, [
        "error a.yaml:1:19: dns.local_data: \"d\" cannot be read: Is a directory"])),
    ("a networks_file named twice", ({"a.yaml": "defaults: {ip: {networks_file: n}}\norgs: {%s: {domains: [a.b], "
                                                "ip: {networks_file: n}}}\n" % ID, "n": "x"}, [
        "error n:1:1: ip.networks_file: \"x\" is no network"])),
    ("empty networks_file", ({"a.yaml": "defaults: {ip: {networks_file: nets}}\n" + GOOD, "nets": "# none\n"}, [
        "warning nets: ip.networks_file: the file holds no network"])),
]

REPLAY = "domains: [a.b], reject_unless: org and from and dkim"
SAFE = "domains: [a.b], reject_unless: org and from and dkim and cert"
LIMITS = [
    ("no limit", top("defaults: {limit: {messages: many}}", "1:30: limit.messages: \"many\" is no limit; write a number, a slash")),
    ("a limit without time", top("defaults: {limit: {messages: 2000}}", "1:30: limit.messages: \"2000\" is no limit")),
    ("a limit without unit", top("defaults: {limit: {messages: 2000/60}}", "1:30: limit.messages: \"2000/60\" is no limit")),
    ("a limit without number", top("defaults: {limit: {recipients: /1h}}", "1:32: limit.recipients: \"/1h\" is no limit")),
    ("a limit of nothing", top("defaults: {limit: {messages: 0/1h}}", "1:30: limit.messages: \"0/1h\" allows too few")),
    ("a limit of too much", top("defaults: {limit: {messages: 1000000001/1h}}", "1:30: limit.messages: \"1000000001/1h\" allows too many")),
    ("a limit that overflows", top("defaults: {limit: {messages: 99999999999999999999999/1h}}", "1:30: limit.messages: ")),
    ("a time of nothing", top("defaults: {limit: {per_user: 5/0h}}", "1:30: limit.per_user: \"5/0h\" counts over too short")),
    ("a time too long", top("defaults: {limit: {per_user: 5/8d}}", "1:30: limit.per_user: \"5/8d\" counts over too long")),
    ("a time that overflows", top("defaults: {limit: {per_user: 5/9999999999999999d}}", "1:30: limit.per_user: ")),
    ("no store", top("limits: {store: swordfish}", "1:17: limits.store: what is written here is no store; write redis://HOST")),
    ("a store of another kind", top('limits: {store: "memcached://:swordfish@h"}', "1:17: limits.store: what is written here is no store")),
    ("a store without host", top('limits: {store: "redis://:swordfish@"}', "1:17: limits.store: what is written here names no host")),
    ("a store with a password alone", top('limits: {store: "redis://swordfish@h"}', "1:17: limits.store: what is written here names a user")),
    ("a store with no port", top('limits: {store: "redis://:swordfish@h:0"}', "1:17: limits.store: what is written here has no port")),
    ("a store with no database", top('limits: {store: "redis://:swordfish@h/x"}', "1:17: limits.store: what is written here has no data")),
    ("a store with a bad escape", top('limits: {store: "redis://:sword%fish@h"}', "1:17: limits.store: what is written here has a user")),
    ("a store with a line break", top('limits: {store: "redis://:swordfish@h\\n"}', "1:17: limits.store: what is written here holds a line")),
    ("a socket without path", top('limits: {store: "unix:swordfish"}', "1:17: limits.store: what is written here names no socket")),
    ("an unknown way", top("limits: {when_away: accept}", "1:21: limits.when_away: \"accept\" is not known here; write local, pass or defer")),
    ("a password in the configuration", ('limits: {store: "redis://:swordfish@h"}\n' + GOOD, [
        "warning a.yaml:1:17: limits.store: holds a password, which is better kept"])),
    ("a store file", ({"a.yaml": "limits: {store_file: secret}\n" + GOOD, "secret": "redis://:swordfish@h\n"}, [])),
    ("both", ({"a.yaml": 'limits: {store_file: secret, store: "redis://h"}\n' + GOOD, "secret": "redis://:swordfish@h\n"}, [
        "error a.yaml:1:22: limits.store_file: limits.store is set too; remove one"])),
    ("a store file that others can read", ({"a.yaml": "limits: {store_file: open}\n" + GOOD, "open": "redis://:swordfish@h\n"}, [
        "error a.yaml:1:22: limits.store_file: \"open\" cannot be used: its mode 0644 lets others read or write it; make that 0640"])),
    ("a store file that is not there", top("limits: {store_file: nosuch}", "1:22: limits.store_file: \"nosuch\" cannot be read: No such")),
    ("a store file that is empty", ({"a.yaml": "limits: {store_file: secret}\n" + GOOD, "secret": "\n"}, [
        "error a.yaml:1:22: limits.store_file: what \"secret\" holds is empty; write one line"])),
    ("a store file of nonsense", ({"a.yaml": "limits: {store_file: secret}\n" + GOOD, "secret": "swordfish\n"}, [
        "error a.yaml:1:22: limits.store_file: what \"secret\" holds is no store"])),
    ("a store file of two lines", ({"a.yaml": "limits: {store_file: secret}\n" + GOOD, "secret": "redis://h\nswordfish\n"}, [
        "error a.yaml:1:22: limits.store_file: what \"secret\" holds holds a line break"])),
    ("a store file for one without limits", (GOOD, [])),
    ("six hours", ("orgs: {%s: {%s, limit: {messages: 9/6h}}}\n" % (ID, SAFE), [])),
    ("more than six hours", ("orgs: {%s: {%s, limit: {messages: 9/361m}}}\n" % (ID, SAFE), [
        "warning a.yaml:1:110: %s: limit.messages counts over more than 6h" % ID])),
    ("more than six hours for two", ("defaults: {%s, limit: {per_user: 9/1d}}\norgs: {%s: {domains: [c.d]}, %s: {}}\n" % (SAFE, ID, OTHER), [
        "warning a.yaml:1:93: 2 organizations (first %s): limit.per_user counts over more" % ID])),
    ("replay", ("orgs: {%s: {%s, limit: {messages: 9/1h}}}\n" % (ID, REPLAY), [
        "warning a.yaml:1:60: %s: mail is accepted by dkim alone, and is limited" % ID])),
    ("no replay past what defers", ("orgs: {%s: {%s, limit: {messages: 9/1h}, defer_unless: limit and auth, auth: {users: [x]}}}\n"
                                    % (ID, REPLAY), [])),
    ("replay past what defers by limit", ("orgs: {%s: {%s, limit: {messages: 9/1h}, defer_unless: limit and dkim}}\n" % (ID, REPLAY), [
        "warning a.yaml:1:60: %s: mail is accepted by dkim alone, and is limited" % ID])),
    ("replay without limits", ("orgs: {%s: {%s}}\n" % (ID, REPLAY), [])),
    ("no replay", ("orgs: {%s: {%s, limit: {messages: 9/1h}}}\n" % (ID, SAFE), [])),
    ("a certificate that is not required", ("orgs: {%s: {%s, cert: {required: no}, limit: {messages: 9/1h}}}\n" % (ID, SAFE), [
        "warning a.yaml:1:60: %s: mail is accepted by dkim alone" % ID])),
    ("limit in reject_unless", ("orgs: {%s: {%s and limit, limit: {messages: 9/1h}}}\n" % (ID, SAFE), [
        "warning a.yaml:1:60: %s: limit stands in reject_unless, where it refuses for good" % ID])),
    ("limit in quarantine_unless", ("orgs: {%s: {%s, quarantine_unless: limit}}\n" % (ID, SAFE), [
        "warning a.yaml:1:60: %s: limit stands in quarantine_unless, where it holds" % ID])),
    ("limit in warn_unless", ("orgs: {%s: {%s, warn_unless: limit}}\n" % (ID, SAFE), [
        "warning a.yaml:1:60: %s: limit stands in warn_unless, where it notes" % ID])),
    ("limit in the floor", ("monitor_floor: auth and limit\norgs: {%s: {%s and auth, auth: {users: [x]}}}\n" % (ID, SAFE), [
        "warning a.yaml:2:60: %s: reject_unless does not imply monitor_floor" % ID,
        "warning a.yaml:2:60: %s: limit stands in monitor_floor, where it refuses in monitor mode" % ID])),
    ("a limit that no sentence asks for", ("orgs: {%s: {%s, defer_unless: dkim, limit: {messages: 9/1h}}}\n" % (ID, SAFE), [
        "warning a.yaml:1:130: %s: a limit is set, but no sentence asks for limit" % ID])),
]

FORGED = "reject_unless: tls and ip"
WARNINGS = [
    ("a way out among the local mailers", ("local_mailers: [relay, inner, smtp, esmtp]\n" + GOOD, [
        "warning a.yaml:1:16: local_mailers: smtp is how mail leaves", "warning a.yaml:1:16: local_mailers: esmtp is how"])),
    ("wide networks", ("exempt_clients: [10.0.0.0/23, 10.0.0.0/24, 2001:db8::/47, 2001:db8::/48]\n" + GOOD, [
        "warning a.yaml:1:18: exempt_clients: \"10.0.0.0/23\" is wide", "warning a.yaml:1:44: exempt_clients: \"2001:db8::/47\""])),
    ("root", ("user: root\n" + GOOD, ["warning a.yaml:1:7: user: the daemon keeps running as root"])),
    ("warnings beside errors", ("user: root\nmode: x\n" + GOOD, ["warning a.yaml:1:7: user:", "error a.yaml:2:7: mode:"])),
    ("weak", ("orgs: {%s: {name: p, domains: [a.b], %s}}\n" % (ID, FORGED), [
        "warning a.yaml:1:69: %s (p): mail is accepted on tls and ip alone: every Salesforce customer shares these addresses; "
        "prove the customer with from and one of" % ID])),
    ("weak by default", ("defaults: {%s}\norgs: {%s: {}, %s: {}}\n" % (FORGED, ID, OTHER), [
        "warning a.yaml:1:27: 2 organizations (first %s): mail is accepted on tls and ip alone" % ID])),
    ("weak alike at several places", ("orgs:\n  %s: {%s}\n  %s: {reject_unless: (tls and ip)}\n" % (ID, FORGED, OTHER), [
        "warning a.yaml:2:39: 2 organizations (first %s): mail is accepted on tls and ip" % ID])),
    ("weak in two ways", ("orgs: {%s: {reject_unless: tls or ip}}\n" % ID, [
        "warning a.yaml:1:44: %s: mail is accepted on tls alone:" % ID, "warning a.yaml:1:44: %s: mail is accepted on ip alone:" % ID])),
    ("nothing asked for", ("orgs: {%s: {reject_unless: \"\"}}\n" % ID, [
        "warning a.yaml:1:44: %s: mail is accepted though no check passes" % ID])),
    ("nothing asked for, enforcing", ("mode: enforce\norgs: {%s: {reject_unless: \"\"}}\n" % ID, [
        "warning a.yaml:2:44: %s: enforces, but reject_unless always holds" % ID])),
    ("nothing asked for, but what defers", ("mode: enforce\norgs: {%s: {domains: [a.b], reject_unless: \"\", "
                                            "defer_unless: from and auth, auth: {users: [x]}}}\n" % ID, [])),
    ("weak together", ("orgs: {%s: {domains: [a.b], reject_unless: from, defer_unless: cert}}\n" % ID, [
        "warning a.yaml:1:60: %s: mail is accepted on cert and from alone: every Salesforce customer" % ID])),
    ("strong together, where one is not", (
        "defaults: {auth: {users: [x]}, domains: [a.b], reject_unless: from}\norgs: {%s: {defer_unless: auth}, %s: {}}\n" % (ID, OTHER), [
            "warning a.yaml:1:41: \"a.b\" is listed by", "warning a.yaml:1:63: %s: mail is accepted on from alone" % OTHER])),
    ("what defers without end", ("orgs: {%s: {domains: [a.b], reject_unless: from and dkim, defer_unless: auth, quarantine_unless: ip, "
                                 "ip: {spf: []}}}\n" % ID, [
        "warning a.yaml:1:60: %s: defer_unless can never hold and all mail is deferred until it is lost, since lists are empty: "
        "auth.users;" % ID,
        "warning a.yaml:1:60: %s: quarantine_unless can never hold and all mail is held, since lists are empty: "
        "ip.networks and ip.spf;" % ID])),
    ("what may be skipped", ("orgs: {%s: {domains: [a.b], reject_unless: from and dkim, dkim: {required: no}}}\n" % ID, [
        "warning a.yaml:1:60: %s: mail is accepted on from alone: anyone can write" % ID])),
    ("empty lists of every kind", ("defaults: {domains: [a.b], cert: {names: []}, ip: {spf: []}}\n"
                                   "orgs: {%s: {reject_unless: from and cert and ip and auth}}\n" % ID, [
        "warning a.yaml:2:44: %s: reject_unless can never hold, since lists are empty: cert.names, ip.networks and ip.spf, "
        "auth.users;" % ID])),
    ("an empty list of bounce domains", ("defaults: {envelope: {bounce_domains: [], null_sender: no}}\n"
                                         "orgs: {%s: {reject_unless: auth and envelope, auth: {users: [x]}}}\n" % ID, [
        "warning a.yaml:2:44: %s: reject_unless can never hold, since lists are empty: envelope.bounce_domains" % ID])),
    ("W03 what a sender can leave undecided", ("undecided: accept\norgs: {%s: {domains: [a.b], reject_unless: from and dkim}}\n" % ID, [
        "warning a.yaml:2:60: %s: mail is accepted on from alone: anyone can write these header fields, and undecided: accept "
        "makes no evidence of dkim; prove the customer" % ID])),
    ("W03 nothing but what can be left so", ("undecided: accept\norgs: {%s: {domains: [a.b], reject_unless: ip or dkim}}\n" % ID, [
        "warning a.yaml:2:60: %s: mail is accepted though no check passes, and undecided: accept makes no evidence of dkim and "
        "ip;" % ID])),
    ("W03 ip by networks alone", ("undecided: accept\norgs: {%s: {domains: [a.b], reject_unless: tls and org and ip and from, "
                                  "ip: {networks: [192.0.2.0/24], spf: []}}}\n" % ID, [])),
    ("W03 undecided: quarantine is no accept", ("undecided: quarantine\norgs: {%s: {domains: [a.b], reject_unless: from and dkim}}\n"
                                                % ID, [])),
    ("X16 a floor that anyone passes", ("monitor_floor: tls and (cert or from)\n"
                                        "orgs: {%s: {domains: [a.b], reject_unless: tls and from and org and cert}}\n" % ID, [
        "warning a.yaml:1:16: monitor_floor: in monitor mode mail is accepted on tls and from alone, which is none of auth, dkim, "
        "cert and ip, so that anyone passes; ask for one of these"])),
    ("X16 a floor that a policy does not imply", ("monitor_floor: cert\ndefaults: {domains: [a.b], reject_unless: from and dkim}\n"
                                                  "orgs: {%s: {}, %s: {reject_unless: from and cert and org}, %s: {}}\n"
                                                  % (ID, OTHER, THIRD), [
        "warning a.yaml:2:21: \"a.b\" is listed by",
        "warning a.yaml:2:43: 2 organizations (first %s): reject_unless does not imply monitor_floor, which holds in monitor mode "
        "only: enforced, mail is accepted on from and dkim; put what the floor asks for" % ID])),
    ("X16 a floor that is implied", ("monitor_floor: dkim or cert\norgs: {%s: {domains: [a.b], reject_unless: from and dkim}}\n" % ID,
                                     [])),
    ("X16 no floor", ("monitor_floor: \"\"\n" + GOOD, [])),
    ("many weak sets", ("orgs: {%s: {reject_unless: \"2 of (tls, spf, message, org, envelope, ip)\"}}\n" % ID, [
        "warning a.yaml:1:44: %s: mail is accepted on " % ID] * 10 + [
        "warning a.yaml:1:44: %s: mail is accepted on 5 more combinations" % ID])),
    ("a sentence that cannot hold", ("orgs: {%s: {domains: [a.b], reject_unless: from and auth}}\n" % ID, [
        "warning a.yaml:1:60: %s: reject_unless can never hold, since lists are empty: auth.users" % ID])),
    ("no domains while watching", ("orgs: {%s: {}, %s: {}}\n" % (ID, OTHER), [
        "warning a.yaml:1:8: 2 organizations (first %s): reject_unless can never hold, since lists are empty: domains;" % ID])),
    ("a shared domain", ("orgs:\n  %s: {name: p, domains: [a.b, c.d]}\n  %s: {domains: [c.d]}\n" % (ID, OTHER), [
        "warning a.yaml:3:33: \"c.d\" is listed by %s (p) (at a.yaml:2:42) and %s; the weaker" % (ID, OTHER)])),
    ("several shared domains", ("orgs:\n  %s: {domains: [a.b, c.d, e.f]}\n  %s: {domains: [c.d, a.b]}\n" % (ID, OTHER), [
        "warning a.yaml:3:33: \"a.b\" and 1 more is listed by %s" % ID])),
    ("a domain below another's wildcard", ("orgs:\n  %s: {domains: [\"*.b.c\"]}\n  %s: {domains: [a.b.c]}\n" % (ID, OTHER), [
        "warning a.yaml:3:33: \"a.b.c\" is listed by %s" % ID])),
    ("a wildcard below another's", ("orgs:\n  %s: {domains: [\"*.b.c\"]}\n  %s: {domains: [\"*.a.b.c\"]}\n" % (ID, OTHER), [
        "warning a.yaml:3:33: \"*.a.b.c\" is listed by %s" % ID])),
    ("not a name beside a wildcard", ("orgs:\n  %s: {domains: [\"*.b.c\"]}\n  %s: {domains: [b.c]}\n" % (ID, OTHER), [])),
    ("one org with both is alone", ("orgs: {%s: {domains: [\"*.b.c\", a.b.c, b.c]}}\n" % ID, [])),
    ("shared by three", ("defaults: {domains: [a.b]}\norgs: {%s: {}, %s: {}, %s: {}}\n" % (ID, OTHER, THIRD), [
        "warning a.yaml:1:21: \"a.b\" is listed by "])),
    ("a good one", (GOOD, [])),
]


WIDE = [
    ("halves", ("exempt_clients: [0.0.0.0/1, 128.0.0.0/2]\n" + GOOD, [
        "error a.yaml:1:17: exempt_clients: together these networks hold more than half", "warning a.yaml:1:18: exempt_clients: ",
        "warning a.yaml:1:29: exempt_clients: "])),
    ("one address more than half", top("defaults: {ip: {networks: [0.0.0.0/1, 128.0.0.1]}}", "1:27: ip.networks: together")),
    ("what IPv6 has assigned", ("exempt_clients: [\"2000::/4\", \"3000::/6\"]\n" + GOOD, [
        "error a.yaml:1:17: exempt_clients: together", "warning a.yaml:1:18: exempt_clients: ",
        "warning a.yaml:1:30: exempt_clients: "])),
    ("in a file", ({"a.yaml": "defaults: {ip: {networks_file: n}}\n" + GOOD, "n": "0.0.0.0/1\n128.0.0.0/1\n"}, [
        "error n: ip.networks_file: together these networks hold more"])),
    ("in a list and a file", ({"a.yaml": "defaults: {ip: {networks: [0.0.0.0/1], networks_file: n}}\n" + GOOD, "n": "128.0.0.0/4\n"}, [
        "error a.yaml:1:55: ip.networks: together"])),
    ("in the list of an org and the file of all", ({"a.yaml": "defaults: {ip: {networks_file: n}}\norgs: {%s: {domains: [a.b], ip: "
                                                    "{networks: [0.0.0.0/1]}}}\n" % ID, "n": "128.0.0.0/4\n"}, [
        "error a.yaml:2:60: ip.networks: together"])),
    ("half of all is no more than half", ({"a.yaml": "defaults: {ip: {networks: [0.0.0.0/1, \"4000::/2\"]}}\n" + GOOD}, [])),
]


def odd_files(tap):
    """X16: what is no regular file is never opened for reading, wherever it is named."""
    kinds = {"a pipe": os.mkfifo, "a device": lambda path: os.symlink("/dev/zero", path),
             "a socket": lambda path: socket.socket(socket.AF_UNIX).bind(path)}
    places = {"itself": (None, "a.yaml: cannot be read: "), "include": ("include: [x]", "a.yaml:1:11: include: "),
              "a pattern": ("include: [\"[x]\"]", "a.yaml:1:11: include: "),
              "networks": ("defaults: {ip: {networks_file: x}}", "a.yaml:1:32: ip.networks_file: "),
              "local data": ("dns: {local_data: x}", "a.yaml:1:19: dns.local_data: "),
              "trust anchor": ("dns: {trust_anchor: x}", "a.yaml:1:21: dns.trust_anchor: ")}
    for kind, make in kinds.items():
        for place, (line, wanted) in places.items():
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "a.yaml")
                make(path if line is None else os.path.join(folder, "x"))
                if line is not None:
                    with open(path, "w", encoding="utf-8") as file:
                        file.write(line + "\n" + GOOD)
                run = subprocess.run([PROBE, path], capture_output=True, text=True, timeout=60)
                said = run.stdout.replace(folder + "/", "")
                tap.ok(run.returncode == 1 and wanted in said and "it is no regular file, but %s; " % kind in said,
                       "X16 %s: %s" % (place, kind), said=said, error=run.stderr)


def deep(tap):
    """X16: 200 KB of brackets are given up at once, at their place; what stands before them is read."""
    for name, text in (("lists", "[" * 200000), ("maps", "{" * 200000), ("lists in lines", "[\n" * 100000),
                       ("maps with keys", "{a: " * 50000), ("items", "- " * 100000), ("keys", "? " * 100000)):
        files = {"a.yaml": "mode: x\ninclude: " + text if text[0] in "[{" else "mode: x\ninclude:\n " + text + "x\n"}
        loaded, problems = load(files)
        tap.ok(not loaded and len(problems) <= 3 and any("nested that deep" in problem and problem.startswith("error a.yaml:")
                                                         for problem in problems), "X16 " + name, got=problems)


def main():
    with Tap(needs_root=False) as tap:
        for title, cases in (("value", VALUES), ("key", KEYS), ("YAML", YAML), ("sentence", SENTENCES), ("orgs", ORGS),
                             ("include", INCLUDES), ("limits", LIMITS), ("warning", WARNINGS), ("X16 wide", WIDE)):
            for name, (files, wanted) in cases:
                tap.case(check, "%s: %s" % (title, name), files, wanted)
        odd_files(tap)
        deep(tap)
        # Everything wrong at once: each of the cases of one line is found at its own line.
        lines, wanted = [], []
        for name, (text, problems) in VALUES:
            if text.startswith("defaults: "):
                number = len(lines) + 2
                lines.append("  00D%012d: %s" % (len(lines), text[len("defaults: "):].split("\n")[0]))
                shift = len("  00D000000000000: ") - len("defaults: ")
                for problem in problems:
                    column = int(problem.split(":")[2])
                    wanted.append(problem.replace(":1:%d:" % column, ":%d:%d:" % (number, column + shift)))
        check(tap, "all in one run", "orgs:\n" + "\n".join(lines) + "\n", wanted)
        tap.ok(len(wanted) > 10, "of which there are many")


main()
