/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers the questions of SPF evaluations from zones given on standard input, one line each:
 *
 *   zone                                   forget all records
 *   rr NAME TYPE VALUE...                  a record; MX: preference and name
 *   err NAME TYPE                          that lookup fails
 *   hash NAME                              of the names below NAME those exist whose checksum is even: A 127.0.0.2
 *   check ID ADDRESS LOCAL DOMAIN HELO     evaluate, and print "ID RESULT TERMS VOIDS MECHANISM"
 *
 * Names, texts and the three strings of a check are hexadecimal, "-" is the empty one. Every check is evaluated in
 * several ways (one question at a time, looking ahead, answers in reverse order, policies handed in); when they do
 * not agree, the result is "disagree".
 */
#define _POSIX_C_SOURCE 200809L

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/spf.h"

#define FIELDS 8
#define LINE_SIZE (1 << 18)

struct row {
	char name[ANSWER_NAME_SIZE];
	enum record_type type;
	struct answer answer;
	struct answer_record *records;
	struct row *next;
};

struct zone {
	struct arena arena;
	struct row *rows;
	struct span hashed; /* absent: none */
};

enum manner { MANNER_STEPS, MANNER_AHEAD, MANNER_REVERSE, MANNER_POLICIES, MANNERS };

static const struct {
	const char *name;
	enum record_type type;
} types[] = {
	{ "A", RECORD_A }, { "AAAA", RECORD_AAAA }, { "MX", RECORD_MX }, { "PTR", RECORD_PTR }, { "TXT", RECORD_TXT },
};

static void die(const char *what)
{
	fprintf(stderr, "spf_driver: %s\n", what);
	exit(2);
}

static unsigned digit(char c)
{
	const char *digits = "0123456789abcdef";
	const char *found = c ? strchr(digits, c) : NULL;
	if (!found)
		die("wrong hexadecimal digit");
	return found ? (unsigned)(found - digits) : 0;
}

static struct span unhex(struct arena *arena, const char *text)
{
	size_t length = strcmp(text, "-") == 0 ? 0 : strlen(text) / 2;
	char *bytes = arena_alloc(arena, length + 1);
	if (!bytes)
		die("out of memory");
	for (size_t i = 0; i < length; i++)
		bytes[i] = (char)(digit(text[2 * i]) << 4 | digit(text[2 * i + 1]));
	return span_make(bytes, length);
}

static enum record_type type_of(const char *name)
{
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (strcmp(types[i].name, name) == 0)
			return types[i].type;
	die("unknown type");
	return RECORD_A;
}

static struct row *row_find(struct zone *zone, const char *name, enum record_type type)
{
	struct row *row = zone->rows;
	while (row && (row->type != type || strcmp(row->name, name) != 0))
		row = row->next;
	return row;
}

static struct row *row_add(struct zone *zone, struct span raw, enum record_type type)
{
	char name[ANSWER_NAME_SIZE];
	if (answer_name_write(raw, name) == 0)
		die("a name that cannot be asked");
	struct row *row = row_find(zone, name, type);
	if (row)
		return row;
	row = arena_alloc(&zone->arena, sizeof *row);
	if (!row)
		die("out of memory");
	memcpy(row->name, name, sizeof name);
	row->type = type;
	row->next = zone->rows;
	zone->rows = row;
	return row;
}

static void record_add(struct zone *zone, struct row *row, size_t fields, char *field[FIELDS])
{
	struct answer_record *records = arena_array(&zone->arena, row->answer.count + 1, sizeof *records);
	if (!records || fields < (row->type == RECORD_MX ? 5 : 4))
		die("wrong record");
	if (row->answer.count != 0)
		memcpy(records, row->records, row->answer.count * sizeof *records);
	struct answer_record *record = &records[row->answer.count++];
	if (row->type == RECORD_A || row->type == RECORD_AAAA) {
		bool ipv4 = row->type == RECORD_A;
		record->address.family = ipv4 ? ADDRESS_IPV4 : ADDRESS_IPV6;
		if (inet_pton(ipv4 ? AF_INET : AF_INET6, field[3], record->address.bytes) != 1)
			die("wrong address");
	} else if (row->type == RECORD_MX) {
		record->preference = (unsigned)strtoul(field[3], NULL, 10);
		record->text = unhex(&zone->arena, field[4]);
	} else {
		record->text = unhex(&zone->arena, field[3]);
	}
	row->records = records;
	row->answer.records = records;
	row->answer.status = ANSWER_FOUND;
}

/* FNV-1a. */
static unsigned checksum(struct span name)
{
	unsigned sum = 2166136261U;
	for (size_t i = 0; i < name.length; i++)
		sum = (sum ^ (unsigned char)name.at[i]) * 16777619U;
	return sum;
}

