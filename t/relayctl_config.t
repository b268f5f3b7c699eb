#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""sfdc-relayctl check-config: good, bad and weak configurations, the proof, the MTA's side."""
import grp
import os
import pwd
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "t"))
from lab.redis import built  # noqa: E402
from relayctl import CONFIG, OTHER, PROGRAM, main  # noqa: E402

DEFAULT = "tls and message and org and from and envelope and verp and dkim and (cert or auth or ip)"

BAD = [
    ("no such key", "mode: enforce\nscoop: all\norgs: {00D8d000003TRx3EAG: {domains: [example.com]}}\n", r":2:1: "),
    ("wrong checksum", "orgs: {00D8d000003TRx3EAH: {domains: [example.com]}}\n", r":1:8: "),
    ("unknown check", CONFIG % "tls and form", r"\.yaml:12:\d+: "),
    ("a sentence that does not end", CONFIG % "tls and (from", r"\.yaml:12:\d+: "),
    ("no organization", "mode: enforce\n", r"bad.yaml"),
    ("no YAML", "mode: [enforce\n", r":\d+:\d+: "),
    ("empty", "", r"bad.yaml"),
    ("octal-looking address", CONFIG.replace("13.110.0.0/16", "013.110.0.0/16") % "ip", r":14:\d+: "),
    ("two mistakes", "mode: perhaps\nscope: none\norgs: {00D8d000003TRx3EAG: {domains: [example.com]}}\n",
     r"(?s):1:7: .*:2:8: "),
]


def good(tap, bench):
    bench.file("good.yaml", CONFIG % DEFAULT)
    result = bench.run("check-config", "-c", "good.yaml")
    tap.equal((result.code, result.err), (0, ""), "a good configuration: exit 0, nothing to complain about")
    for text in ("good.yaml: good", "00D8d000003TRx3EAG  production  example.com", "enforce", DEFAULT,
                 "3 minimal sets of checks, each proves the customer",
                 "customer    tls and message and org and from and envelope and dkim and auth"):
        tap.contains(result.out, text, "it shows " + text)
    tap.ok("\x1b" not in result.out, "no colors where there is no terminal")
    bench.file("open.yaml", "undecided: accept\nexempt_clients: [192.0.2.0/25]\nmonitor_floor: tls\n" + CONFIG % DEFAULT)
    result = bench.run("check-config", "-c", "open.yaml")
    for text in ("undecided          accept", "exempt_clients     1 network, never judged", "monitor_floor      tls"):
        tap.contains(result.out, text, "it shows " + text)
    for text in ("1 minimal set of checks, 1 of them weak\n    WEAK        tls: none of auth, dkim, cert and ip",
                 "undecided: accept makes no evidence of dkim: a sender can see to it that look-ups fail"):
        tap.contains(result.out, text, "W03, X16: it shows " + text)
    tap.contains(result.err, "monitor_floor: in monitor mode mail is accepted on tls alone", "X16 and warns of the floor")
    bench.file("open.yaml", "undecided: accept\n" + CONFIG % "from and dkim")
    tap.contains(bench.run("check-config", "-c", "open.yaml").out, "WEAK        mail is accepted on from alone: anyone can write",
                 "W03 what is left undecided is no evidence")
    bench.file("floor.yaml", "monitor_floor: tls and (cert or auth)\n" + CONFIG % "tls and from and org and cert")
    result = bench.run("check-config", "-c", "floor.yaml")
    tap.contains(result.out, "in monitor mode mail is accepted on 2 minimal sets of checks, 0 of them weak\n"
                 "    floor       tls and cert\n    floor       tls and auth\n", "a floor's minimal sets are shown")
    tap.equal(result.err, "", "and it is nothing to warn of")


