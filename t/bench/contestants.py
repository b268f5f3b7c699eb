# SPDX-License-Identifier: BSD-2-Clause
"""The milters that are compared: each with a configuration of its own below one folder, and a socket of its own."""

import os
import pwd
import shutil
import signal
import subprocess
import time

from bench import mail
from lab.message import A
from lab.milter import yaml
from lab.process import free_port, read, start, stop, wait_for, write

BUILDDIR = os.environ.get("BUILDDIR", ".")


def process_cpu(pid):
    """CPU time of a process, user and system, of all its threads that are or were: seconds (clock_getcpuclockid(3))."""
    return time.clock_gettime((~pid << 3) | 2)


def children(pid):
    """A process and all that come from it."""
    found = [pid]
    for each in found:
        try:
            tasks = os.listdir("/proc/%d/task" % each)
        except FileNotFoundError:
            continue
        for task in tasks:
            found += map(int, read("/proc/%d/task/%s/children" % (each, task)).split())
    return found


class Contestant:
    """A running milter. added: what must be in the header fields that it adds to each message."""

    name = ""
    about = ""
    package = None
    program = None
    added = ()
    ends_by = signal.SIGTERM

    def __init__(self, root, dns_port, kind="unix"):
        self.root = os.path.join(root, "%s-%s" % (type(self).__name__.lower(), kind))
        self.dns_port = dns_port
        self.kind = kind
        self.output = os.path.join(self.root, "log")
        os.mkdir(self.root, 0o700)
        if kind == "unix":
            self.socket = "unix:" + os.path.join(self.root, "s")
        else:
            self.socket = "inet:%d@127.0.0.1" % free_port()
        self.process = None

    @classmethod
    def missing(cls):
        """The Debian package to install, or None."""
        return None if shutil.which(cls.program, path=os.environ["PATH"] + ":/usr/sbin:/usr/bin") else cls.package

    @classmethod
    def version(cls):
        """As the package manager knows it, or as it says itself."""
        if cls.package:
            done = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", cls.package], stdout=subprocess.PIPE, check=False)
            return done.stdout.decode()
        return os.environ.get("VERSION", "")

    def path(self, name):
        return os.path.join(self.root, name)

    def write(self, name, text):
        write(self.path(name), text)
        return self.path(name)

    def command(self):
        raise NotImplementedError

    def start(self):
        """Until it listens; the first messages show whether it judges rightly."""
        self.process = start(self.command(), self.output, cwd=self.root)
        wait_for(self.listens, "%s to listen, see %s" % (self.name, self.output), timeout=300)
        return self

    def listens(self):
        if self.process.poll() is not None:
            raise AssertionError("%s ended: %s" % (self.name, read(self.output)[-2000:]))
        if self.kind == "unix":
            return os.path.exists(self.socket[5:])
        port = int(self.socket[5:].split("@")[0])
        return any(line.split()[1].endswith(":%04X" % port) and line.split()[3] == "0A"
                   for line in read("/proc/net/tcp").splitlines()[1:])

    def stop(self):
        if self.process:
            stop(self.process, self.ends_by)
            self.process = None

    def cpu(self):
        """Seconds so far."""
        total = 0.0
        for pid in children(self.process.pid):
            try:
                total += process_cpu(pid)
            except OSError:  # it ended just now
                pass
        return total

    def memory(self):
        """Resident kilobytes, of all its processes."""
        total = 0
        for pid in children(self.process.pid):
            for line in read("/proc/%d/status" % pid).splitlines():
                if line.startswith("VmRSS:"):
                    total += int(line.split()[1])
        return total

    def judged(self, count):
        """What is wrong with how it judged so many messages, as far as its log tells; None: nothing."""
        return None


class Sfdc(Contestant):
    name = "sfdc-milter"
    about = "all twelve checks"
    program = os.path.join(BUILDDIR, "sfdc-milter")
    checks = "tls cert message org from envelope verp dkim auth ip spf dmarc".split()
    added = tuple("%s=pass" % check for check in checks) + ("verdict=accept",)

    def command(self):
        user = pwd.getpwuid(os.geteuid()).pw_name
        config = {
            "socket": self.socket, "socket_mode": "0600", "user": user, "mode": "enforce",
            "authserv_id": "relay.test", "dns": {"nameservers": ["127.0.0.1@%d" % self.dns_port]},
            "log": {"target": "stderr"}, "headers": {"add_to": "all"},
            "orgs": {A.id: {
                "domains": [A.domain], "reject_unless": " and ".join(self.checks), "auth": {"users": [mail.MACROS["{auth_authen}"]]},
                "ip": {"spf": ["_spf.salesforce.com"]},
            }},
        }
        return [self.program, "-f", "-c", self.write("sfdc-milter.yaml", yaml(config) + "\n")]

    def judged(self, count):
        accepted = read(self.output).count("ev=verdict v=1 verdict=accept ")
        return None if accepted >= count else "%d of %d messages were accepted" % (accepted, count)


