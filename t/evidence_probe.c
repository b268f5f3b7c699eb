/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * evidence_probe: messages through the examination with the daemon's evidence, for adapter_*.t. Argument: the
 * configuration. Then a command a line:
 *
 *   FILE [NAME=VALUE]...   examine a raw message (CRLF lines); prints what was found, then a line "."
 *       from=<MAIL FROM>   client=ADDRESS   helo=NAME
 *       chunk=N            the body in pieces of N bytes
 *       split=N            the body in two pieces, the first of N bytes
 *       bare=1             the values come without the white space after the colon (no SMFIP_HDR_LEADSPC)
 *       names=1            in the names of fields %HH stands for a byte, as an MTA might hand it over
 *       now=SECONDS        what the clock says
 *       needed=1           gather only what the sentences need
 *       threads=N          the same in so many threads at once; prints the last one's
 *   reload                 follow the configuration again; the cache is empty afterwards
 */
#include "config.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/loader.h"
#include "core/examine.h"
#include "evidence/environment.h"
#include "evidence/waiter.h"

struct request {
	const struct settings *settings;
	const struct environment *environment;
	struct span raw;
	struct session_input session;
	unsigned long chunk;
	unsigned long split;
	bool bare;
	bool names;
	bool needed;
	unsigned long threads;
	bool print;
};

static void print_text(struct span text)
{
	for (size_t i = 0; i < text.length; i++)
		printf(text.at[i] > ' ' && text.at[i] < 0x7f ? "%c" : "\\x%02x", (unsigned char)text.at[i]);
}

static void print_result(const char *name, struct result result, const char *rfc8601)
{
	printf("%s %s %s %s\n", name, result_name(result.code),
	       result.reason == REASON_NONE ? "-" : reason_code(result.reason), rfc8601 ? rfc8601 : "-");
}

static void print_signature(const struct signature *signature)
{
	static const char *const relations[] = { "none", "organization", "parent", "equal" };
	printf("signature %s %s %s d=", result_name(signature->outcome.code),
	       signature->outcome.reason == REASON_NONE ? "-" : reason_code(signature->outcome.reason), signature->rfc8601);
	print_text(signature->domain);
	printf(" s=");
	print_text(signature->selector);
	printf(" a=%u bits=%u %s b=", signature->algorithm, signature->rsa_bits, relations[signature->relation]);
	print_text(signature->b_prefix);
	for (size_t i = 0; i < set_count(signature->key_chain); i++) {
		printf(" via=");
		print_text(set_at(signature->key_chain, i));
	}
	putchar('\n');
}

static void print_facts(const struct examination *examination, bool body_wanted)
{
	const struct facts *facts = &examination->facts;
	for (size_t i = 0; i < facts->dkim.count; i++)
		print_signature(&facts->dkim.signatures[i]);
	print_result("dkim", examination->judgement.results[CHECK_DKIM], NULL);
	print_result("spf", examination->judgement.results[CHECK_SPF], facts->spf.rfc8601);
	print_result("dmarc", examination->judgement.results[CHECK_DMARC], facts->dmarc.rfc8601);
	print_result("ip", examination->judgement.results[CHECK_IP], NULL);
	printf("verdict %s body=%d dns_q=%u trouble=%d\n", verdict_name(examination->judgement.verdict), body_wanted,
	       facts->dns_queries, facts->internal_error);
}

struct feeding {
	struct examination *examination;
	bool bare;
	bool names;
};

static struct span decoded(struct span name, char *to)
{
	size_t length = 0;
	for (size_t i = 0; i < name.length; i++) {
		bool coded = name.at[i] == '%' && i + 2 < name.length;
		const char digits[] = { name.at[i + coded], name.at[i + coded * 2], '\0' };
		to[length++] = coded ? (char)strtoul(digits, NULL, 16) : name.at[i];
		i += coded ? 2 : 0;
	}
	return span_make(to, length);
}

/* As an MTA does: folds are LF. */
static bool take_field(void *context, struct span name, struct span value)
{
	struct feeding *feeding = context;
	char *copy = malloc(value.length + 1);
	size_t length = 0;
	if (!copy)
		exit(2);
	for (size_t i = 0; i < value.length; i++)
		if (value.at[i] != '\r' || i + 1 == value.length || value.at[i + 1] != '\n')
			copy[length++] = value.at[i];
	size_t skip = feeding->bare && length != 0 && copy[0] == ' ' ? 1 : 0;
	char plain[256];
	if (feeding->names && name.length < sizeof plain)
		name = decoded(name, plain);
	examine_field(feeding->examination, name, span_make(copy + skip, length - skip), !feeding->bare);
	free(copy);
	return true;
}