def wildcards(tap, bench):
    """X16: a wildcard that covers what belongs to anybody."""
    lists = {"domains": ("domains: [example.com]", "domains: [example.com, %s]"),
             "cert.names": ("domains: [example.com]", "domains: [example.com]\n    cert: {names: [%s]}"),
             "envelope.bounce_domains": ("domains: [example.com]", "domains: [example.com]\n    envelope: {bounce_domains: [%s]}")}
    for option, (before, after) in lists.items():
        for name, warned in (("*.com", True), ("*.co.uk", True), ("*.COM", True), ("*.sfcustomeremail.com", True),
                             ("*.example.com", False), ("*.example.co.uk", False), ("com.example", False)):
            text = CONFIG % "from and auth"
            if before not in text:
                raise AssertionError(text)
            bench.file("wild.yaml", text.replace(before, after % ('"%s"' % name)))
            result = bench.run("check-config", "-c", "wild.yaml")
            said = re.search(r"^warning: .*wild.yaml:\d+:\d+: %s: \"%s\" covers every name below %s, where anybody can have one; list"
                             % (re.escape(option), re.escape(name), re.escape(name[2:])), result.err, re.MULTILINE)
            tap.equal((result.code, bool(said)), (0, warned), "X16 %s: %s is %s" % (option, name, "warned of" if warned else "taken"),
                      err=result.err)


def limits(tap, bench):
    """What an organization may send, and where that is counted; the password is shown nowhere."""
    head = "limits: {store_file: store, when_away: defer}\ndefaults: {limit: {messages: 2000/60m, per_user: 300/90s}}\n"
    bench.file("store", "rediss://relay:sword%40fish@redis.example.com/3\n")
    os.chmod(os.path.join(bench.path, "store"), 0o600)
    bench.file("limits.yaml", head + CONFIG % DEFAULT)
    result = bench.run("check-config", "-c", "limits.yaml")
    if not built():
        tap.equal(result.code, 78, "a store is an error where there is none")
        tap.contains(result.err, "this program was built without hiredis and can use no store", "which says why")
        tap.ok("fish" not in result.out + result.err, "the password is not shown")
        return
    for text in ("defer_unless       limit\n", "limit              2000/1h messages, 300/90s messages of each user\n",
                 "limits.store       rediss://relay:***@redis.example.com:6379/3\n", "while it is away, what is limited is deferred"):
        tap.contains(result.out, text, "it shows " + text.strip())
    whole = bench.run("check-config", "-c", "limits.yaml", "--json")
    item = whole.objects()[0]
    tap.equal(item["orgs"][0]["limit"], {"messages": "2000/1h", "recipients": "", "per_user": "300/90s"}, "in JSON, too")
    tap.equal(item["settings"]["limits"], {"store": "rediss://relay:***@redis.example.com:6379/3", "when_away": "defer"}, "and where")
    for text in (result.out, result.err, whole.out, whole.err):
        tap.ok("fish" not in text, "the password is not shown", got=text)
    store = os.path.join(bench.path, "store")
    if os.geteuid() == 0:
        whose = pwd.getpwnam("nobody")
        bench.file("limits.yaml", head + CONFIG % DEFAULT)
        for user, group, mode, good in ((0, whose.pw_gid, 0o640, True), (0, 0, 0o640, False), (0, whose.pw_gid, 0o660, False),
                                        (whose.pw_uid, whose.pw_gid, 0o600, True), (whose.pw_uid, whose.pw_gid, 0o644, False),
                                        (1, 1, 0o600, False)):
            os.chown(store, user, group)
            os.chmod(store, mode)
            tap.equal(bench.run("check-config", "-c", "limits.yaml").code, 0 if good else 78,
                      "a store of %d:%d with mode %04o is %s" % (user, group, mode, "taken" if good else "refused"))
        os.chown(store, 0, 0)
    os.chmod(store, 0o644)
    result = bench.run("check-config", "-c", "limits.yaml")
    tap.equal(result.code, 78, "a file that others can read is an error")
    tap.contains(result.err, "its mode 0644 lets others read or write it", "which says why")


