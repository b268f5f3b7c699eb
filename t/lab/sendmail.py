# SPDX-License-Identifier: BSD-2-Clause
"""A private Sendmail, from packages that were unpacked and not installed (contrib/setup)."""

import glob
import os
import re
import socket
import sysconfig

from .postfix import HOSTNAME, OTHER_USER, PASSWORD, USER
from .process import Failure, free_port, read, run, start, stop, wait_for, write

ROOT = os.environ.get("SENDMAIL_ROOT", "/usr/local/lib/sfdc-milter-check/sendmail")
PROGRAM = ROOT + "/usr/libexec/sendmail/sendmail"
LIBRARIES = ROOT + "/usr/lib/" + sysconfig.get_config_var("MULTIARCH")
LISTED = "127.9.8.7"

# cf.m4 comes first; @...@ are filled in. Relaying is for AUTH and for listed clients, as for Salesforce.
HEAD = """divert(-1)
define(`_CF_DIR_', `@cf@/')dnl
include(`@cf@/m4/cf.m4')
divert(0)dnl
OSTYPE(`linux')dnl
define(`confDOMAIN_NAME', `@hostname@')dnl
define(`confPID_FILE', `@root@/sendmail.pid')dnl
define(`STATUS_FILE', `@root@/statistics')dnl
define(`QUEUE_DIR', `@root@/mqueue')dnl
define(`ALIAS_FILE', `@root@/aliases')dnl
define(`HELP_FILE', `')dnl
define(`confCW_FILE', `@root@/local-host-names')dnl
define(`confCT_FILE', `@root@/trusted-users')dnl
define(`confSERVICE_SWITCH_FILE', `@root@/switch')dnl
define(`confCONTROL_SOCKET_NAME', `')dnl
define(`confTRUSTED_USER', `root')dnl
define(`confDONT_BLAME_SENDMAIL', `GroupWritableDirPathSafe,AssumeSafeChown,TrustStickyBit')dnl
define(`confDONT_PROBE_INTERFACES', `True')dnl
define(`confTO_IDENT', `0')dnl
define(`confCACERT', `@root@/ca.pem')dnl
define(`confCACERT_PATH', `@root@')dnl
define(`confSERVER_CERT', `@root@/cert.pem')dnl
define(`confSERVER_KEY', `@root@/key.pem')dnl
define(`confDELIVERY_MODE', `background')dnl
define(`SMART_HOST', `relay:[127.0.0.1]')dnl
define(`RELAY_MAILER_ARGS', `TCP $h @sink@')dnl
RELAY_DOMAIN(`dest.test')dnl
define(`confREFUSE_LA', `10000')dnl
define(`confQUEUE_LA', `10000')dnl
FEATURE(`no_default_msa')dnl
FEATURE(`nocanonify')dnl
FEATURE(`accept_unresolvable_domains')dnl
FEATURE(`access_db', `hash -T<TMPF> @root@/access')dnl
"""

TAIL = """MAILER(`local')dnl
MAILER(`smtp')dnl
"""


class Sendmail:
    """snippet: lines of sendmail.mc, with ports of port() in them; they decide about milters, ports and AUTH."""

    def __init__(self, root, pki, sink_port):
        self.root = root
        self.sink_port = sink_port
        self.process = None
        self.ports = []
        os.mkdir(root, 0o755)
        for name, mode in (("mqueue", 0o700), ("sasl2", 0o755)):
            os.mkdir(os.path.join(root, name), mode)
        for name in ("aliases", "local-host-names", "trusted-users", "statistics"):
            write(os.path.join(root, name), "")
        write(os.path.join(root, "switch"), "hosts files\naliases files\n")
        write(os.path.join(root, "key.pem"), read(pki.key("server")), 0o600)
        write(os.path.join(root, "cert.pem"), read(pki.crt("server")))
        write(os.path.join(root, "ca.pem"), read(pki.trusted_authorities))
        self.environment = dict(os.environ, LD_LIBRARY_PATH=LIBRARIES, OPENSSL_CONF="/dev/null")
        run([os.path.dirname(PROGRAM) + "/makemap", "-C", "/dev/null", "hash", os.path.join(root, "access.db")],
            input=b"Connect:127.9.8 RELAY\n", env=self.environment)
        self._sasl()

    def _sasl(self):
        database = os.path.join(self.root, "sasldb2")
        write(os.path.join(self.root, "sasl2", "Sendmail.conf"),
              "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: %s\n" % database)
        for user in (USER, OTHER_USER):
            run(["saslpasswd2", "-p", "-c", "-f", database, "-u", HOSTNAME, user], input=PASSWORD.encode())
        os.chmod(database, 0o600)

    @staticmethod
    def missing():
        """Why it cannot run here, or None."""
        if os.geteuid() != 0:
            return "needs root"
        if not os.access(PROGRAM, os.X_OK):
            return "there is no %s; contrib/setup puts it there" % PROGRAM
        if os.spawnvp(os.P_WAIT, "unshare", ["unshare", "-um", "true"]) != 0:
            return "no private namespaces here"
        return None

    def port(self):
        """A port number for the snippet to name."""
        self.ports.append(free_port())
        return self.ports[-1]

    def start(self, snippet):
        values = {"cf": ROOT + "/usr/share/sendmail/cf", "root": self.root, "hostname": HOSTNAME,
                  "sink": str(self.sink_port)}
        text = re.sub("@(\\w+)@", lambda found: values[found.group(1)], HEAD) + snippet + TAIL
        write(os.path.join(self.root, "sendmail.mc"), text)
        write(os.path.join(self.root, "sendmail.cf"), run(["m4", os.path.join(self.root, "sendmail.mc")]).decode())
        # A host name with a dot, and the one folder in which SASL finds its configuration, for this process alone.
        inside = 'hostname "$1" && mount --bind sasl2 /usr/lib/sasl2 && exec "$2" -bD -q1m -C"$3" -X transcript'
        command = ["unshare", "-um", "sh", "-c", inside, "sh", HOSTNAME, PROGRAM, self.root + "/sendmail.cf"]
        self.process = start(command, os.path.join(self.root, "output"), env=self.environment, cwd=self.root)
        for number in self.ports:
            wait_for(lambda: self._answers(number), "Sendmail on port %d" % number)

    def _answers(self, number):
        if self.process.poll() is not None:
            raise Failure("Sendmail ended: " + read(os.path.join(self.root, "output")))
        try:
            with socket.create_connection(("127.0.0.1", number), 1):
                return True
        except OSError:
            return False

    def stop(self):
        if self.process:
            stop(self.process)
            self.process = None

    def log(self):
        """What was said on every connection."""
        return read(os.path.join(self.root, "transcript"))

    def held(self, queue_id):
        """The reason with which that message is quarantined, or None."""
        for path in glob.glob(os.path.join(self.root, "mqueue", "hf" + queue_id)):
            for line in read(path).splitlines():
                if line.startswith("q"):
                    return line[1:]
        return None

    def release(self, queue_id):
        """Let a quarantined message go, as sfdc-milter(8) says."""
        command = [PROGRAM, "-C" + self.root + "/sendmail.cf", "-qQ", "-qI" + queue_id, "-Q"]
        run(["unshare", "-um", "sh", "-c", 'hostname "$1" && shift && exec "$@"', "sh", HOSTNAME] + command,
            env=self.environment, cwd=self.root)
