/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/log_entry.h"

#include <stdio.h>

#include "core/reply.h"

void log_entry_init(struct log_entry *entry)
{
	memset(entry, 0, sizeof *entry);
}

static struct log_field *field_add(struct log_entry *entry, const char *key)
{
	if (entry->count >= LOG_FIELDS_MAX)
		return NULL;
	struct log_field *field = &entry->fields[entry->count++];
	memset(field, 0, sizeof *field);
	field->key = key;
	return field;
}

void log_entry_text(struct log_entry *entry, const char *key, struct span text)
{
	struct log_field *field = text.length != 0 ? field_add(entry, key) : NULL;
	if (field)
		field->text = text;
}

void log_entry_number(struct log_entry *entry, const char *key, long long number)
{
	struct log_field *field = number >= 0 ? field_add(entry, key) : NULL;
	if (field) {
		field->is_number = true;
		field->number = number;
	}
}

static void log_entry_session(const struct facts *facts, struct log_entry *entry)
{
	log_entry_text(entry, "client", facts->client_text);
	log_entry_text(entry, "client_name", facts->client_name);
	log_entry_text(entry, "helo", facts->helo);
	log_entry_text(entry, "tls", facts->tls_version);
	log_entry_text(entry, "cipher", facts->cipher);
	log_entry_number(entry, "bits", facts->has_cipher_bits ? (long long)facts->cipher_bits : -1);
	log_entry_text(entry, "cert", facts->certificate.name);
	log_entry_text(entry, "cert_issuer", facts->certificate.issuer);
	log_entry_text(entry, "auth", facts->auth_authen);
}

static void log_entry_message(const struct facts *facts, struct log_entry *entry)
{
	/* Who the author is can be told of a whole header only. */
	const struct field *from = facts->stage >= STAGE_HEADER ? header_find(&facts->header, FIELD_FROM) : NULL;
	struct span author = facts->author_status == MAILBOX_OK ? facts->author.address
	                     : from                             ? span_trim(from->value)
	                                                        : span_make(NULL, 0);
	log_entry_text(entry, "from", mailbox_bare_path(facts->mail_from));
	log_entry_text(entry, "hfrom", author);
	/* What names a message whose header did not come. */
	if (facts->stage < STAGE_HEADER)
		log_entry_text(entry, "rcpt", mailbox_bare_path(facts->first_recipient));
	log_entry_number(entry, "rcpts", facts->recipients);
	log_entry_text(entry, "msgid", facts->message_id);
	log_entry_number(entry, "size", facts->body_complete ? (long long)(facts->header.bytes + facts->body_bytes) : -1);
}

static struct span first_value(const struct facts *facts, enum field_name name)
{
	const struct field *field = facts->stage >= STAGE_HEADER ? header_find(&facts->header, name) : NULL;
	return field ? span_trim(field->value) : span_make(NULL, 0);
}

/* Who in Salesforce sent it, by fields that nobody signs. */
static void log_entry_origin(const struct facts *facts, struct log_entry *entry)
{
	log_entry_text(entry, "sf_user", first_value(facts, FIELD_X_SFDC_USER));
	log_entry_text(entry, "sf_category", first_value(facts, FIELD_X_SFDC_EMAIL_CATEGORY));
	log_entry_text(entry, "sf_entity", first_value(facts, FIELD_X_SFDC_ENTITY_ID));
	log_entry_text(entry, "sf_correlation", first_value(facts, FIELD_X_SFDC_CORRELATION_ID));
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

static void log_entry_reason(struct examination *examination, struct log_entry *entry)
{
	const struct judgement *judgement = &examination->judgement;
	log_entry_text(entry, "why", join_checks(&judgement->why, NULL, &examination->arena));
	log_entry_text(entry, "reason", span_of(reason_code(judgement->reason)));
	if (judgement->why.count > 1)
		log_entry_text(entry, "reasons", join_checks(&judgement->why, judgement, &examination->arena));
	if (judgement->why.count != 0)
		log_entry_text(entry, "detail", judgement->results[judgement->why.ids[0]].detail);
}

bool log_tells_result(const struct judgement *judgement, enum check_id id)
{
	bool judged = judgement->would != VERDICT_EXEMPT && judgement->would != VERDICT_SKIP;
	return judged || judgement->results[id].code != RESULT_PENDING;
}

static void log_entry_judgement(struct examination *examination, struct log_entry *entry)
{
	const struct judgement *judgement = &examination->judgement;
	struct reply reply;

	for (unsigned i = 0; i < CHECK_COUNT; i++)
		if (log_tells_result(judgement, (enum check_id)i))
			log_entry_text(entry, check_at((enum check_id)i)->log_key,
			               span_of(result_name(judgement->results[i].code)));
	log_entry_reason(examination, entry);
	reply_make(judgement->verdict, judgement, span_of(examination->sid), span_make(NULL, 0), &reply);
	if (reply.code[0] != '\0')
		log_entry_text(entry, "reply", arena_printf(&examination->arena, "%s %s", reply.code, reply.enhanced));
	log_entry_text(entry, "warn", join_checks(&judgement->warn, NULL, &examination->arena));
}

/* As the log names an organization whose mode is in force. */
static struct span org_named(const struct org *org)
{
	if (!org)
		return span_of("unnamed");
	return org->name.length != 0 ? org->name : span_of(org->id.text);
}

void log_entry_examination(struct examination *examination, struct log_entry *entry_r)
{
	const struct facts *facts = &examination->facts;
	const struct judgement *judgement = &examination->judgement;
	const struct signature *signature = telling_signature(facts);
	bool ended = judgement->verdict != VERDICT_UNDECIDED;

	log_entry_init(entry_r);
	log_entry_text(entry_r, "ev", span_of(ended ? "verdict" : "abort"));
	log_entry_number(entry_r, "v", 1);
	if (ended) {
		log_entry_text(entry_r, "verdict", span_of(verdict_name(judgement->verdict)));
		log_entry_text(entry_r, "would", span_of(verdict_name(judgement->would)));
	}
	if (judgement->mode != MODE_UNSET)
		log_entry_text(entry_r, "mode", span_of(mode_name(judgement->mode)));
	if (judgement->mode != MODE_UNSET && facts->stage >= STAGE_HEADER)
		log_entry_text(entry_r, "mode_by", org_named(judgement->mode_by));
	log_entry_text(entry_r, "qid", facts->queue_id);
	log_entry_text(entry_r, "sid", span_of(examination->sid));
	log_entry_text(entry_r, "lk", facts->org_text);
	if (judgement->org) {
		log_entry_text(entry_r, "org", span_of(judgement->org->id.text));
		log_entry_text(entry_r, "org_name", judgement->org->name);
	}
	log_entry_session(facts, entry_r);
	log_entry_message(facts, entry_r);
	log_entry_origin(facts, entry_r);
	if (signature) {
		log_entry_text(entry_r, "dkim_d", signature->domain);
		log_entry_text(entry_r, "dkim_s", signature->selector);
	}
	log_entry_judgement(examination, entry_r);
	log_entry_number(entry_r, "ms", examination->ended_ms ? examination->ended_ms - examination->began_ms : -1);
	log_entry_number(entry_r, "dns_ms", (long long)facts->dns_ms);
	log_entry_number(entry_r, "dns_q", (long long)facts->dns_queries);
}

size_t log_entry_printable(struct span text, char *to, size_t size)
{
	size_t shown = text.length > LOG_VALUE_MAX ? LOG_VALUE_MAX : text.length;
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