def as_json(tap, bench):
    bench.file("good.yaml", "monitor_floor: tls or ip\nundecided: accept\n" + (CONFIG % DEFAULT).replace("production", "prod"))
    result = bench.run("check-config", "-c", "good.yaml", "--json", "--mta", "postfix")
    item = result.objects()[0]
    tap.equal((result.code, result.out.count("\n"), list(item)[:3], item["good"]), (0, 1, ["file", "good", "problems"], True),
              "--json: one object", err=result.err)
    tap.equal(result.err, "", "the warnings are in it")
    tap.ok(item["problems"] and all(list(problem) == ["level", "text"] and problem["level"] == "warning"
                                    for problem in item["problems"]), "each a warning", problems=item["problems"])
    plain = bench.run("check-config", "-c", "good.yaml", "--mta", "postfix")
    tap.equal(["warning: " + problem["text"] for problem in item["problems"]], plain.err.splitlines(), "those of the plain form")
    org = item["orgs"][0]
    tap.equal((org["id"], org["name"], org["mode"], org["domains"], org["reject_unless"]),
              ("00D8d000003TRx3EAG", "prod", "enforce", ["example.com"], DEFAULT), "the organization", org=org)
    tap.equal([one["strength"] for one in item["settings"]["monitor_floor_proof"]["sets"]], ["weak", "floor"], "the floor's sets")
    tap.ok(org["proof"]["minimal"] == len(org["proof"]["sets"]) > 0 and item["settings"]["undecided"] == "accept", "its proof",
           org=org)
    tap.ok(item["mta"] in plain.out and "smtpd_milters" in item["mta"], "the MTA's side as it is printed")
    for name, text, pattern in BAD:
        bench.file("bad.yaml", text)
        result = bench.run("check-config", "-c", "bad.yaml", "--json")
        item = result.objects()[0]
        tap.ok(result.code == 78 and not item["good"] and "settings" not in item
               and re.search(pattern, "\n".join(problem["text"] for problem in item["problems"] if problem["level"] == "error")),
               name + ": exit 78, the errors in JSON", item=item, err=result.err)


def machine(tap, bench):
    """What the daemon's -n says of this machine, check-config says too, and where."""
    good = CONFIG % DEFAULT
    own = os.path.join(bench.path, "s")
    os.chmod(bench.path, 0o755)  # -n reads as the configured user
    for name, text, code, words in (
            ("no such user", good.replace("nobody", "no-such-user"), 78, r'^bad.yaml:1:7: user: there is no user "no-such-user"; create it'),
            ("the default user is not there", good.replace("user: nobody\n", ""), 78, r'^bad.yaml: user: there is no user "sfdc-milter"; '),
            ("no such group", good.replace("inet:8891@127.0.0.1", "unix:%s\nsocket_group: no-such-group" % own), 78,
             r'^bad.yaml:3:15: socket_group: there is no group "no-such-group"; create it'),
            ("an open socket", good.replace("inet:8891@127.0.0.1", 'unix:%s\nsocket_mode: "0666"' % own), 78,
             r"^bad.yaml:3:14: socket_mode 0666 lets everybody"),
            ("every address", good.replace("inet:8891@127.0.0.1", "inet:8891@0.0.0.0"), 0,
             r"^warning: bad.yaml:2:9: inet:8891@0.0.0.0 listens on every address"),
            ("no group", good.replace("inet:8891@127.0.0.1", "unix:" + own), 0,
             r"^warning: bad.yaml: socket_group: is empty, which leaves the socket to root: an MTA that connects as another user cannot "
             r"reach it; name a group"),
            ("an empty group", good.replace("inet:8891@127.0.0.1", 'unix:%s\nsocket_group: ""' % own), 0,
             r"^warning: bad.yaml:3:15: socket_group: is empty, which leaves the socket to root")):
        bench.file("bad.yaml", text)
        result = bench.run("check-config", "-c", "bad.yaml")
        if name == "the default user is not there" and any(entry.pw_name == "sfdc-milter" for entry in pwd.getpwall()):
            continue
        tap.equal((result.code, bool(result.out)), (code, code == 0), name + ": exit %d" % code, err=result.err)
        tap.ok(re.search(words, result.err, re.MULTILINE), name + ": named with its place", err=result.err)
        done = subprocess.run([os.path.join(os.path.dirname(PROGRAM), "sfdc-milter"), "-n", "-c", os.path.join(bench.path, "bad.yaml")],
                              capture_output=True, text=True, timeout=60, check=False)
        tap.equal(done.returncode, code, name + ": the daemon's -n agrees", err=done.stderr)
        told = [line for line in done.stderr.replace(bench.path + "/", "").splitlines() if "not started as root" not in line]
        tap.ok(set(result.err.splitlines()) >= set(told) and told, name + ": in the same words", own=result.err, daemon=done.stderr)
    os.chmod(bench.path, 0o700)


