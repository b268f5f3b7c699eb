# SPDX-License-Identifier: BSD-2-Clause
"""
A machine of its own for trying what README says: Debian's Postfix as it is installed, in private namespaces, so that
every path and port can be used as written. Nothing of it is seen from outside, and it ends with the process.

What differs from a real machine stands here and nowhere else:
- systemctl and journalctl are stand-ins, for there is no systemd: they do what the service unit says, and show what came
  to /dev/log.
- The name server is one on loopback, mail goes on to a sink there, the laboratory's authorities are among those of
  ca-certificates, and a client on loopback may pretend to be another (XCLIENT).
- Without a fresh root (t/check-fresh makes one), folders of this machine are covered by copies or empty ones, and the
  programs are those that were built, not installed.
"""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import threading

from .process import TIMEOUT, Failure, read, run, sanitized, write

INSIDE = "MACHINE_INSIDE"

SYSTEMCTL = """#!/bin/sh
set -eu
for unit in /etc/systemd/system /lib/systemd/system; do
    unit=$unit/sfdc-milter.service
    [ ! -e "$unit" ] || break
done
[ -e "$unit" ] || { echo "no such unit" >&2; exit 5; }
say() { sed -n "s/^$1=//p" "$unit"; }
case "$*" in
"enable --now sfdc-milter")
    grep -qx 'WantedBy=multi-user.target' "$unit"
    mkdir -m "$(say RuntimeDirectoryMode)" "/run/$(say RuntimeDirectory)"
    $(say ExecStart) > /run/standin.out 2>&1 < /dev/null &
    echo $! > /run/standin.pid
    for try in $(seq 300); do
        kill -0 $!
        [ ! -S /run/sfdc-milter/sfdc-milter.sock ] || exit 0
        sleep 0.1
    done
    exit 1 ;;
"reload sfdc-milter")
    MAINPID=$(cat /run/standin.pid)
    export MAINPID
    say ExecReload | while read -r command; do sh -c "$command"; done ;;
"disable --now sfdc-milter")
    pid=$(cat /run/standin.pid)
    kill "$pid"
    while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
    rm -r "/run/$(say RuntimeDirectory)" ;;
"reload postfix")
    postfix reload ;;
*)
    echo "the stand-in for systemctl does not know: $*" >&2
    exit 1 ;;
esac
"""

JOURNALCTL = """#!/bin/sh
[ "$*" = "-u sfdc-milter --since today" ] || { echo "the stand-in for journalctl does not know: $*" >&2; exit 1; }
grep -a 'sfdc-milter\\[' /run/journal || true
"""

# For the programs as they were built, whose configuration has another place.
WRAPPERS = {
    "sfdc-milter": "#!/bin/sh\nexec '{build}/sfdc-milter' -c /etc/sfdc-milter/sfdc-milter.yaml \"$@\"\n",
    "sfdc-relayctl": "#!/bin/sh\nname=$1\nshift\n"
                     "case $name in explain) exec '{build}/sfdc-relayctl' \"$name\" \"$@\" ;; esac\n"
                     "exec '{build}/sfdc-relayctl' \"$name\" -c /etc/sfdc-milter/sfdc-milter.yaml \"$@\"\n",
}

# What Debian's package makes of its main.cf for an "Internet Site".
SITE = """smtpd_relay_restrictions = permit_mynetworks permit_sasl_authenticated defer_unauth_destination
myhostname = relay.example.com
alias_maps = hash:/etc/aliases
alias_database = hash:/etc/aliases
mydestination = $myhostname, localhost
relayhost =
mynetworks = 127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128
mailbox_size_limit = 0
recipient_delimiter = +
inet_interfaces = all
inet_protocols = all
"""


