# SPDX-License-Identifier: BSD-2-Clause
"""What is expected of one message, as one point of a test each."""

import re

SENTENCE = "tls and message and org and from and envelope and verp and (cert or auth or ip)"


def config(orgs, **top):
    """
    A configuration. orgs: {Org: {option: value}}; what every test needs is filled in: enforcing, a policy without
    look-ups, no SPF names, Salesforce's documented networks left out; relay is Postfix's way to the domains of the
    laboratory alone, and stays inside.
    """
    sections = {}
    for number, (org, options) in enumerate(orgs.items()):
        sections[org.id] = {"name": "org%d" % number, "domains": [org.domain], **options}
    defaults = {"reject_unless": SENTENCE, "ip": {"spf": []}}
    defaults.update(top.pop("defaults", {}))
    return {"mode": "enforce", "local_mailers": ["relay"], "defaults": defaults, **top, "orgs": sections}


def _differences(outcome, expected):
    return {key: outcome.log.get(key) for key, value in expected.items() if outcome.log.get(key) != value}


def logged(tap, outcome, name, **expected):
    """The log line holds these keys with these values; None: the key is absent."""
    return tap.ok(not _differences(outcome, expected), name, outcome=outcome, expected=expected)


def accepted(tap, outcome, name, **expected):
    """Taken by the server, and the log says accept (or whatever verdict is expected)."""
    expected.setdefault("verdict", "accept")
    good = outcome.stage == "end" and outcome.reply.code == 250 and outcome.queue_id \
        and outcome.log.get("qid") == outcome.queue_id and not _differences(outcome, expected)
    return tap.ok(good, name, outcome=outcome, expected=expected)


def told_reasons(log):
    """How the reply names the reasons that the log has: each once, four at most."""
    reasons = list(dict.fromkeys(log.get("reasons", log.get("reason", "")).split(",")))
    return ",".join(reasons[:4] + ["..."] * (len(reasons) > 4))


def refused(tap, outcome, name, reason, reply="550 5.7.1", stage="end", verdict="reject", **expected):
    """
    Refused at that stage with that reply; the reply names the reasons and the log's sid, and the log names the reason
    and the reply.
    """
    expected.update(verdict=verdict, reason=reason, reply=reply)
    # Sendmail puts the address before the text of its replies to MAIL and RCPT.
    text = re.sub(r"<\S*>\.\.\. ", "", str(outcome.reply), count=1)
    good = outcome.stage == stage and text.startswith("%s %s: " % (reply, told_reasons(outcome.log))) \
        and "(id %s)" % outcome.log.get("sid") in text and not _differences(outcome, expected)
    return tap.ok(good, name, outcome=outcome, expected="%s at %s; log: %s" % (reply, stage, expected))