def reach(tap, bench):
    """Whether Postfix's user could reach the socket."""
    try:
        user = pwd.getpwnam("postfix")
    except KeyError:
        tap.ok(True, "reach # SKIP there is no user postfix")
        return
    if os.geteuid() != 0:
        tap.ok(True, "reach # SKIP needs root")
        return
    inside = grp.getgrgid(user.pw_gid).gr_name
    root = tempfile.mkdtemp(prefix="relayctl.", dir="/run")
    outside = next(entry for entry in grp.getgrall() if "postfix" not in entry.gr_mem and entry.gr_gid not in (0, user.pw_gid)).gr_name
    for name, folder, mode, group, words in (
            ("a member", 0o755, "0660", inside, None), ("another group", 0o755, "0660", outside, "is not in the group %s, and" % outside),
            ("a mode that keeps it out", 0o755, "0600", inside, "socket_mode: 0600 does not let the group %s write" % inside),
            ("a folder that keeps it out", 0o700, "0660", inside, "socket: the MTA's user postfix may not enter %s (mode 0700" % root)):
        os.chmod(root, folder)
        bench.file("reach.yaml", (CONFIG % DEFAULT).replace("inet:8891@127.0.0.1", 'unix:%s/s\nsocket_mode: "%s"\nsocket_group: %s'
                                                          % (root, mode, group)))
        result = bench.run("check-config", "-c", "reach.yaml")
        tap.equal(result.code, 0, name + ": is warned about at most", err=result.err)
        tap.ok(words in result.err and "warning: reach.yaml:" in result.err if words else result.err == "", name + ": said", err=result.err)
    os.rmdir(root)


def bad(tap, bench):
    for name, text, pattern in BAD:
        bench.file("bad.yaml", text)
        result = bench.run("check-config", "-c", "bad.yaml")
        tap.equal((result.code, result.out), (78, ""), name + ": exit 78, nothing on standard output", err=result.err)
        tap.ok(re.search(pattern, result.err), name + ": the place is named", err=result.err)
        result = bench.run("check-message", "-c", "bad.yaml", "-")
        tap.equal((result.code, result.out), (78, ""), name + ": check-message refuses it too")
    bench.file("records", "a.test. 60 IN A 192.0.2.1\nno record\n")
    bench.file("bad.yaml", "dns: {local_data: records}\norgs: {00D8d000003TRx3EAG: {domains: [example.com]}}\n")
    for command in (("check-config",), ("check-message", "-")):
        result = bench.run(command[0], "-c", "bad.yaml", *command[1:])
        tap.ok(result.code == 78 and re.search(r"records:2: ", result.err), "%s: records that are none: exit 78" % command[0],
               err=result.err)
    for path in ("missing.yaml", "."):
        result = bench.run("check-config", "-c", path)
        tap.equal(result.code, 78, "%s cannot be read: exit 78" % path)
        tap.ok(result.err, "%s: it is said why" % path)


def weak(tap, bench):
    for sentence, mark, why in [
            ("ip", "mail is accepted on ip alone", "every Salesforce customer shares these addresses"),
            ("cert and from", "mail is accepted on cert and from alone", "certificate"),
            ("org", "mail is accepted on org alone", "anyone can write"),
            ('""', "mail is accepted on nothing alone", "")]:
        bench.file("weak.yaml", CONFIG % sentence)
        result = bench.run("check-config", "-c", "weak.yaml")
        tap.equal(result.code, 0, sentence + ": a weak policy is no error")
        tap.contains(result.out, "WEAK", sentence + ": it is marked")
        tap.contains(result.out, mark, sentence + ": the set is named")
        tap.contains(result.out, why, sentence + ": the reason is given")
        tap.contains(result.err, "warning: weak.yaml:", sentence + ": and it is a warning")
    bench.file("replay.yaml", CONFIG % "from and dkim")
    tap.contains(bench.run("check-config", "-c", "replay.yaml").out, "replayable  from and dkim", "DKIM alone is replayable")
    checks = "tls, cert, message, org, from, envelope, dkim, auth, ip, spf"
    bench.file("many.yaml", CONFIG % ("5 of (%s)" % checks))
    result = bench.run("check-config", "-c", "many.yaml")
    tap.contains(result.out, "252 minimal sets of checks", "all minimal sets are counted")
    tap.equal(len(re.findall(r"^    (?:WEAK|customer|replayable) ", result.out, re.M)), 10, "ten are shown")
    tap.contains(result.out, "and 242 more", "the rest is counted")


