/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dkim_driver: what becomes of the signatures of many messages, for t/dkim_differential.t.
 *
 *     dkim_driver ours|opendkim ZONE MESSAGES [FROM]
 *
 * ZONE: lines "NAME HEX", each a TXT entry. MESSAGES: each "LENGTH PIECE\n" and then LENGTH bytes with CRLF; the body is
 * handed over in pieces of PIECE bytes. From message number FROM on it prints a line for each message: a word for each
 * DKIM-Signature field, from the top: "pass", or another word; ours: RESULT:REASON.
 */
#include "config.h"

#include <stdlib.h>
#include <sys/types.h>

#include "core/dkim_walk.h"
#include "dkim_all.h"
#include "engine.h"
#include "evidence/dkim_keys.h"

#if HAVE_OPENDKIM
#include <opendkim/dkim.h>
#endif

#define RECORDS_MAX 4096
#define SIGNATURES_MAX 32

struct log_entry {
	struct span name;
	struct span text;
};

static struct log_entry records[RECORDS_MAX];
static size_t record_count;

static struct span read_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	size_t size = 0;
	size_t length = 0;
	char *bytes = NULL;
	while (file && !feof(file)) {
		if (length == size) {
			size = size ? 2 * size : 65536;
			bytes = realloc(bytes, size);
			if (!bytes)
				abort();
		}
		length += fread(bytes + length, 1, size - length, file);
		if (ferror(file))
			exit(2);
	}
	if (!file)
		exit(2);
	fclose(file);
	return span_make(bytes, length);
}

static struct span unhex(struct span hex)
{
	char *bytes = malloc(hex.length / 2 + 1);
	for (size_t i = 0; bytes && i < hex.length / 2; i++) {
		char pair[3] = { hex.at[2 * i], hex.at[2 * i + 1], '\0' };
		bytes[i] = (char)strtoul(pair, NULL, 16);
	}
	return span_make(bytes, hex.length / 2);
}

static void read_zone(struct span text)
{
	for (size_t from = 0; from < text.length;) {
		size_t to = span_find(text, from, '\n');
		struct span line = span_slice(text, from, to);
		size_t space = span_find(line, 0, ' ');
		if (record_count == RECORDS_MAX)
			exit(2);
		records[record_count].name = span_slice(line, 0, space);
		records[record_count++].text = unhex(span_slice(line, space + 1, line.length));
		from = to + 1;
	}
}

struct given {
	struct span raw;
	size_t piece;
};

static bool next_message(struct span *rest, struct given *given_r)
{
	char *end;
	if (rest->length == 0)
		return false;
	size_t length = strtoul(rest->at, &end, 10);
	given_r->piece = strtoul(end, &end, 10);
	size_t begin = (size_t)(end + 1 - rest->at);
	given_r->raw = span_slice(*rest, begin, begin + length);
	*rest = span_slice(*rest, begin + length, rest->length);
	return true;
}

/* Ours. */

static enum relation relation(const void *context, struct span signer, struct span author)
{
	(void)context;
	return span_equal_nocase(signer, author) ? RELATION_EQUAL : RELATION_NONE;
}

struct feeding {
	struct facts *facts;
	struct dkim_walk *walk;
};

static bool take_field(void *context, struct span name, struct span value)
{
	struct feeding *feeding = context;
	facts_field(feeding->facts, name, value, true);
	if (feeding->facts->header.latest)
		dkim_walk_field(feeding->walk, feeding->facts->header.latest);
	return true;
}

static void answer_all(struct dkim_walk *walk, struct arena *arena)
{
	const struct question *question;
	const struct signature *signature;
	while ((question = dkim_walk_next(walk, &signature))) {
		struct answer *answer = arena_alloc(arena, sizeof *answer);
		struct answer_record *found = arena_array(arena, 8, sizeof *found);
		for (size_t i = 0; i < record_count; i++)
			if (span_equal_nocase(records[i].name, question->name) && answer->count < 8)
				found[answer->count++].text = records[i].text;
		answer->records = found;
		answer->status = answer->count != 0 ? ANSWER_FOUND : ANSWER_NXDOMAIN;
		dkim_walk_answer(walk, question, answer);
	}
}

static void judge_ours(const struct settings *settings, const struct dkim_environment *environment,
                       const struct given *given, long long now)
{
	static struct facts facts;
	struct session_input input = good_session();
	struct arena arena;
	struct span body;
	unsigned defects;
	arena_init(&arena, 0);
	facts_begin(&facts, &arena, NULL, settings, &input);
	struct feeding feeding = { &facts, dkim_walk_new(settings, &facts, environment) };
	message_split(given->raw, take_field, &feeding, &body, &defects);
	facts_header_end(&facts, now);
	dkim_walk_header_end(feeding.walk);
	dkim_verify_all(feeding.walk);
	if (given->piece % 2)
		answer_all(feeding.walk, &arena);
	for (size_t at = 0; at < body.length; at += given->piece)
		if (!dkim_walk_body(feeding.walk, span_slice(body, at, at + given->piece)))
			break;
	dkim_walk_body_end(feeding.walk);
	answer_all(feeding.walk, &arena);
	for (size_t i = 0; i < facts.dkim.count; i++) {
		const struct result *outcome = &facts.dkim.signatures[i].outcome;
		printf("%s%s:%s", i ? " " : "", result_name(outcome->code), reason_code(outcome->reason));
	}
	printf("%s\n", facts.internal_error ? " trouble" : "");
	dkim_walk_drop(feeding.walk);
	arena_clear(&arena);
}

