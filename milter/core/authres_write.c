/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/authres.h"

#define LINE_AIM 78
#define VALUE_MAX 900   /* with its name and a fold still below the 998 characters of a line (RFC 5322 2.1.1) */
#define NAME_COLUMNS 24 /* "Authentication-Results: "; the other name is configured, and taken to be no longer */
#define TAB_COLUMNS 8

/* Runs twice over the same input: once without memory to learn the length, then to write. */
struct writer {
	char *to;
	size_t length;
	size_t column;
};

struct sources {
	struct span authserv_id;
	const struct facts *facts;
	const struct judgement *judgement;
};

static void put(struct writer *writer, struct span text)
{
	if (writer->to && text.length != 0)
		memcpy(writer->to + writer->length, text.at, text.length);
	writer->length += text.length;
	writer->column += text.length;
}

static void fold(struct writer *writer)
{
	put(writer, span_of("\n\t"));
	writer->column = TAB_COLUMNS;
}

/* A space, or a fold where length more characters would pass the aim. */
static void space(struct writer *writer, size_t length)
{
	if (writer->column + 1 + length > LINE_AIM)
		fold(writer);
	else
		put(writer, span_of(" "));
}

/*
 * What no reader can take for anything but one dot-atom, token or address. An underscore may stand in a token, but not in
 * the domain of an address (pvalue of RFC 8601 2.2, domain-name of RFC 6376 3.5).
 */
static bool is_plain(struct span value)
{
	size_t ats = 0;
	for (size_t i = 0; i < value.length; i++) {
		char c = value.at[i];
		if (c == '_' && ats != 0)
			return false;
		if (c == '@')
			ats++;
		else if (!ascii_alnum(c) && c != '.' && c != '-' && c != '_' && c != '+')
			return false;
	}
	return ats <= 1;
}

static size_t escapes(struct span value)
{
	size_t count = 0;
	for (size_t i = 0; i < value.length; i++)
		count += value.at[i] == '"' || value.at[i] == '\\';
	return count;
}

/* How long the value becomes when written, 0 if it cannot be. */
static size_t written_length(struct span value)
{
	if (value.length == 0 || value.length > VALUE_MAX)
		return 0;
	if (is_plain(value))
		return value.length;
	for (size_t i = 0; i < value.length; i++)
		if (value.at[i] < ' ' || value.at[i] > '~')
			return 0;
	size_t length = value.length + escapes(value) + 2;
	return length <= VALUE_MAX ? length : 0;
}

/* Only for a value that written_length() has let through. */
static void put_value(struct writer *writer, struct span value)
{
	if (is_plain(value)) {
		put(writer, value);
		return;
	}
	put(writer, span_of("\""));
	for (size_t i = 0; i < value.length; i++) {
		if (value.at[i] == '"' || value.at[i] == '\\')
			put(writer, span_of("\\"));
		put(writer, span_slice(value, i, i + 1));
	}
	put(writer, span_of("\""));
}

/* " name=value"; false, and nothing written, when the value cannot stand in a header. */
static bool put_property(struct writer *writer, const char *name, struct span value)
{
	size_t length = written_length(value);
	if (length == 0)
		return false;
	space(writer, strlen(name) + 1 + length + 1);
	put(writer, span_of(name));
	put(writer, span_of("="));
	put_value(writer, value);
	return true;
}

static void put_id(struct writer *writer, const struct sources *sources)
{
	bool good = written_length(sources->authserv_id) != 0;
	put_value(writer, good ? sources->authserv_id : span_of("localhost"));
}

static void begin_result(struct writer *writer, const char *method, const char *result)
{
	put(writer, span_of(";"));
	fold(writer);
	put(writer, span_of(method));
	put(writer, span_of("="));
	put(writer, span_of(result));
}

static const char *outcome_keyword(const struct facts *facts, const struct outcome_evidence *outcome)
{
	if (outcome->complete)
		return outcome->rfc8601;
	return facts->evidence_over ? "temperror" : NULL;
}

static void put_spf(struct writer *writer, const struct facts *facts)
{
	const char *word = outcome_keyword(facts, &facts->spf);
	if (!word)
		return;
	begin_result(writer, "spf", word);
	if (facts->spf.by_helo)
		put_property(writer, "smtp.helo", facts->spf.domain.length != 0 ? facts->spf.domain : facts->helo);
	else if (facts->sender_status != MAILBOX_OK || !put_property(writer, "smtp.mailfrom", facts->sender.address))
		put_property(writer, "smtp.mailfrom", facts->spf.domain);
}

static const char *algorithm_text(unsigned algorithm)
{
	if (algorithm == ALGORITHM_RSA_SHA256)
		return "rsa-sha256";
	return algorithm == ALGORITHM_ED25519_SHA256 ? "ed25519-sha256" : "";
}

static const char *signature_keyword(const struct facts *facts, const struct signature *signature)
{
	if (signature->outcome.code != RESULT_PENDING)
		return signature->rfc8601;
	return facts->evidence_over && !signature->left ? "temperror" : NULL;
}