def rest(tap, bench):
    """What the proof rests on besides the policy."""
    cert = "from and org and cert"
    for sentence, issuers, tickets in ((cert, "", True), (cert, "    cert: {issuers: [DigiCert]}\n", False),
                                       ("from and auth", "", False)):
        bench.file("rest.yaml", CONFIG % sentence + issuers)
        out = bench.run("check-config", "-c", "rest.yaml").out
        tap.contains(out, "refuses bare newlines", "%s: the mail server must refuse bare newlines" % sentence)
        tap.equal("no TLS session tickets" in out, tickets,
                  "%s%s: it %s" % (sentence, issuers and ", issuers", "must hand out no tickets" if tickets else "may hand out tickets"),
                  out=out)


def scope(tap, bench):
    """W02: what `scope: salesforce` lets pass and what it refuses is said wherever it stands."""
    bench.file("scope.yaml", CONFIG % DEFAULT)
    tap.ok("stay inside" not in bench.run("check-config", "-c", "scope.yaml").out, "scope: all has no such consequences")
    for mailers, passing, refused in (
            ("", "discard, prog,\n    *file*.\n", "relay does not count as inside"),
            ("local_mailers: [inner]\n", "*file*, inner.\n", "relay does not count as inside"),
            ("local_mailers: [relay, inner]\n", "*file*, relay, inner.\n", "relay counts as inside: were it to lead to the Internet")):
        bench.file("scope.yaml", "scope: salesforce\n" + mailers + CONFIG % DEFAULT)
        result = bench.run("check-config", "-c", "scope.yaml")
        tap.equal((result.code, result.err), (0, ""), "scope: salesforce, %r: good" % mailers)
        for text in ("scope              salesforce\n", "passes, and is not judged, if all its recipients stay inside", passing,
                     refused, "To any other mailer their mail leaves, and is refused with 550 org-unknown"):
            tap.contains(result.out, text, "scope: salesforce, %r: it says %r" % (mailers, text))


def groups(tap, bench):
    config = CONFIG % DEFAULT + "".join(
        "  %s:\n    name: %s\n    domains: [%s]\n    auth: {users: [%s]}\n%s" % entry for entry in [
            (OTHER, "alike", "example.org", "alike@relay.example.com", ""),
            ("00D30000001FFZnEAO", "other", "example.net", "other@relay.example.com", "    reject_unless: from and auth\n")])
    bench.file("groups.yaml", config)
    out = bench.run("check-config", "-c", "groups.yaml").out
    tap.equal(out.count("reject_unless"), 2, "organizations that are judged alike share one block", out=out)
    tap.ok(out.index("alike") < out.index("reject_unless") < out.index("other"), "each stands in its own", out=out)


def mta(tap, bench):
    for socket, postfix, sendmail in [
            ("unix:/run/sfdc-milter/x.sock", "smtpd_milters=unix:/run/sfdc-milter/x.sock", "S=local:/run/sfdc-milter/x.sock"),
            ("inet:8891@127.0.0.1", "smtpd_milters=inet:127.0.0.1:8891", "S=inet:8891@127.0.0.1"),
            ("inet6:8891@::1", "smtpd_milters=inet:[::1]:8891", "S=inet6:8891@::1")]:
        bench.file("mta.yaml", (CONFIG % DEFAULT).replace("inet:8891@127.0.0.1", '"%s"' % socket))
        result = bench.run("check-config", "-c", "mta.yaml", "--mta", "postfix")
        tap.equal(result.code, 0, socket + ": postfix", err=result.err)
        for text in (postfix, "milter_default_action=tempfail", "smtpd_tls_ask_ccert=yes", "smtpd_forbid_bare_newline=reject",
                     "message_reject_characters=\\0", "tls_ssl_options=NO_TICKET"):
            tap.contains(result.out, text, "postfix: " + text)
        result = bench.run("check-config", "-c", "mta.yaml", "--mta", "sendmail")
        tap.equal(result.code, 0, socket + ": sendmail")
        for text in (sendmail, "F=T", "confMAX_HEADERS_LENGTH", "InputMailFilters=sfdc"):
            tap.contains(result.out, text, "sendmail: " + text)