class Before(Sfdc):
    """Another build of the daemon, such as one of an earlier version: the option --before."""

    name = "before"
    about = "another build"


class Nothing(Contestant):
    name = "do-nothing"
    about = "libmilter, every callback"
    program = os.path.join(BUILDDIR, "t/bench/nothing")
    ends_by = signal.SIGKILL  # libmilter would take five seconds

    def command(self):
        return [self.program, self.socket]


class OpenDKIM(Contestant):
    name = "OpenDKIM"
    about = "DKIM"
    package = "opendkim"
    program = "opendkim"
    added = ("dkim=pass",)
    ends_by = signal.SIGKILL

    def command(self):
        config = self.write("opendkim.conf", "".join("%s %s\n" % pair for pair in (
            ("Mode", "v"), ("Socket", self.socket.replace("unix:", "local:")), ("AuthservID", "relay.test"),
            ("Nameservers", "127.0.0.1@%d" % self.dns_port), ("Syslog", "no"), ("Background", "no"),
            ("UserID", pwd.getpwuid(os.geteuid()).pw_name))))
        return [shutil.which("opendkim", path="/usr/sbin:/usr/bin"), "-f", "-x", config]


class Rspamd(Contestant):
    name = "rspamd"
    about = "dkim, spf, dmarc"
    package = "rspamd"
    program = "rspamd"
    symbols = ("R_DKIM_ALLOW(", "R_SPF_ALLOW(", "DMARC_POLICY_ALLOW(")

    def command(self):
        # What it compiles at its first start, for half a minute, is kept.
        cache = os.path.abspath(os.path.join(BUILDDIR, "t/bench/rspamd-cache"))
        os.makedirs(cache, exist_ok=True)
        where = self.socket[5:] if self.kind == "unix" else "%s:%s" % tuple(reversed(self.socket[5:].split("@")))
        config = self.write("rspamd.conf", """
options {
    pidfile = "%(root)s/pid"; tempdir = "%(root)s"; cache_file = "%(root)s/symbols.cache"; hs_cache_dir = "%(cache)s/";
    history_file = "%(root)s/history"; stats_file = "%(root)s/stats"; control_socket = "%(root)s/control mode=0600";
    url_tld = "/usr/share/rspamd/effective_tld_names.dat";
    filters = "dkim"; local_addrs = []; check_authed = true; check_local = true; task_timeout = 60s;
    dns { nameserver = ["127.0.0.1:%(dns)d"]; timeout = 5s; retransmits = 5; }
}
logging { type = "console"; level = "notice"; color = false;
    log_format = "id: <$mid>, ($action): [$scores] [$symbols_scores]"; }
modules { path = "/usr/share/rspamd/plugins/"; }
dkim { dkim_cache_size = 2k; dkim_cache_expire = 1d; }
spf { spf_cache_size = 2k; spf_cache_expire = 1d; }
dmarc { }
worker "rspamd_proxy" { bind_socket = "%(where)s"; milter = yes; timeout = 120s; count = 1;
    upstream "local" { default = yes; self_scan = yes; } }
actions { reject = 1000; add_header = 900; greylist = 800; }
group "policies" { symbols = { %(symbols)s } }
""" % {"root": self.root, "cache": cache, "symbols": " ".join('"%s" { weight = 0.0; }' % symbol[:-1] for symbol in self.symbols), "dns": self.dns_port, "where": where + (" mode=0600" if self.kind == "unix" else "")})
        return [shutil.which("rspamd", path="/usr/sbin:/usr/bin"), "-f", "-i", "-c", config]

    def judged(self, count):
        log = read(self.output)
        for symbol in self.symbols:
            if log.count(symbol) < count:
                return "%s) is in %d of %d log lines" % (symbol, log.count(symbol), count)
        return None


ALL = (Nothing, Sfdc, OpenDKIM, Rspamd)
