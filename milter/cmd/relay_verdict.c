/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/relay_verdict.h"

const unsigned relay_ports[RELAY_PORTS] = { 25, 587, 10025, 11025 };

bool relay_port_allowed(unsigned port)
{
	for (size_t i = 0; i < RELAY_PORTS; i++)
		if (relay_ports[i] == port)
			return true;
	return false;
}

static const struct {
	const char *name;
	const char *title;
} settings[RELAY_SETTINGS] = {
#define X(enumerator, name, title) [enumerator] = { name, title },
	RELAY_SETTINGS_LIST(X)
#undef X
};

const char *relay_setting_name(enum relay_setting setting)
{
	return settings[setting].name;
}

const char *relay_setting_title(enum relay_setting setting)
{
	return settings[setting].title;
}

static struct relay_outcome fails(enum words words)
{
	struct relay_outcome outcome = { .words = words };
	return outcome;
}

/* What is logged for a session that stopped before TLS mattered, or in it. */
static enum words words_of(const struct relay_seen *seen)
{
	bool late = seen->failure == RELAY_TIMEOUT;
	bool refused = seen->failure == RELAY_REFUSED;
	bool closed = seen->failure == RELAY_CLOSED;
	switch (seen->step) {
	case RELAY_CONNECT:
		return late ? WORDS_CONNECT_TIMEOUT : WORDS_UNREACHABLE;
	case RELAY_BANNER:
		return refused ? WORDS_NONE : closed ? WORDS_CLOSED : WORDS_NO_BANNER;
	case RELAY_EHLO:
	case RELAY_TLS_EHLO:
		return refused ? WORDS_NONE : closed ? WORDS_CLOSED : WORDS_NO_EHLO;
	case RELAY_STARTTLS:
		return seen->starttls_offered ? WORDS_STARTTLS_REFUSED : WORDS_STARTTLS_ABSENT;
	case RELAY_HANDSHAKE:
		return WORDS_HANDSHAKE;
	case RELAY_DONE:
		break;
	}
	return WORDS_NONE;
}

static struct relay_outcome in_clear(const struct relay_seen *seen)
{
	struct relay_outcome outcome = { .delivers = true };
	if (seen->step < RELAY_STARTTLS)
		return fails(words_of(seen));
	if (seen->mail_wants_tls)
		return fails(WORDS_TLS_WANTED);
	outcome.fallback = seen->starttls_offered;
	return outcome;
}

static struct relay_outcome with_tls(const struct relay_seen *seen)
{
	struct relay_outcome outcome = { .delivers = true, .encrypted = true };
	if (seen->step != RELAY_DONE)
		return fails(words_of(seen));
	outcome.verified = seen->chain == RELAY_CHAIN_GOOD && seen->name_matches;
	return outcome;
}

static struct relay_outcome verified(const struct relay_seen *seen)
{
	struct relay_outcome outcome = with_tls(seen);
	if (outcome.delivers && seen->chain != RELAY_CHAIN_GOOD)
		return fails(WORDS_CHAIN);
	if (outcome.delivers && !seen->name_matches)
		return fails(WORDS_NAME);
	return outcome;
}

/*
 * Whether a client that need not have TLS goes on without it, in this session or in another one. Not after STARTTLS that got
 * no answer: the connection counts as broken then, not TLS.
 */
static bool goes_on(const struct relay_seen *seen)
{
	switch (seen->step) {
	case RELAY_CONNECT:
	case RELAY_BANNER:
	case RELAY_EHLO:
	case RELAY_DONE:
		return false;
	case RELAY_STARTTLS:
		return !seen->starttls_offered || seen->failure == RELAY_REFUSED;
	case RELAY_HANDSHAKE:
		return true;
	case RELAY_TLS_EHLO:
		return seen->failure == RELAY_CLOSED || seen->failure == RELAY_TIMEOUT;
	}
	return false;
}

struct relay_outcome relay_judge(const struct relay_seen *seen, enum relay_setting setting)
{
	struct relay_outcome outcome = fails(WORDS_NONE);
	switch (setting) {
	case RELAY_OFF:
		outcome = in_clear(seen);
		outcome.fallback = false;
		break;
	case RELAY_PREFERRED:
		outcome = goes_on(seen) ? in_clear(seen) : with_tls(seen);
		break;
	case RELAY_PREFERRED_VERIFY_ENDS:
		outcome = seen->step == RELAY_STARTTLS && !seen->starttls_offered ? in_clear(seen) : verified(seen);
		break;
	case RELAY_PREFERRED_VERIFY_CLEAR:
		outcome = verified(seen);
		if (!outcome.delivers)
			outcome = in_clear(seen);
		break;
	case RELAY_REQUIRED:
		outcome = with_tls(seen);
		break;
	case RELAY_REQUIRED_VERIFY:
		outcome = verified(seen);
		break;
	case RELAY_SETTINGS:
		break;
	}
	return outcome;
}

bool relay_name_matches(struct span host, struct span name)
{
	if (host.length > 0 && host.at[host.length - 1] == '.')
		host.length--;
	if (host.length == 0 || name.length == 0)
		return false;
	if (span_equal_nocase(host, name))
		return true;
	struct span parent = span_slice(host, span_find(host, 0, '.'), host.length);
	/* Not for a whole top-level domain. */
	return name.length > 2 && name.at[0] == '*' && span_find(parent, 1, '.') < parent.length
	       && span_equal_nocase(parent, span_slice(name, 1, name.length));
}