# As that of mta_conf.t: default socket and times, AUTH users.
SHIPPED = """\
user: nobody
orgs:
  00D8d000003TRx3EAG: {domains: [%s], auth: {users: [%s]}, ip: {networks: [%s]}}
"""


def shipped(name, comment):
    """The lines of a file of conf/ that are no comments."""
    with open(os.path.join(os.environ.get("SRCDIR", "."), "conf", name)) as file:
        return [line for line in file.read().splitlines() if line and not line.startswith(comment)]


def printed(bench, server, config):
    """What check-config prints for that server."""
    bench.file("part.yaml", config)
    out = bench.run("check-config", "-c", "part.yaml", "--mta", server).out
    return out[re.search(r"^(?:# Postfix|dnl sendmail\.mc)", out, re.M).start():]


class Postfix:
    """What the commands for Postfix do, when a shell runs them in place of postconf and with the lists beside it."""

    def __init__(self, bench, config):
        self.text = printed(bench, "postfix", config)
        folder = os.path.join(bench.path, "paste")
        os.makedirs(folder, exist_ok=True)
        calls = os.path.join(folder, "calls")
        script = self.text.replace("/etc/postfix/sfdc_", folder + "/sfdc_")
        subprocess.run(["sh", "-eu", "-c", "postconf() { printf '%%s\\0' \"$@\" >> '%s'; }\n: > '%s'\n%s" % (calls, calls, script)],
                       check=True, stdin=subprocess.DEVNULL)
        with open(calls) as file:
            words = file.read().replace(folder + "/sfdc_", "/etc/postfix/sfdc_").split("\0")
        self.services = {}
        for word in words:
            service, found, value = word.partition("=")
            if service.count("/") == 1 and found:
                self.services[service] = [value]
            elif service.count("/") == 2:
                self.services[service.rpartition("/")[0]].append("  -o %s=%s" % (service.rpartition("/")[2], value))
        self.senders, self.clients = [read_lines(os.path.join(folder, "sfdc_" + name)) for name in ("senders", "clients.cidr")]
        self.port = self.services.get("10025/inet", [])


def read_lines(path):
    with open(path) as file:
        return file.read().splitlines()


def parts(bench, config):
    """What is printed for Sendmail, by the first word of each part's heading."""
    found = {}
    for part in printed(bench, "sendmail", config).split("\n\n"):
        heading, *lines = part.rstrip("\n").split("\n")
        name = re.match(r"(?:#|dnl) ([\w.]*\w)", heading)
        if name:
            found[name.group(1)] = lines
    return found


def agreement(tap, bench):
    """What is printed, and the files of conf/ that are tested with real servers, are the same."""
    config = SHIPPED % ("a.test", "sfuser@relay.test", "192.0.2.0/24")
    postfix = Postfix(bench, config)
    tap.equal(postfix.port + postfix.services["sfdc-cleanup/unix"], shipped("postfix-master.cf", "#"),
              "conf/postfix-master.cf is what is printed")
    tap.equal(sorted(postfix.services), ["10025/inet", "sfdc-cleanup/unix"], "no other service is touched, and no main.cf")
    known = re.compile(r"(#.*|postconf -[MP] '.*|    '10025/inet/[a-zA-Z_]+=[^']*'( \\)?|cat > /etc/postfix/sfdc_.*|END|\S+ +OK|)")
    tap.equal([line for line in postfix.text.splitlines() if not known.fullmatch(line)], [], "there is nothing else in it")
    sendmail = parts(bench, config)["sendmail.mc"]
    tap.equal([line for line in sendmail if not line.startswith("dnl")], shipped("sendmail.mc", "dnl"),
              "conf/sendmail.mc is what is printed")
    keep = "dnl DAEMON_OPTIONS(`Port=smtp, Name=MTA')dnl"
    tap.ok(keep in sendmail and keep in shipped("sendmail.mc", "#"), "both say how to keep port 25")


