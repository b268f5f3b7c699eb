/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/received.h"

#define BITS_MAX 65536
#define VERSION_SIZE 8 /* "TLSv1.3" */

enum clause { CLAUSE_NONE, CLAUSE_FROM, CLAUSE_BY, CLAUSE_WITH, CLAUSE_ID, CLAUSE_TLS, CLAUSE_OTHER };

struct reading {
	struct received *to;
	enum clause clause;
	bool empty; /* the clause has no value yet */
	bool tls_told;
	bool local;         /* submitted by a program */
	struct span spoken; /* behind the name in "(helo=NAME)" */
};

static bool is_white(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static size_t skip_white(struct span text, size_t at)
{
	while (at < text.length && is_white(text.at[at]))
		at++;
	return at;
}

/* The end of the comment that begins at at: behind its ")", or the end of a text that has none. */
static size_t comment_end(struct span text, size_t at)
{
	size_t depth = 0;
	for (; at < text.length; at++) {
		if (text.at[at] == '\\')
			at++;
		else if (text.at[at] == '(')
			depth++;
		else if (text.at[at] == ')' && --depth == 0)
			return at + 1;
	}
	return text.length;
}

/* The end of a quoted string that begins at at, behind its second quote. */
static size_t quoted_end(struct span text, size_t at)
{
	for (at++; at < text.length && text.at[at] != '"'; at++)
		if (text.at[at] == '\\')
			at++;
	return at < text.length ? at + 1 : text.length;
}

static size_t word_end(struct span text, size_t at)
{
	while (at < text.length && !is_white(text.at[at]) && text.at[at] != '(' && text.at[at] != ';')
		at = text.at[at] == '"' ? quoted_end(text, at) : at + 1;
	return at;
}

static bool equals(struct span text, const char *word)
{
	return span_equal_nocase(text, span_of(word));
}

static void keep(struct span *to, struct span value)
{
	if (span_absent(*to) && value.length != 0)
		*to = value;
}

/* "TLSv1.3", "TLS1.2", "TLS1_2", "TLSv1/SSLv3" */
static void take_version(struct reading *reading, struct span text)
{
	char version[VERSION_SIZE] = "TLSv";
	size_t at = 3;
	if ((!span_starts_nocase(text, span_of("TLS")) && !span_starts_nocase(text, span_of("SSL"))) || text.length < 4)
		return;
	reading->tls_told = true;
	if (!span_absent(reading->to->tls_text))
		return;
	reading->to->tls_text = text;
	at += ascii_lower(text.at[at]) == 'v';
	if (ascii_lower(text.at[0]) != 't' || at >= text.length || !ascii_digit(text.at[at]))
		return;
	version[4] = text.at[at];
	if (at + 2 < text.length && (text.at[at + 1] == '.' || text.at[at + 1] == '_') && ascii_digit(text.at[at + 2])) {
		version[5] = '.';
		version[6] = text.at[at + 2];
		at += 2;
	}
	if (at + 1 == text.length)
		reading->to->tls = tls_version_parse(span_of(version));
}

static void take_cipher(struct reading *reading, struct span text)
{
	if (text.length == 0 || equals(text, "NONE"))
		return;
	reading->tls_told = true;
	keep(&reading->to->cipher, text);
}

/* "256", "256/256" */
static void take_bits(struct reading *reading, struct span text)
{
	unsigned long bits = 0;
	if (reading->to->bits == 0 && span_number(span_slice(text, 0, span_find(text, 0, '/')), BITS_MAX, &bits))
		reading->to->bits = bits;
}

static void take_certificate(struct reading *reading, enum received_certificate certificate)
{
	if (reading->to->certificate == CERTIFICATE_UNTOLD)
		reading->to->certificate = certificate;
}

/* The next word of a comment, without commas and the parentheses within; empty at its end. */
static struct span next_word(struct span text, size_t *at)
{
	size_t from = *at;
	while (from < text.length
	       && (is_white(text.at[from]) || text.at[from] == ',' || text.at[from] == '(' || text.at[from] == ')'))
		from++;
	size_t to = from;
	while (to < text.length && !is_white(text.at[to]) && text.at[to] != ',' && text.at[to] != '(' && text.at[to] != ')')
		to = text.at[to] == '"' ? quoted_end(text, to) : to + 1;
	*at = to;
	return span_slice(text, from, to);
}

static struct span unquoted(struct span text)
{
	if (text.length >= 2 && text.at[0] == '"' && text.at[text.length - 1] == '"')
		return span_slice(text, 1, text.length - 1);
	return text;
}

/* Postfix: "using TLSv1.3 with cipher NAME (256/256 bits) ...". */
static bool take_using(struct reading *reading, struct span text)
{
	size_t at = 0;
	if (!equals(next_word(text, &at), "using"))
		return false;
	take_version(reading, next_word(text, &at));
	if (equals(next_word(text, &at), "with") && equals(next_word(text, &at), "cipher")) {
		take_cipher(reading, next_word(text, &at));
		take_bits(reading, next_word(text, &at));
	}
	return true;
}

/* "version=TLSv1.3 cipher=NAME bits=256 verify=OK" and what Exchange, Gmail and Salesforce make of it. */
static bool take_pairs(struct reading *reading, struct span text)
{
	bool found = false;
	struct span bits = span_make(NULL, 0);
	struct span verify = span_make(NULL, 0);
	struct span subject = span_make(NULL, 0);
	for (size_t at = 0; at < text.length;) {
		struct span word = next_word(text, &at);
		size_t sign = span_find(word, 0, '=');
		struct span key = span_slice(word, 0, sign);
		struct span value = unquoted(span_slice(word, sign + 1, word.length));
		if (sign == word.length)
			continue;
		if (equals(key, "version"))
			take_version(reading, value);
		else if (equals(key, "cipher"))
			take_cipher(reading, value);
		else if (equals(key, "bits"))
			keep(&bits, value);
		else if (equals(key, "verify"))
			keep(&verify, value);
		else if (equals(key, "subject"))
			keep(&subject, value);
		found = found || equals(key, "version") || equals(key, "cipher");
	}
	if (!found || !reading->tls_told)
		return found;
	take_bits(reading, bits);
	keep(&reading->to->certificate_name, subject);
	if (equals(verify, "OK"))
		take_certificate(reading, CERTIFICATE_VERIFIED);
	else if (equals(verify, "NO") || equals(verify, "NOT"))
		take_certificate(reading, CERTIFICATE_NONE);
	else if (verify.length != 0)
		take_certificate(reading, CERTIFICATE_UNVERIFIED);
	return true;
}

/* Exim: "TLS1.2", "TLS1.2:NAME:256"; Exchange: "TLS"; qmail: "NAME encrypted". */
static bool take_short(struct reading *reading, struct span text)
{
	size_t at = 0;
	struct span word = next_word(text, &at);
	struct span second = next_word(text, &at);
	size_t colon = span_find(word, 0, ':');
	if (equals(second, "encrypted")) {
		take_cipher(reading, word);
		return true;
	}
	if (second.length != 0 || word.length < 3
	    || (!span_starts_nocase(word, span_of("TLS")) && !span_starts_nocase(word, span_of("SSL"))))
		return false;
	reading->tls_told = true;
	take_version(reading, span_slice(word, 0, colon));
	if (colon < word.length) {
		size_t end = span_find(word, colon + 1, ':');
		take_cipher(reading, span_slice(word, colon + 1, end));
		take_bits(reading, span_slice(word, end + 1, word.length));
	}
	return true;
}

/* What Postfix says of the client's certificate and of AUTH, and others of AUTH. */
static bool take_client(struct reading *reading, struct span text)
{
	if (span_starts_nocase(text, span_of("authenticated"))) {
		reading->to->authenticated = true;
	} else if (span_starts_nocase(text, span_of("no client certificate requested"))
	           || span_starts_nocase(text, span_of("client did not present a certificate"))) {
		take_certificate(reading, CERTIFICATE_NONE);
	} else if (span_starts_nocase(text, span_of("client CN "))) {
		size_t at = sizeof "client CN " - 1;
		keep(&reading->to->certificate_name, unquoted(next_word(text, &at)));
		take_certificate(reading, span_ends_nocase(text, span_of("(verified OK)")) ? CERTIFICATE_VERIFIED
		                                                                           : CERTIFICATE_UNVERIFIED);
	} else {
		return false;
	}
	return true;
}

/* "13.110.74.200", "IPv6:2001:db8::1", "fe80::1%5", "10.1.2.3:44012", with or without brackets. */
static bool parse_address(struct span text, struct address *address_r)
{
	static const struct span prefix = SPAN_LITERAL("IPv6:");
	if (text.length != 0 && text.at[0] == '[') {
		size_t close = span_find(text, 0, ']');
		text = span_slice(text, 1, close);
	}
	if (span_starts_nocase(text, prefix))
		text = span_slice(text, prefix.length, text.length);
	text = span_slice(text, 0, span_find(text, 0, '%'));
	if (address_parse(text, address_r))
		return true;
	size_t colon = span_find(text, 0, ':');
	unsigned long port;
	return span_number(span_slice(text, colon + 1, text.length), 65535, &port)
	       && address_parse(span_slice(text, 0, colon), address_r);
}

static struct span without_dot(struct span name)
{
	return name.length > 1 && name.at[name.length - 1] == '.' ? span_slice(name, 0, name.length - 1) : name;
}

/* "host.example [13.110.74.200]", "[192.0.2.1]:5555 helo=NAME", "192.0.2.1", "HELO name", "user@host [192.0.2.1]". */
static void take_peer(struct reading *reading, struct span text)
{
	struct received *to = reading->to;
	for (size_t at = 0; at < text.length;) {
		struct span word = next_word(text, &at);
		size_t sign = span_find(word, 0, '=');
		struct address address;
		if (word.length == 0)
			break;
		if (parse_address(word, &address)) {
			if (to->address.family == ADDRESS_NONE)
				to->address = address;
		} else if (equals(span_slice(word, 0, sign), "helo") && sign < word.length) {
			keep(&reading->spoken, span_slice(word, sign + 1, word.length));
		} else if (equals(word, "HELO") || equals(word, "EHLO")) {
			keep(&reading->spoken, next_word(text, &at));
		} else if (sign == word.length && to->address.family == ADDRESS_NONE && span_absent(to->from_name)
		           && !equals(word, "unknown")) {
			size_t user = span_find(word, 0, '@');
			keep(&to->from_name, without_dot(user < word.length ? span_slice(word, user + 1, word.length) : word));
		}
	}
}

/* Whether a comment of the from clause is about the client: it holds an address, or begins with what the client said. */
static bool is_peer(struct span text)
{
	struct address address;
	size_t at = 0;
	struct span word = next_word(text, &at);
	if (equals(word, "HELO") || equals(word, "EHLO"))
		return true;
	for (; word.length != 0; word = next_word(text, &at))
		if (parse_address(word, &address))
			return true;
	return false;
}

/* Names that a client chose must not be taken for words of the server. */
static void take_comment(struct reading *reading, struct span text)
{
	bool may_be_peer = reading->clause == CLAUSE_FROM && reading->to->address.family == ADDRESS_NONE;
	if (may_be_peer && is_peer(text))
		take_peer(reading, text);
	else if (take_using(reading, text) || take_pairs(reading, text) || take_client(reading, text)
	         || take_short(reading, text))
		return;
	else if (may_be_peer)
		take_peer(reading, text);
	else if (span_holds_nocase(text, span_of("from userid")) || span_holds_nocase(text, span_of("invoked by uid")))
		reading->local = true;
}

static enum clause clause_of(struct span word)
{
	static const struct {
		const char *word;
		enum clause clause;
	} words[] = {
		{ "from", CLAUSE_FROM }, { "by", CLAUSE_BY },     { "with", CLAUSE_WITH }, { "id", CLAUSE_ID },
		{ "for", CLAUSE_OTHER }, { "via", CLAUSE_OTHER }, { "tls", CLAUSE_TLS },
	};
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (equals(word, words[i].word))
			return words[i].clause;
	return CLAUSE_NONE;
}

/* Where the value of the clause goes. */
static struct span *place_of(struct reading *reading)
{
	switch (reading->clause) {
	case CLAUSE_FROM:
		return &reading->to->from;
	case CLAUSE_BY:
		return &reading->to->by;
	case CLAUSE_WITH:
		return &reading->to->protocol;
	case CLAUSE_ID:
		return &reading->to->id;
	case CLAUSE_NONE:
	case CLAUSE_TLS:
	case CLAUSE_OTHER:
		return NULL;
	}
	return NULL;
}

static void take_word(struct reading *reading, struct span word)
{
	enum clause clause = reading->empty ? CLAUSE_NONE : clause_of(word);
	struct span *place = place_of(reading);
	if (clause != CLAUSE_NONE) {
		reading->clause = clause;
		reading->empty = true;
		return;
	}
	/* "with Microsoft SMTP Server" is one value. */
	if (reading->clause == CLAUSE_WITH && !reading->empty && place->at + place->length + 1 == word.at
	    && span_starts_nocase(*place, span_of("Microsoft")))
		*place = span_make(place->at, place->length + 1 + word.length);
	else if (reading->clause == CLAUSE_TLS && reading->empty)
		take_cipher(reading, word);
	else if (place && reading->empty)
		keep(place, word);
	reading->empty = false;
}

/* RFC 3848 and RFC 6531, and the words of servers that have their own. */
static enum received_encryption encryption_of(const struct reading *reading)
{
	static const char *const encrypted[] = { "ESMTPS", "ESMTPSA", "SMTPS", "SMTPSA", "LMTPS", "LMTPSA", "HTTPS" };
	static const char *const clear[] = { "SMTP", "ESMTP", "ESMTPA", "SMTPA", "LMTP", "LMTPA", "HTTP" };
	const struct received *to = reading->to;
	struct span protocol = to->protocol;
	if (reading->tls_told)
		return RECEIVED_ENCRYPTED;
	if (span_starts_nocase(protocol, span_of("UTF8")))
		protocol = span_slice(protocol, 4, protocol.length);
	for (size_t i = 0; i < sizeof encrypted / sizeof encrypted[0]; i++)
		if (equals(protocol, encrypted[i]))
			return RECEIVED_ENCRYPTED;
	if (reading->local || equals(protocol, "local") || equals(protocol, "mapi"))
		return RECEIVED_LOCAL;
	bool is_clear = span_starts_nocase(protocol, span_of("Microsoft"));
	for (size_t i = 0; i < sizeof clear / sizeof clear[0]; i++)
		is_clear = is_clear || equals(protocol, clear[i]);
	if (!is_clear)
		return RECEIVED_UNTOLD;
	return address_is_loopback(&to->address) ? RECEIVED_LOCAL : RECEIVED_CLEAR;
}

/* The name that was spoken, and the one that was looked up, are told in other places by Exim and Salesforce. */
static void settle_names(struct reading *reading)
{
	struct received *to = reading->to;
	struct address address;
	bool literal = to->from.length != 0 && to->from.at[0] == '[' && parse_address(to->from, &address);
	if (literal && to->address.family == ADDRESS_NONE)
		to->address = address;
	if (!span_absent(reading->spoken)) {
		if (!literal && !equals(to->from, "unknown"))
			keep(&to->from_name, to->from);
		to->from = reading->spoken;
	}
}

void received_parse(struct span value, struct received *received_r)
{
	struct reading reading = { .to = received_r };
	memset(received_r, 0, sizeof *received_r);
	received_r->address.family = ADDRESS_NONE;
	received_r->tls = TLS_UNKNOWN;
	for (size_t at = skip_white(value, 0); at < value.length; at = skip_white(value, at)) {
		if (value.at[at] == ';') {
			received_r->date = span_trim(span_slice(value, at + 1, value.length));
			break;
		}
		bool comment = value.at[at] == '(';
		size_t end = comment ? comment_end(value, at) : word_end(value, at);
		if (!comment)
			take_word(&reading, span_slice(value, at, end));
		else
			take_comment(&reading, span_trim(span_slice(value, at + 1,
			                                            value.at[end - 1] == ')' && end > at + 1 ? end - 1 : end)));
		at = end;
	}
	settle_names(&reading);
	received_r->encryption = encryption_of(&reading);
}