static const struct answer *zone_answer(struct zone *zone, const struct question *question)
{
	static const struct answer nxdomain = { .status = ANSWER_NXDOMAIN };
	static const struct answer nodata = { .status = ANSWER_NODATA };
	static const struct answer_record local = { .address = { ADDRESS_IPV4, { 127, 0, 0, 2 } } };
	static const struct answer found = { .status = ANSWER_FOUND, .count = 1, .records = &local };
	bool exists =
		zone->hashed.length != 0 && span_ends_nocase(question->name, zone->hashed) && checksum(question->name) % 2 == 0;
	if (exists && question->type == RECORD_A)
		return &found;
	for (const struct row *row = zone->rows; row; row = row->next) {
		if (!span_equal(span_of(row->name), question->name))
			continue;
		exists = true;
		if (row->type == question->type)
			return &row->answer;
	}
	return exists ? &nodata : &nxdomain;
}

static void answer_one(struct zone *zone, struct arena *arena, struct spf_walk *walk, const struct question *question,
                       enum manner manner)
{
	const struct answer *answer = zone_answer(zone, question);
	struct spf_policy *policy = NULL;
	if (manner == MANNER_POLICIES && question->type == RECORD_TXT) {
		policy = arena_alloc(arena, sizeof *policy);
		if (!policy)
			die("out of memory");
		spf_policy_of(arena, answer, policy);
	}
	spf_walk_answer(walk, question, answer, policy);
}

/* The driver keeps what is open in a stack of its own; at most one answer is given between two steps in reverse. */
static const struct spf_outcome *evaluate(struct zone *zone, struct arena *arena, const struct spf_input *given,
                                          enum manner manner)
{
	const struct question *open[512];
	size_t count = 0;
	struct spf_input input = *given;
	input.look_ahead = manner == MANNER_AHEAD || manner == MANNER_REVERSE;
	struct spf_walk *walk = spf_walk_new(arena, &input);
	if (!walk)
		die("out of memory");
	while (spf_walk_step(walk) == SPF_PENDING) {
		const struct question *question;
		while ((question = spf_walk_next(walk))) {
			if (count == sizeof open / sizeof *open)
				die("too many questions");
			open[count++] = question;
		}
		if (count == 0)
			die("pending without a question");
		if (manner == MANNER_REVERSE)
			answer_one(zone, arena, walk, open[--count], manner);
		while (manner != MANNER_REVERSE && count != 0)
			answer_one(zone, arena, walk, open[--count], manner);
	}
	return spf_walk_outcome(walk);
}

static void check(struct zone *zone, char *field[FIELDS])
{
	struct arena arena;
	struct spf_input input = { .look_ahead = false };
	const struct spf_outcome *outcome[MANNERS];
	arena_init(&arena, 0);
	if (!address_parse(span_of(field[2]), &input.client))
		die("wrong client address");
	input.local = unhex(&arena, field[3]);
	input.domain = unhex(&arena, field[4]);
	input.helo = unhex(&arena, field[5]);
	bool agree = true;
	for (enum manner manner = MANNER_STEPS; manner < MANNERS; manner++) {
		outcome[manner] = evaluate(zone, &arena, &input, manner);
		agree = agree && outcome[manner]->result == outcome[0]->result && outcome[manner]->terms == outcome[0]->terms
		        && outcome[manner]->voids == outcome[0]->voids
		        && span_equal(outcome[manner]->mechanism, outcome[0]->mechanism);
	}
	struct span mechanism = outcome[0]->mechanism;
	printf("%s %s %u %u %.*s\n", field[1], agree ? spf_result_name(outcome[0]->result) : "disagree", outcome[0]->terms,
	       outcome[0]->voids, mechanism.length != 0 ? (int)mechanism.length : 1,
	       mechanism.length != 0 ? mechanism.at : "-");
	arena_clear(&arena);
}

static void line_do(struct zone *zone, char *line)
{
	char *field[FIELDS] = { NULL };
	size_t fields = 0;
	char *state = NULL;
	for (char *word = strtok_r(line, " \n", &state); word && fields < FIELDS; word = strtok_r(NULL, " \n", &state))
		field[fields++] = word;
	if (fields == 0)
		return;
	if (strcmp(field[0], "zone") == 0) {
		arena_clear(&zone->arena);
		zone->rows = NULL;
		zone->hashed = span_make(NULL, 0);
	} else if (strcmp(field[0], "rr") == 0 && fields >= 4) {
		struct row *row = row_add(zone, unhex(&zone->arena, field[1]), type_of(field[2]));
		record_add(zone, row, fields, field);
	} else if (strcmp(field[0], "err") == 0 && fields == 3) {
		row_add(zone, unhex(&zone->arena, field[1]), type_of(field[2]))->answer.status = ANSWER_TEMPFAIL;
	} else if (strcmp(field[0], "hash") == 0 && fields == 2) {
		zone->hashed = unhex(&zone->arena, field[1]);
	} else if (strcmp(field[0], "check") == 0 && fields == 6) {
		check(zone, field);
	} else {
		die("wrong line");
	}
}

int main(void)
{
	struct zone zone = { .rows = NULL };
	char *line = malloc(LINE_SIZE);
	arena_init(&zone.arena, 0);
	if (!line)
		die("out of memory");
	while (fgets(line, LINE_SIZE, stdin))
		line_do(&zone, line);
	arena_clear(&zone.arena);
	free(line);
	return 0;
}