static void run_ours(struct span messages, long from)
{
	struct dkim_keys *keys = dkim_keys_new();
	struct dkim_environment environment = { dkim_keys_crypto(keys), relation, NULL };
	struct settings *settings = settings_two(MODE_ENFORCE, MODE_ENFORCE);
	settings->defaults.dkim.max_signatures = SIGNATURES_MAX;
	for (size_t i = 0; i < settings->org_count; i++)
		settings->orgs[i].dkim.max_signatures = SIGNATURES_MAX;
	settings_complete(settings, unite_options);
	struct given given;
	for (long number = 0; next_message(&messages, &given); number++)
		if (number >= from)
			judge_ours(settings, &environment, &given, 1800000000);
	settings_free(settings);
	dkim_keys_free(keys);
}

#if HAVE_OPENDKIM
/* libopendkim. */

static DKIM_CBSTAT find_key(DKIM *dkim, DKIM_SIGINFO *signature, u_char *buffer, size_t size)
{
	char name[600];
	(void)dkim;
	snprintf(name, sizeof name, "%s._domainkey.%s", (const char *)dkim_sig_getselector(signature),
	         (const char *)dkim_sig_getdomain(signature));
	for (size_t i = 0; i < record_count; i++)
		if (span_equal_nocase(records[i].name, span_of(name)) && records[i].text.length < size) {
			memcpy(buffer, records[i].text.at, records[i].text.length);
			buffer[records[i].text.length] = '\0';
			return DKIM_CBSTAT_CONTINUE;
		}
	return DKIM_CBSTAT_NOTFOUND;
}

static bool give_field(void *context, struct span name, struct span value)
{
	size_t length = name.length + 1 + value.length;
	u_char *line = malloc(length + 1);
	memcpy(line, name.at, name.length);
	line[name.length] = ':';
	memcpy(line + name.length + 1, value.at, value.length);
	(void)dkim_header(context, line, length);
	free(line);
	return true;
}

static void judge_opendkim(DKIM_LIB *library, const struct given *given)
{
	DKIM_STAT status;
	DKIM_SIGINFO **signatures = NULL;
	int count = 0;
	struct span body;
	unsigned defects;
	DKIM *dkim = dkim_verify(library, (const u_char *)"message", NULL, &status);
	message_split(given->raw, give_field, dkim, &body, &defects);
	(void)dkim_header(dkim, (u_char *)(uintptr_t) "x padding: x", 12);
	(void)dkim_eoh(dkim);
	for (size_t at = 0; at < body.length; at += given->piece) {
		struct span piece = span_slice(body, at, at + given->piece);
		(void)dkim_body(dkim, (u_char *)(uintptr_t)piece.at, piece.length);
	}
	if (body.length != 0 && (body.length < 2 || memcmp(body.at + body.length - 2, "\r\n", 2) != 0))
		(void)dkim_body(dkim, (u_char *)(uintptr_t) "\r\n", 2);
	(void)dkim_eom(dkim, NULL);
	(void)dkim_getsiglist(dkim, &signatures, &count);
	for (int i = 0; i < count; i++) {
		unsigned flags = dkim_sig_getflags(signatures[i]);
		bool good = (flags & DKIM_SIGFLAG_PASSED) != 0 && dkim_sig_getbh(signatures[i]) == DKIM_SIGBH_MATCH
		            && dkim_sig_geterror(signatures[i]) == DKIM_SIGERROR_OK;
		printf("%s%s", i ? " " : "", good ? "pass" : "fail");
	}
	printf("\n");
	dkim_free(dkim);
}

static void run_opendkim(struct span messages, long from)
{
	unsigned flags = DKIM_LIBFLAGS_BADSIGHANDLES;
	unsigned bits = 1024;
	uint64_t now = 1800000000;
	struct given given;
	DKIM_LIB *library = dkim_init(NULL, NULL);
	dkim_options(library, DKIM_OP_SETOPT, DKIM_OPTS_FLAGS, &flags, sizeof flags);
	dkim_options(library, DKIM_OP_SETOPT, DKIM_OPTS_MINKEYBITS, &bits, sizeof bits);
	dkim_options(library, DKIM_OP_SETOPT, DKIM_OPTS_FIXEDTIME, &now, sizeof now);
	dkim_set_key_lookup(library, find_key);
	for (long number = 0; next_message(&messages, &given); number++)
		if (number >= from) {
			judge_opendkim(library, &given);
			fflush(stdout);
		}
	dkim_close(library);
}
#endif

int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	long from = argc > 4 ? atol(argv[4]) : 0;
	struct span zone = read_file(argv[2]);
	struct span messages = read_file(argv[3]);
	int code = 0;
	read_zone(zone);
	if (strcmp(argv[1], "ours") == 0)
		run_ours(messages, from);
#if HAVE_OPENDKIM
	else if (strcmp(argv[1], "opendkim") == 0)
		run_opendkim(messages, from);
#endif
	else
		code = 2;
	free((void *)(uintptr_t)zone.at);
	free((void *)(uintptr_t)messages.at);
	return code;
}
