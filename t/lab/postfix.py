# SPDX-License-Identifier: BSD-2-Clause
"""A private Postfix: its own configuration, queue, log and ports."""

import grp
import json
import os
import pwd
import signal
import socket

from .process import Failure, free_port, read, run, start, stop, wait_for, write

HOSTNAME = "relay.test"
USER = "sfuser"
OTHER_USER = "someone"
PASSWORD = "secret"

MAIN = """compatibility_level = 3.6
queue_directory = {root}/spool
data_directory = {root}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file_prefixes = {root}
maillog_file = {root}/mail.log
import_environment = OPENSSL_CONF=/dev/null MAIL_CONFIG=$config_directory
inet_interfaces = 127.0.0.1
inet_protocols = all
myhostname = {hostname}
mydestination =
mynetworks =
alias_maps =
alias_database =
local_recipient_maps =
local_transport = error:no local mail
relay_domains = dest.test
relay_transport = relay:[127.0.0.1]:{sink}
default_transport = smtp:[127.0.0.1]:{sink}
disable_dns_lookups = yes
smtp_host_lookup = native
smtpd_authorized_xclient_hosts = 127.0.0.1
local_header_rewrite_clients =
smtpd_client_connection_count_limit = 0
smtpd_error_sleep_time = 0
smtpd_hard_error_limit = 1000
smtpd_soft_error_limit = 1000
smtpd_recipient_restrictions =
smtpd_tls_security_level = may
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {key}
smtpd_tls_CAfile = {authorities}
smtpd_tls_ask_ccert = yes
smtpd_tls_loglevel = 1
tls_random_source = dev:/dev/urandom
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = cyrus
smtpd_sasl_path = smtpd
cyrus_sasl_config_path = {root}/etc/sasl
smtpd_sasl_security_options = noanonymous
milter_default_action = tempfail
milter_connect_timeout = 10s
milter_command_timeout = 30s
milter_content_timeout = 60s
"""

# What a port is unless its options say otherwise: relaying for AUTH and for listed client addresses, as a relay for
# Salesforce has to; old TLS is let through, so that it is the milter that refuses it.
PORT = {
    "smtpd_relay_restrictions": "permit_sasl_authenticated,check_client_access,cidr:{root}/etc/clients.cidr,"
                                "reject_unauth_destination",
    "smtpd_tls_protocols": ">=TLSv1",
    "smtpd_tls_mandatory_protocols": ">=TLSv1",
    "smtpd_tls_ciphers": "low",
    "tls_low_cipherlist": "ALL:@SECLEVEL=0",
    "smtpd_forbid_bare_newline": "yes",
}

CLIENTS = "13.108.0.0/14 OK\n96.43.144.0/20 OK\n"

SERVICES = """pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """
    Add ports, then start(). port() takes options of master.cf; service() a piece of master.cf as it ships.
    main: lines added to main.cf.
    """

    def __init__(self, root, pki, sink_port, main=""):
        self.root = root
        self.etc = os.path.join(root, "etc")
        self.master = ""
        self.process = None
        self.ports = []
        self._folders()
        # Postfix waits until its files are a few seconds old.
        write(os.path.join(self.etc, "main.cf"), MAIN.format(
            root=root, hostname=HOSTNAME, sink=sink_port, certificate=pki.crt("server"), key=pki.key("server"),
            authorities=pki.trusted_authorities) + main, age=60)
        write(os.path.join(self.etc, "clients.cidr"), CLIENTS)
        self._sasl()

    def _folders(self):
        # What "postfix check" would make, in a hundredth of the time.
        postfix, postdrop = pwd.getpwnam("postfix").pw_uid, grp.getgrnam("postdrop").gr_gid
        for name in ("", "etc", "spool", "spool/pid"):
            os.mkdir(os.path.join(self.root, name), 0o755)
        for name in ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private",
                     "saved", "trace"):
            self._folder("spool/" + name, 0o700, postfix, 0)
        self._folder("data", 0o700, postfix, 0)
        self._folder("spool/public", 0o710, postfix, postdrop)
        self._folder("spool/maildrop", 0o1730, postfix, postdrop)

    def _folder(self, name, mode, user, group):
        path = os.path.join(self.root, name)
        os.mkdir(path)
        os.chown(path, user, group)
        os.chmod(path, mode)

    def _sasl(self):
        # Debian 12's Postfix looks only here, whatever cyrus_sasl_config_path says; later ones only there.
        folder = os.path.join(self.etc, "sasl")
        database = os.path.join(folder, "sasldb2")
        os.mkdir(folder, 0o750)
        write(os.path.join(folder, "smtpd.conf"),
              "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN LOGIN\nsasldb_path: %s\n" % database)
        for user in (USER, OTHER_USER):
            run(["saslpasswd2", "-p", "-c", "-f", database, "-u", HOSTNAME, user], input=PASSWORD.encode())
        for path, mode in ((folder, 0o750), (database, 0o640)):
            os.chown(path, 0, grp.getgrnam("postfix").gr_gid)
            os.chmod(path, mode)

    def port(self, milter=None, **options):
        """One more smtpd; milter: its socket as in smtpd_milters. Returns the port number."""
        number = free_port()
        settings = dict(PORT, smtpd_milters=milter or "", **options)
        lines = ["  -o {%s = %s}" % (name, value.format(root=self.root)) for name, value in settings.items()]
        self.service(number, "%d inet n - n - - smtpd\n%s\n" % (number, "\n".join(lines)))
        return number

    def service(self, number, text):
        """A piece of master.cf that listens on that port."""
        self.ports.append(number)
        self.master += text

    def start(self):
        write(os.path.join(self.etc, "master.cf"), self.master + SERVICES, age=60)
        self._begin()

    def restart(self):
        """Start again with main.cf and master.cf as somebody has changed them meanwhile."""
        self.stop()
        for name in ("main.cf", "master.cf"):
            path = os.path.join(self.etc, name)
            write(path, read(path), age=60)
        self._begin()

    def _begin(self):
        self.process = start(["/usr/lib/postfix/sbin/master", "-s", "-c", self.etc],
                             os.path.join(self.root, "master.out"), env=dict(os.environ, MAIL_CONFIG=self.etc))
        for number in self.ports:
            wait_for(lambda: self._answers(number), "Postfix on port %d" % number)

    def _answers(self, number):
        if self.process.poll() is not None:
            raise Failure("Postfix ended: " + read(os.path.join(self.root, "master.out")) + self.log()[-2000:])
        try:
            with socket.create_connection(("127.0.0.1", number), 1):
                return True
        except OSError:
            return False

    def reload(self):
        write(os.path.join(self.etc, "master.cf"), self.master + SERVICES, age=60)
        self.process.send_signal(signal.SIGHUP)

    def stop(self):
        if self.process:
            stop(self.process)
            self.process = None

    def log(self):
        return read(os.path.join(self.root, "mail.log"))

    def queue(self):
        """The queue: one object per message, as postqueue -j gives them."""
        return [json.loads(line) for line in run(["postqueue", "-c", self.etc, "-j"]).splitlines()]

    def held(self, queue_id):
        """Whether that message waits in the hold queue."""
        return any(entry["queue_id"] == queue_id and entry["queue_name"] == "hold" for entry in self.queue())

    def release(self, queue_id):
        """Let a held message go."""
        run(["postsuper", "-c", self.etc, "-H", queue_id])
        run(["postqueue", "-c", self.etc, "-f"])
