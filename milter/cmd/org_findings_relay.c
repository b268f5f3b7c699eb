/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/org_findings.h"

#include "cmd/relay_verdict.h"
#include "core/checks.h"
#include "core/network.h"
#include "org_findings_private.h"

static void tell_tls(const struct telling *telling, const struct org_record *relay, const char *about)
{
	static const struct {
		const char *name;
		const char *what;
	} weak[] = {
		{ "Off", "Off, so that mail and login travel in clear" },
		{ "Preferred", "Preferred, so that mail travels in clear where STARTTLS is missing or was taken away" },
		{ "PreferredVerify",
		  "Preferred Verify, so that mail may travel in clear where the certificate cannot be verified" },
		{ "Required", "Required, so that whoever is between can show a certificate of his own" },
	};
	struct span setting = span_trim(org_text(relay, ORG_TLS_SETTING));
	struct shown shown;
	if (org_is_unknown(telling, relay, ORG_TLS_SETTING, "tls", about))
		return;
	if (span_equal_nocase(setting, span_of("RequiredVerify"))) {
		TELL(telling, FINDING_OK, "tls", "%s: the TLS setting is Required Verify", about);
		return;
	}
	for (size_t i = 0; i < sizeof weak / sizeof weak[0]; i++)
		if (span_equal_nocase(setting, span_of(weak[i].name))) {
			TELL(telling, FINDING_FIX, "tls", "%s: the TLS setting is %s; set it to Required Verify", about,
			     weak[i].what);
			return;
		}
	TELL(telling, FINDING_FIX, "tls", "%s: the TLS setting is \"%s\", which is not known; set it to Required Verify",
	     about, org_show(&shown, setting));
}

static void tell_port(const struct telling *telling, const struct org_record *relay, const char *about)
{
	struct span text = span_trim(org_text(relay, ORG_PORT));
	unsigned long port = 0;
	unsigned ours = telling->request->port;
	struct shown shown;
	if (org_is_unknown(telling, relay, ORG_PORT, "port", about))
		return;
	if (!span_number(text, 65535, &port) || !relay_port_allowed((unsigned)port))
		TELL(telling, FINDING_FIX, "port",
		     "%s: the port \"%s\" is none that Salesforce sends to: 25, 587, 10025 and 11025", about,
		     org_show(&shown, text));
	else if (ours == 0)
		TELL(telling, FINDING_OK, "port",
		     "%s: the port is %lu; with -c or --port it is compared with the one that the milter guards", about, port);
	else if (port != ours)
		TELL(telling, FINDING_FIX, "port",
		     "%s: the port is %lu, but the milter guards %u: what comes in elsewhere is not judged; set it to %u, "
		     "or say with "
		     "--port which one is guarded",
		     about, port, ours, ours);
	else
		TELL(telling, FINDING_OK, "port", "%s: the port is %lu, which the milter guards", about, port);
}

static void tell_auth(const struct telling *telling, const struct org_record *relay, const char *about)
{
	const struct org *org = org_configured(telling);
	struct span user = org_text(relay, ORG_USERNAME);
	struct shown shown;
	enum org_flag flag = org_flag(relay, ORG_REQUIRE_AUTH);
	if (flag == ORG_FLAG_YES) {
		TELL(telling, FINDING_OK, "auth",
		     "%s: Salesforce logs in as \"%s\"; auth.users has to hold what auth= in the log shows", about,
		     org_show(&shown, user));
		return;
	}
	if (flag != ORG_FLAG_NO && org_is_unknown(telling, relay, ORG_REQUIRE_AUTH, "auth", about))
		return;
	if (flag == ORG_FLAG_NO && org && org->auth.required && org_needs(org, "auth"))
		TELL(telling, FINDING_FIX, "auth",
		     "%s: Salesforce does not log in, but reject_unless of this organization cannot hold without auth: all "
		     "its mail is "
		     "refused; turn SMTP AUTH on in Salesforce",
		     about);
	else if (flag == ORG_FLAG_NO)
		TELL(telling, FINDING_ADVICE, "auth",
		     "%s: Salesforce does not log in; SMTP AUTH would tell this organization from all others; turn it on",
		     about);
}

static void tell_relay(const struct telling *telling, const struct org_record *relay)
{
	struct span host = span_trim(org_text(relay, ORG_HOST));
	struct address address;
	struct shown shown;
	char about[LOG_PRINTABLE_SIZE + 32];
	snprintf(about, sizeof about, "relay %s", span_absent(host) ? "without Host" : org_show(&shown, host));
	tell_tls(telling, relay, about);
	tell_port(telling, relay, about);
	tell_auth(telling, relay, about);
	if (!span_absent(host) && address_parse(host, &address))
		TELL(telling, FINDING_FIX, "host",
		     "%s: it is an address, which no certificate of a public CA names, so that Required Verify does not "
		     "deliver; give "
		     "Salesforce a host name",
		     about);
}

void org_tell_relays(const struct telling *telling)
{
	size_t ours = 0;
	bool differ = false;
	struct span host = { NULL, 0 };
	for (const struct org_record *relay = telling->metadata->first[ORG_RELAY]; relay; relay = relay->next) {
		struct span other = span_trim(org_text(relay, ORG_HOST));
		if (!org_relay_is_ours(telling->request, relay))
			continue;
		differ = differ || (ours > 0 && !span_equal_nocase(host, other));
		host = other;
		ours++;
		tell_relay(telling, relay);
	}
	if (differ)
		TELL(telling, FINDING_ADVICE, "relay", "there are several relays; say with --relay which one is yours");
	if (ours > 0)
		return;
	if (telling->metadata->first[ORG_RELAY])
		TELL(telling, FINDING_FIX, "relay", "no EmailRelay has the host that --relay names");
	else if (telling->metadata->asked[ORG_RELAY])
		TELL(telling, FINDING_FIX, "relay", "there is no EmailRelay: Salesforce sends mail to its recipients itself");
	else
		TELL(telling, FINDING_ADVICE, "relay",
		     "no EmailRelay is in these files, so that TLS setting and port are not known");
}