static void put_dkim(struct writer *writer, const struct facts *facts)
{
	if (facts->dkim.complete && facts->dkim.count == 0)
		begin_result(writer, "dkim", "none");
	for (size_t i = 0; i < facts->dkim.count; i++) {
		const struct signature *signature = &facts->dkim.signatures[i];
		const char *word = signature_keyword(facts, signature);
		if (!word)
			continue;
		begin_result(writer, "dkim", word);
		put_property(writer, "header.d", signature->domain);
		put_property(writer, "header.s", signature->selector);
		put_property(writer, "header.a", span_of(algorithm_text(signature->algorithm)));
		put_property(writer, "header.b", signature->b_prefix);
	}
}

static void put_dmarc(struct writer *writer, const struct facts *facts)
{
	const char *word = outcome_keyword(facts, &facts->dmarc);
	if (!word)
		return;
	begin_result(writer, "dmarc", word);
	put_property(writer, "header.from",
	             facts->author_status == MAILBOX_OK ? facts->author.domain : facts->dmarc.domain);
}

static void put_results(struct writer *writer, const struct sources *sources)
{
	const struct facts *facts = sources->facts;
	put_id(writer, sources);
	size_t before = writer->length;
	if (facts->auth_authen.length != 0)
		begin_result(writer, "auth", "pass");
	put_spf(writer, facts);
	put_dkim(writer, facts);
	put_dmarc(writer, facts);
	if (writer->length == before)
		put(writer, span_of("; none"));
}

/* "; key=value (comment)", without the comment if there is none. Our own words only. */
static void put_item(struct writer *writer, const char *key, struct span value, const char *comment)
{
	put(writer, span_of(";"));
	space(writer, strlen(key) + 1 + value.length + (*comment ? strlen(comment) + 3 : 0) + 1);
	put(writer, span_of(key));
	put(writer, span_of("="));
	put(writer, value);
	if (*comment) {
		put(writer, span_of(" ("));
		put(writer, span_of(comment));
		put(writer, span_of(")"));
	}
}

static void put_verdict(struct writer *writer, const struct sources *sources)
{
	const struct judgement *judgement = sources->judgement;
	put_id(writer, sources);
	put_item(writer, "verdict", span_of(verdict_name(judgement->verdict)), "");
	if (judgement->mode == MODE_MONITOR)
		put_item(writer, "would", span_of(verdict_name(judgement->would)), "");
	if (judgement->org)
		put_item(writer, "org", span_of(judgement->org->id.text), "");
	for (unsigned id = 0; id < CHECK_COUNT; id++) {
		const struct result *result = &judgement->results[id];
		/* Whoever reads it in the delivered message must not wait for anything. */
		const char *word = result->code == RESULT_PENDING ? "\"not needed\"" : result_name(result->code);
		put_item(writer, check_name((enum check_id)id), span_of(word), reason_code(result->reason));
	}
}

static struct span write_twice(void (*write)(struct writer *, const struct sources *), const struct sources *sources,
                               struct arena *arena)
{
	struct writer writer = { NULL, 0, NAME_COLUMNS };
	write(&writer, sources);
	char *to = arena_alloc(arena, writer.length + 1);
	if (!to)
		return span_make(NULL, 0);
	writer = (struct writer) { to, 0, NAME_COLUMNS };
	write(&writer, sources);
	return span_make(to, writer.length);
}

static const char *dkim_keyword(const struct facts *facts, const struct judgement *judgement)
{
	const struct signature *best = NULL;
	if (judgement->results[CHECK_DKIM].code == RESULT_PASS)
		return "pass";
	for (size_t i = 0; i < facts->dkim.count; i++)
		if (!best || facts->dkim.signatures[i].relation > best->relation)
			best = &facts->dkim.signatures[i];
	if (best)
		return signature_keyword(facts, best);
	return facts->dkim.complete || judgement->results[CHECK_DKIM].code == RESULT_NONE ? "none" : NULL;
}

const char *authres_keyword(const struct facts *facts, const struct judgement *judgement, enum check_id check)
{
	const char *word;
	if (check == CHECK_DKIM)
		word = dkim_keyword(facts, judgement);
	else if (check == CHECK_SPF || check == CHECK_DMARC)
		word = outcome_keyword(facts, check == CHECK_SPF ? &facts->spf : &facts->dmarc);
	else
		return NULL;
	return word ? word : "";
}

struct span authres_write(struct span authserv_id, const struct facts *facts, const struct judgement *judgement,
                          struct arena *arena)
{
	struct sources sources = { authserv_id, facts, judgement };
	return write_twice(put_results, &sources, arena);
}

struct span result_header_write(struct span authserv_id, const struct facts *facts, const struct judgement *judgement,
                                struct arena *arena)
{
	struct sources sources = { authserv_id, facts, judgement };
	return write_twice(put_verdict, &sources, arena);
}
