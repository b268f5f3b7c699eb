/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/record.h"

#include <stdio.h>

#include "core/reply.h"

void record_init(struct record *record)
{
	memset(record, 0, sizeof *record);
}

static struct record_entry *entry_add(struct record *record, const char *key)
{
	if (record->count >= RECORD_ENTRIES_MAX)
		return NULL;
	struct record_entry *entry = &record->entries[record->count++];
	memset(entry, 0, sizeof *entry);
	entry->key = key;
	return entry;
}

void record_text(struct record *record, const char *key, struct span text)
{
	struct record_entry *entry = text.length != 0 ? entry_add(record, key) : NULL;
	if (entry)
		entry->text = text;
}

void record_number(struct record *record, const char *key, long long number)
{
	struct record_entry *entry = number >= 0 ? entry_add(record, key) : NULL;
	if (entry) {
		entry->is_number = true;
		entry->number = number;
	}
}

static void record_session(const struct facts *facts, struct record *record)
{
	record_text(record, "client", facts->client_text);
	record_text(record, "client_name", facts->client_name);
	record_text(record, "helo", facts->helo);
	record_text(record, "tls", facts->tls_version);
	record_text(record, "cipher", facts->cipher);
	record_number(record, "bits", facts->has_cipher_bits ? (long long)facts->cipher_bits : -1);
	record_text(record, "cert", facts->certificate.name);
	record_text(record, "cert_issuer", facts->certificate.issuer);
	record_text(record, "auth", facts->auth_authen);
}

static void record_message(const struct facts *facts, struct record *record)
{
	/* Who the author is can be told of a whole header only. */
	const struct field *from = facts->stage >= STAGE_HEADER ? header_find(&facts->header, FIELD_FROM) : NULL;
	struct span author = facts->author_status == MAILBOX_OK ? facts->author.address
	                     : from                             ? span_trim(from->value)
	                                                        : span_make(NULL, 0);
	record_text(record, "from", mailbox_bare_path(facts->mail_from));
	record_text(record, "hfrom", author);
	/* What names a message whose header did not come. */
	if (facts->stage < STAGE_HEADER)
		record_text(record, "rcpt", mailbox_bare_path(facts->first_recipient));
	record_number(record, "rcpts", facts->recipients);
	record_text(record, "msgid", facts->message_id);
	record_number(record, "size", facts->body_complete ? (long long)(facts->header.bytes + facts->body_bytes) : -1);
}

static struct span first_value(const struct facts *facts, enum field_name name)
{
	const struct field *field = facts->stage >= STAGE_HEADER ? header_find(&facts->header, name) : NULL;
	return field ? span_trim(field->value) : span_make(NULL, 0);
}

/* Who in Salesforce sent it, by fields that nobody signs. */
static void record_origin(const struct facts *facts, struct record *record)
{
	record_text(record, "sf_user", first_value(facts, FIELD_X_SFDC_USER));
	record_text(record, "sf_category", first_value(facts, FIELD_X_SFDC_EMAIL_CATEGORY));
	record_text(record, "sf_entity", first_value(facts, FIELD_X_SFDC_ENTITY_ID));
	record_text(record, "sf_correlation", first_value(facts, FIELD_X_SFDC_CORRELATION_ID));
}

/* The signature that tells most: the closest to the From: domain, of equally close ones one that passes. */
static const struct signature *telling_signature(const struct facts *facts)
{
	const struct signature *best = NULL;
	for (size_t i = 0; i < facts->dkim.count; i++) {
		const struct signature *signature = &facts->dkim.signatures[i];
		if (!best || signature->relation > best->relation
		    || (signature->relation == best->relation && signature->outcome.code == RESULT_PASS
		        && best->outcome.code != RESULT_PASS))
			best = signature;
	}
	return best;
}

/* The names of the checks; with a judgement, what each of them has against the message. */
static struct span join_checks(const struct check_list *list, const struct judgement *judgement, struct arena *arena)
{
	struct span text = span_make(NULL, 0);
	for (size_t i = 0; i < list->count; i++) {
		enum check_id id = list->ids[i];
		text = arena_printf(arena, "%.*s%s%s", (int)text.length, text.at ? text.at : "", i ? "," : "",
		                    judgement ? reason_code(judgement->results[id].reason) : check_name(id));
	}
	return text;
}