def unsafe(tap, bench):
    """A path that would mean something else to a shell is in no command."""
    for path in ("/run/a b", "/run/'; touch pasted; '", "/run/$(touch pasted)", "/run/`touch pasted`"):
        postfix = Postfix(bench, 'socket: "unix:%s"\n' % path + SHIPPED % ("a.test", "", "192.0.2.0/24"))
        tap.equal([postfix.services, "/run/" in postfix.text, "The port is left out" in postfix.text], [{}, False, True],
                  "socket %r: no port, and no command has it" % path, text=postfix.text)


def postfix_fitted(tap, bench, config):
    postfix = Postfix(bench, "message_timeout: 100\n" + config)
    tap.equal([line.split() for line in postfix.senders],
              [[name, "OK"] for name in ("a.test", ".a.test", ".b.test", ".bnc.salesforce.com", "<>")],
              "the senders are the domains of the configuration")
    tap.equal([line.split() for line in postfix.clients],
              [[name, "OK"] for name in ("13.108.0.0/14", "192.0.2.1/32", "198.51.100.0/24", "2001:db8::/47", "4000::/3")],
              "the clients are its networks")
    tap.equal([line for line in postfix.port if "sasl" in line], ["  -o smtpd_sasl_auth_enable=no"], "no AUTH without users")
    relaying = "  -o smtpd_relay_restrictions=check_client_access,cidr:/etc/postfix/sfdc_clients.cidr,reject"
    tap.ok(relaying in postfix.port, "and then only the listed clients may relay", lines=postfix.port)
    tap.ok("  -o milter_content_timeout=140s" in postfix.port, "Postfix waits longer than the milter")


def sendmail_fitted(tap, bench, config):
    sendmail = parts(bench, "message_timeout: 100\n" + config)
    tap.contains("\n".join(sendmail["sendmail.mc"]), "R:140s;E:5m", "so does Sendmail")
    tap.equal([line for line in sendmail["sendmail.mc"] if "AUTH" in line], [], "no AUTH without users: Sendmail")
    tap.equal([line.split()[0] for line in sendmail["access"] if not line.startswith("#")],
              ["Connect:" + name for name in ("13.108", "13.109", "13.110", "13.111", "192.0.2.1", "198.51.100",
                                              "IPv6:2001:db8:0", "IPv6:2001:db8:1")], "access: one line for each whole octet")
    tap.ok("# 4000::/3: 8192 entries, too many to show" in sendmail["access"], "access: too many", out=sendmail["access"])


def fitted(tap, bench):
    """What depends on the configuration."""
    config = SHIPPED % ('a.test, "*.a.test", "*.b.test"', "",
                        "13.108.0.0/14, 2001:db8::/47, 192.0.2.1, 198.51.100.0/24, 4000::/3")
    postfix_fitted(tap, bench, config)
    sendmail_fitted(tap, bench, config)
    config = config.replace("00D8d000003TRx3EAG: {", "00D8d000003TRx3EAG: {envelope: {null_sender: no, bounce_domains: []}, ")
    config = re.sub("networks: .*?\\]", "networks: []", config)
    postfix = Postfix(bench, config)
    tap.equal([line.split()[0] for line in postfix.senders], ["a.test", ".a.test", ".b.test"],
              "neither null sender nor bounces where they are refused")
    lists = postfix.clients + parts(bench, config)["access"]
    tap.ok(all(line.startswith("#") for line in lists), "without networks a comment says what belongs there", lines=lists)
    tap.contains(postfix.text, "the port relays for\n# nobody", "and that nobody may relay yet")


main(good, limits, as_json, machine, reach, bad, wildcards, weak, rest, scope, groups, mta, agreement, unsafe, fitted)