static void feed_body(struct examination *examination, const struct request *request, struct span body)
{
	size_t from = 0;
	while (from < body.length) {
		size_t to = request->chunk != 0                            ? from + request->chunk
		            : request->split != 0 && from < request->split ? request->split
		                                                           : body.length;
		/* An exact copy, so that a sanitizer sees reading past the end. */
		struct span piece = span_slice(body, from, to);
		char *copy = malloc(piece.length);
		if (!copy)
			exit(2);
		memcpy(copy, piece.at, piece.length);
		if (examine_wants_body(examination))
			examine_body(examination, span_make(copy, piece.length));
		else
			examine_body_skipped(examination);
		free(copy);
		from += piece.length;
	}
}

static long long told_now;

static long long told_clock(void *context)
{
	(void)context;
	return told_now;
}

static void *run(void *context)
{
	const struct request *request = context;
	struct examination *examination = calloc(1, sizeof *examination);
	struct feeding feeding = { examination, request->bare, request->names };
	struct span body = { NULL, 0 };
	struct waiter waiter;
	unsigned defects;

	if (!examination || !waiter_init(&waiter))
		exit(2);
	const struct examine_terms terms = { .gather_all = !request->needed, .waker = waiter_waker(&waiter) };
	examine_begin(examination, request->settings, request->environment, span_of("probe"), &request->session, &terms);
	examine_recipient(examination, span_of("<joe@customer.example>"), span_of("smtp"));
	message_split(request->raw, take_field, &feeding, &body, &defects);
	examine_header_end(examination);
	bool body_wanted = examine_wants_body(examination);
	feed_body(examination, request, body);
	examine_finish(examination, waiter_wait, &waiter);
	if (request->print)
		print_facts(examination, body_wanted);
	examine_clear(examination);
	waiter_destroy(&waiter);
	free(examination);
	return NULL;
}

static struct span read_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	if (!file)
		return span_make(NULL, 0);
	char *bytes = malloc(32 << 20);
	size_t length = bytes ? fread(bytes, 1, 32 << 20, file) : 0;
	fclose(file);
	return span_make(bytes, length);
}

static bool read_option(char *word, struct request *request, struct environment *environment)
{
	char *value = strchr(word, '=');
	if (!value)
		return false;
	*value++ = '\0';
	unsigned long number = strtoul(value, NULL, 10);
	if (strcmp(word, "from") == 0)
		request->session.mail_from = span_of(value);
	else if (strcmp(word, "helo") == 0)
		request->session.helo = span_of(value);
	else if (strcmp(word, "client") == 0)
		address_parse(span_of(value), &request->session.client);
	else if (strcmp(word, "chunk") == 0)
		request->chunk = number;
	else if (strcmp(word, "split") == 0)
		request->split = number;
	else if (strcmp(word, "bare") == 0)
		request->bare = number != 0;
	else if (strcmp(word, "names") == 0)
		request->names = number != 0;
	else if (strcmp(word, "now") == 0) {
		told_now = (long long)number;
		environment->now = told_clock;
	} else if (strcmp(word, "needed") == 0)
		request->needed = number != 0;
	else if (strcmp(word, "threads") == 0)
		request->threads = number;
	else
		return false;
	return true;
}

static void examine(char *line, const struct settings *settings, const struct environment *live)
{
	struct environment environment = *live;
	struct request request = { .settings = settings, .environment = &environment };
	pthread_t threads[64];
	unsigned long started = 0;
	char *save = NULL;
	char *path = strtok_r(line, " ", &save);

	request.session.mta = MTA_POSTFIX;
	request.session.mail_from = span_of("<sender@example.com>");
	request.session.helo = span_of("client.example.com");
	address_parse(span_of("192.0.2.10"), &request.session.client);
	for (char *word = strtok_r(NULL, " ", &save); word; word = strtok_r(NULL, " ", &save))
		if (!read_option(word, &request, &environment))
			printf("what is %s?\n", word);
	request.raw = read_file(path);
	if (!request.raw.at)
		exit(2);
	for (; started < request.threads && started < 64; started++)
		if (pthread_create(&threads[started], NULL, run, &request) != 0)
			exit(2);
	for (unsigned long i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	request.print = true;
	run(&request);
	free((void *)(uintptr_t)request.raw.at);
}

int main(int argc, char **argv)
{
	static char line[8192];
	char error[EVIDENCE_ERROR_SIZE];
	struct environment environment;
	struct problems problems;

	problems_init(&problems);
	struct settings *settings = argc == 2 ? config_load(argv[1], &problems) : NULL;
	for (size_t i = 0; !settings && i < problems.count; i++)
		printf("%s\n", problems.items[i].text);
	problems_clear(&problems);
	if (!settings || !evidence_environment_init(&environment, settings, error)) {
		printf("error %s\n", settings ? error : "in the configuration");
		settings_free(settings);
		return 1;
	}
	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof line, stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (strcmp(line, "reload") == 0)
			puts(evidence_environment_reload(&environment, settings, error) ? "reloaded" : error);
		else
			examine(line, settings, &environment);
		puts(".");
		fflush(stdout);
	}
	evidence_environment_clear(&environment);
	settings_free(settings);
	return 0;
}