static void record_reason(struct examination *examination, struct record *record)
{
	const struct judgement *judgement = &examination->judgement;
	record_text(record, "why", join_checks(&judgement->why, NULL, &examination->arena));
	record_text(record, "reason", span_of(reason_code(judgement->reason)));
	if (judgement->why.count > 1)
		record_text(record, "reasons", join_checks(&judgement->why, judgement, &examination->arena));
	if (judgement->why.count != 0)
		record_text(record, "detail", judgement->results[judgement->why.ids[0]].detail);
}

static void record_judgement(struct examination *examination, struct record *record)
{
	const struct judgement *judgement = &examination->judgement;
	bool judged = judgement->would != VERDICT_EXEMPT && judgement->would != VERDICT_SKIP;
	struct reply reply;

	for (unsigned i = 0; i < CHECK_COUNT; i++)
		if (judged || judgement->results[i].code != RESULT_PENDING)
			record_text(record, check_at((enum check_id)i)->log_key, span_of(result_name(judgement->results[i].code)));
	record_reason(examination, record);
	reply_make(judgement->verdict, judgement, span_of(examination->sid), span_make(NULL, 0), &reply);
	if (reply.code[0] != '\0')
		record_text(record, "reply", arena_printf(&examination->arena, "%s %s", reply.code, reply.enhanced));
	record_text(record, "warn", join_checks(&judgement->warn, NULL, &examination->arena));
}

/* As the log names an organization whose mode is in force. */
static struct span org_named(const struct org *org)
{
	if (!org)
		return span_of("unnamed");
	return org->name.length != 0 ? org->name : span_of(org->id.text);
}

void record_examination(struct examination *examination, struct record *record_r)
{
	const struct facts *facts = &examination->facts;
	const struct judgement *judgement = &examination->judgement;
	const struct signature *signature = telling_signature(facts);
	bool ended = judgement->verdict != VERDICT_UNDECIDED;

	record_init(record_r);
	record_text(record_r, "ev", span_of(ended ? "verdict" : "abort"));
	record_number(record_r, "v", 1);
	if (ended) {
		record_text(record_r, "verdict", span_of(verdict_name(judgement->verdict)));
		record_text(record_r, "would", span_of(verdict_name(judgement->would)));
	}
	if (judgement->mode != MODE_UNSET)
		record_text(record_r, "mode", span_of(mode_name(judgement->mode)));
	if (judgement->mode != MODE_UNSET && facts->stage >= STAGE_HEADER)
		record_text(record_r, "mode_by", org_named(judgement->mode_by));
	record_text(record_r, "qid", facts->queue_id);
	record_text(record_r, "sid", span_of(examination->sid));
	record_text(record_r, "lk", facts->org_text);
	if (judgement->org) {
		record_text(record_r, "org", span_of(judgement->org->id.text));
		record_text(record_r, "org_name", judgement->org->name);
	}
	record_session(facts, record_r);
	record_message(facts, record_r);
	record_origin(facts, record_r);
	if (signature) {
		record_text(record_r, "dkim_d", signature->domain);
		record_text(record_r, "dkim_s", signature->selector);
	}
	record_judgement(examination, record_r);
	record_number(record_r, "ms", examination->ended_ms ? examination->ended_ms - examination->began_ms : -1);
	record_number(record_r, "dns_ms", (long long)facts->dns_ms);
	record_number(record_r, "dns_q", (long long)facts->dns_queries);
}

size_t record_printable(struct span text, char *to, size_t size)
{
	size_t shown = text.length > RECORD_VALUE_MAX ? RECORD_VALUE_MAX : text.length;
	size_t at = 0;

	if (size == 0)
		return 0;
	for (size_t i = 0; i < shown && at + 5 < size; i++) {
		unsigned char c = (unsigned char)text.at[i];
		if (c == '\\')
			at += (size_t)snprintf(to + at, size - at, "\\\\");
		else if (c < 0x20 || c > 0x7e)
			at += (size_t)snprintf(to + at, size - at, "\\x%02x", c);
		else
			to[at++] = (char)c;
	}
	to[at] = '\0';
	if (shown < text.length && at + 1 < size) {
		int length = snprintf(to + at, size - at, "...%zu", text.length);
		at += length < 0 ? 0 : (size_t)length < size - at ? (size_t)length : size - at - 1;
	}
	return at;
}
