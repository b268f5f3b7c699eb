/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/access_table.h"

#include <stdio.h>
#include <string.h>

#include "cmd/postfix_setup.h"
#include "cmd/socket_place.h"
#include "core/socket_name.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The text up to the end of the last line that goes on with the one before: it begins with white space. */
static struct span take_continued(struct span *rest, struct span text)
{
	struct span after = *rest, line;
	while (span_next_line(&after, &line)) {
		struct span words = span_trim(line);
		if (words.length == 0 || words.at[0] == '#')
			continue;
		if (!is_blank(line.at[0]))
			break;
		text.length = (size_t)(line.at + line.length - text.at);
		*rest = after;
	}
	return text;
}

bool access_next_row(struct span *rest, struct span *key_r, struct span *value_r)
{
	for (struct span line; span_next_line(rest, &line);) {
		struct span words = span_trim(line);
		if (words.length == 0 || words.at[0] == '#' || is_blank(line.at[0]))
			continue;
		size_t space = 0;
		while (space < words.length && !is_blank(words.at[space]))
			space++;
		*key_r = span_slice(words, 0, space);
		words = take_continued(rest, words);
		*value_r = span_trim(span_slice(words, space, words.length));
		return true;
	}
	return false;
}

static bool all_digits(struct span word)
{
	for (size_t i = 0; i < word.length; i++)
		if (!ascii_digit(word.at[i]))
			return false;
	return word.length != 0;
}

static bool is_one_of(struct span word, const char *const *names)
{
	for (; *names; names++)
		if (span_equal_nocase(word, span_of(*names)))
			return true;
	return false;
}

/* A word by which a row ends, whatever comes behind; ACCESS_UNKNOWN: it is none. */
static enum access_action read_first(struct span word)
{
	static const char *const passes[] = { "DUNNO", "HOLD",  "DISCARD",  "FILTER",          "PREPEND",
		                                  "WARN",  "INFO",  "REDIRECT", "DEFER_IF_PERMIT", "DEFER_IF_REJECT",
		                                  "BCC",   "DELAY", NULL };
	static const char *const permits[] = { "OK", "RELAY", NULL };
	static const char *const denies[] = { "REJECT", "DEFER", NULL };
	if (is_one_of(word, passes))
		return ACCESS_PASS;
	if (all_digits(word) && word.length == 3 && (word.at[0] == '4' || word.at[0] == '5'))
		return ACCESS_DENY;
	if (is_one_of(word, permits) || all_digits(word))
		return ACCESS_PERMIT;
	return is_one_of(word, denies) ? ACCESS_DENY : ACCESS_UNKNOWN;
}

/* One of the restrictions of which a row is made; ACCESS_PASS: the next one counts. */
static enum access_action read_restriction(struct span word)
{
	static const char *const denies[] = { "reject", "defer", "reject_unauth_destination", "defer_unauth_destination",
		                                  NULL };
	if (span_equal_nocase(word, span_of("permit_sasl_authenticated")))
		return ACCESS_AUTH;
	if (span_equal_nocase(word, span_of("permit_auth_destination")))
		return ACCESS_PASS;
	if (span_starts_nocase(word, span_of("permit")))
		return ACCESS_PERMIT;
	if (is_one_of(word, denies))
		return ACCESS_DENY;
	return span_starts_nocase(word, span_of("reject_")) || span_starts_nocase(word, span_of("defer_")) ? ACCESS_PASS
	                                                                                                   : ACCESS_UNKNOWN;
}

/* The next word; a comment between the lines of a row is none. */
static bool next_word(struct span *rest, struct span *word_r)
{
	while (postfix_next(rest, word_r)) {
		if (word_r->length == 0 || word_r->at[0] != '#')
			return true;
		*rest = span_slice(*rest, span_find(*rest, 0, '\n'), rest->length);
	}
	return false;
}

enum access_action access_read(struct span value)
{
	struct span word;
	bool auth = false;
	if (!next_word(&value, &word))
		return ACCESS_PASS;
	enum access_action action = read_first(word);
	if (action != ACCESS_UNKNOWN)
		return action;
	do {
		action = read_restriction(word);
		auth = auth || action == ACCESS_AUTH;
		if (action != ACCESS_AUTH && action != ACCESS_PASS)
			break;
	} while (next_word(&value, &word));
	return auth && action != ACCESS_PERMIT && action != ACCESS_UNKNOWN ? ACCESS_AUTH : action;
}

bool access_network(struct span text, struct network *network_r)
{
	static const char *const rest[] = { ".0.0.0/8", ".0.0/16", ".0/24" };
	size_t slash = span_find(text, 0, '/');
	struct span host = socket_name_bare(span_slice(text, 0, slash));
	char whole[ADDRESS_TEXT_SIZE + 16];
	size_t dots = 0;
	if (text.length == 0 || text.length >= ADDRESS_TEXT_SIZE + 4)
		return false;
	snprintf(whole, sizeof whole, "%.*s%.*s", (int)host.length, host.at, (int)(text.length - slash), text.at + slash);
	if (network_parse(span_of(whole), network_r) != NETWORK_MALFORMED)
		return true;
	for (size_t i = 0; i < text.length; i++)
		dots += text.at[i] == '.' && i + 1 != text.length;
	if (text.at[text.length - 1] == '.')
		text.length--;
	if (slash < text.length || dots > 2)
		return false;
	snprintf(whole, sizeof whole, "%.*s%s", (int)text.length, text.at, rest[dots]);
	return network_parse(span_of(whole), network_r) == NETWORK_OK;
}

static bool is_below(struct span name, struct span domain)
{
	return span_equal_nocase(name, domain)
	       || (name.length > domain.length && span_ends_nocase(name, domain)
	           && name.at[name.length - domain.length - 1] == '.');
}

bool access_names_salesforce(struct span name)
{
	if (name.length != 0 && name.at[0] == '.')
		name = span_slice(name, 1, name.length);
	return name.length != 0
	       && (is_below(name, span_of("salesforce.com")) || is_below(span_of("smtp.mta.salesforce.com"), name));
}

/* RFC 6890 */
bool access_is_internal(const struct network *network)
{
	static const char *const blocks[] = { "10.0.0.0/8",     "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8",
		                                  "169.254.0.0/16", "100.64.0.0/10", "192.0.2.0/24",   "198.51.100.0/24",
		                                  "203.0.113.0/24", "::1/128",       "fc00::/7",       "fe80::/10",
		                                  "2001:db8::/32" };
	struct network block;
	for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++)
		if (network_parse(span_of(blocks[i]), &block) == NETWORK_OK && network_covers(&block, network))
			return true;
	return false;
}