def enter(root):
    """Start this very program again in namespaces of its own. Returns inside; False where there are none."""
    if INSIDE in os.environ:
        return True
    command = ["unshare", "--mount", "--net", "--uts", "--pid", "--fork", "--kill-child"]
    if subprocess.run(command + ["true"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        return False
    sys.stdout.flush()
    os.environ[INSIDE] = root or "/"
    # The shell is the first process there, and takes leave of orphans that end.
    init = ["sh", "-c", '"$@" & wait $!', "sh", sys.executable, "-B"]
    done = subprocess.run(command + init + sys.argv, check=False)
    sys.exit(done.returncode)


class Machine:
    """root: that of a fresh system with Postfix and our programs installed; "" for this one, covered where need be."""

    def __init__(self, lab, root, build):
        self.lab = lab
        self.root = root.rstrip("/")
        self.build = build
        run(["hostname", "relay.example.com"])
        run(["ip", "link", "set", "lo", "up"])
        if self.root:
            self._enter_fresh()
        else:
            self._cover()
        self._journal()
        write(self.path("/etc/hosts"), "127.0.0.1 localhost\n127.0.0.1 relay.example.com relay\n")
        write(self.path("/etc/mailname"), "relay.example.com\n")
        for name, text in (("systemctl", SYSTEMCTL), ("journalctl", JOURNALCTL)):
            write(self.path("/usr/local/sbin/" + name), text, 0o755)

    def path(self, name):
        """Where that file of the machine is for us."""
        return self.root + name

    def _enter_fresh(self):
        run(["mount", "--bind", self.root, self.root])
        for command in (["mount", "-t", "proc", "proc", self.path("/proc")],
                        ["mount", "-t", "tmpfs", "tmpfs", self.path("/run")]):
            run(command)

    def _cover(self):
        """Put copies or empty folders over what README's commands change."""
        run(["mount", "-t", "proc", "proc", "/proc"])
        for name in ("/etc", "/dev", "/run", "/usr/local/sbin", "/usr/local/bin", "/var/spool/postfix", "/var/lib/postfix"):
            cover = self.lab.folder("machine" + name.replace("/", "-"))
            if name == "/etc":
                shutil.copytree(name, cover, symlinks=True)
            else:
                os.mkdir(cover)
            if name == "/dev":
                self._devices(cover)
            run(["mount", "--rbind", cover, name])
        # At its first place it would keep the folder from being removed.
        run(["umount", "--recursive", "--lazy", self.lab.folder("machine-dev")])
        for folder in ("/etc", "/var/spool/postfix", "/var/lib/postfix"):
            os.chmod(folder, 0o755)
        os.chown("/var/lib/postfix", pwd.getpwnam("postfix").pw_uid, -1)
        for name, text in WRAPPERS.items():
            write("/usr/local/sbin/" + name, text.format(build=self.build), 0o755)
        unit = read(os.path.join(os.environ["SRCDIR"], "contrib/systemd/sfdc-milter.service.in"))
        write("/etc/systemd/system/sfdc-milter.service",
              unit.replace("@sbindir@", "/usr/local/sbin").replace("@sysconfdir@", "/etc"))
        self._stock_postfix()

    @staticmethod
    def _devices(folder):
        run(["mount", "-t", "tmpfs", "tmpfs", folder])
        for name in ("null", "zero", "full", "random", "urandom", "tty"):
            write(os.path.join(folder, name), "")
            run(["mount", "--bind", "/dev/" + name, os.path.join(folder, name)])
        os.mkdir(os.path.join(folder, "shm"), 0o1777)
        for name, to in (("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
            os.symlink(to, os.path.join(folder, name))

    @staticmethod
    def _stock_postfix():
        share = "/usr/share/postfix/"
        shutil.rmtree("/etc/postfix/sasl", ignore_errors=True)
        stock = read(share + "main.cf.debian") + read(share + "main.cf.tls")
        names = {line.split("=")[0].strip() for line in SITE.splitlines()}
        kept = [line for line in stock.splitlines() if line.split("=")[0].strip() not in names]
        write("/etc/postfix/main.cf", "\n".join(kept) + "\n" + SITE)
        shutil.copy(share + "master.cf.dist", "/etc/postfix/master.cf")
        # What the package ssl-cert does when it is installed.
        run(["make-ssl-cert", "generate-default-snakeoil"])
        write("/etc/aliases", "postmaster: root\n")
        run(["newaliases"])

    def _journal(self):
        """A /dev/log, whatever comes there goes to /run/journal."""
        path = self.path("/dev/log")
        log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        log.bind(path)
        os.chmod(path, 0o666)
        journal = open(self.path("/run/journal"), "ab", buffering=0)

        def listen():
            while True:
                journal.write(log.recv(65536).rstrip(b"\n\0") + b"\n")
        threading.Thread(target=listen, daemon=True).start()

    def log(self):
        return read(self.path("/run/journal"))

    def start_postfix(self):
        """As the machine's own start does."""
        write(self.path("/etc/resolv.conf"), "nameserver 127.0.0.1\n")
        with open(self.path("/etc/ssl/certs/ca-certificates.crt"), "a", encoding="ascii") as file:
            file.write(read(self.lab.pki.trusted_authorities))
        self.run("postconf -e 'relayhost=[127.0.0.1]:%d' smtpd_authorized_xclient_hosts=127.0.0.1" % self.lab.sink.port)
        # What the chroot needs; Debian 13's Postfix sees to it by itself.
        self.run("helper=/usr/lib/postfix/configure-instance.sh; ! grep -q '^INSTANCE=' $helper || $helper -")
        self.run("postfix start")

    def run(self, text, folder="/", must=True):
        """Let the machine's shell run this as its administrator would; returns standard output."""
        environment = sanitized({**os.environ, "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"})
        environment.pop("TMPDIR", None)
        command = ["chroot", self.root] if self.root else []
        command += ["sh", "-euc", 'cd "$1"; shift; eval "$1"', "sh", folder, text]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                              timeout=TIMEOUT * 4, env=environment)
        if must and done.returncode != 0:
            said = (done.stdout + done.stderr).decode(errors="replace")
            raise Failure("%s: exit %d: %s\n%s" % (text, done.returncode, said, self.log()[-2000:]))
        return done.stdout.decode()
