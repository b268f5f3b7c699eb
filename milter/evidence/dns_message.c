/* SPDX-License-Identifier: BSD-2-Clause */
#include "evidence/dns_message.h"

#include <string.h>

#define HEADER_SIZE 12
#define NAME_SIZE 256
#define TYPE_CNAME 5
#define CLASS_IN 1

struct packet {
	const unsigned char *bytes;
	size_t length;
	size_t answers; /* where the answer section starts */
	unsigned count; /* records in it */
};

/* A name, decompressed: length byte and label in turn, the root's length byte at the end. */
struct wire {
	size_t length;
	unsigned char bytes[NAME_SIZE];
};

/* One resource record. */
struct rr {
	size_t owner; /* offset */
	unsigned type;
	unsigned class;
	size_t data; /* offset */
	size_t data_length;
};

static unsigned read16(const struct packet *packet, size_t at)
{
	return (unsigned)packet->bytes[at] << 8 | packet->bytes[at + 1];
}

/* *next_r is what follows the name in place. */
static bool read_name(const struct packet *packet, size_t at, struct wire *name_r, size_t *next_r)
{
	size_t limit = at; /* a pointer must lead before where this part of the name began */
	bool jumped = false;

	name_r->length = 0;
	for (;;) {
		if (at >= packet->length)
			return false;
		unsigned label = packet->bytes[at];
		if (label >= 0xc0) {
			if (at + 1 >= packet->length)
				return false;
			size_t target = read16(packet, at) & 0x3fff;
			if (!jumped)
				*next_r = at + 2;
			if (target >= limit)
				return false;
			jumped = true;
			limit = at = target;
			continue;
		}
		if (label > 63 || at + 1 + label > packet->length || name_r->length + 1 + label > NAME_SIZE - 1)
			return false;
		memcpy(name_r->bytes + name_r->length, packet->bytes + at, 1 + label);
		name_r->length += 1 + label;
		at += 1 + label;
		if (label == 0)
			break;
	}
	if (!jumped)
		*next_r = at;
	return true;
}

/* A length byte is below 64 and so no capital letter. */
static bool same_name(const struct wire *a, const struct wire *b)
{
	return span_equal_nocase(span_make((const char *)a->bytes, a->length),
	                         span_make((const char *)b->bytes, b->length));
}

/* One byte of a name in text form; *at moves behind it. A dot that separates labels is told by *dot_r. */
static bool text_byte(struct span text, size_t *at, unsigned *byte_r, bool *dot_r)
{
	*byte_r = (unsigned char)text.at[*at];
	*dot_r = *byte_r == '.';
	if (*byte_r != '\\') {
		(*at)++;
		return true;
	}
	unsigned long number;
	if (text.length - *at < 4 || !span_number(span_slice(text, *at + 1, *at + 4), 255, &number))
		return false;
	*byte_r = (unsigned)number;
	*at += 4;
	return true;
}

/* The name of a question (answer.h) in wire form. */
static bool wire_of(struct span text, struct wire *name_r)
{
	size_t label = 0; /* where the length byte of the current label is */
	name_r->length = 1;
	for (size_t at = 0; at < text.length;) {
		unsigned byte;
		bool dot;
		if (!text_byte(text, &at, &byte, &dot) || name_r->length >= NAME_SIZE - 1)
			return false;
		size_t size = name_r->length - label - 1;
		if (dot ? size == 0 : size == 63)
			return false;
		if (dot) {
			name_r->bytes[label] = (unsigned char)size;
			label = name_r->length++;
		} else {
			name_r->bytes[name_r->length++] = (unsigned char)byte;
		}
	}
	name_r->bytes[label] = (unsigned char)(name_r->length - label - 1);
	if (name_r->bytes[label] != 0)
		name_r->bytes[name_r->length++] = 0;
	return text.length == 0 || text.at[text.length - 1] != '.';
}

static bool read_rr(const struct packet *packet, size_t at, struct rr *rr_r, size_t *next_r)
{
	struct wire name;

	rr_r->owner = at;
	if (!read_name(packet, at, &name, &at) || packet->length - at < 10)
		return false;
	rr_r->type = read16(packet, at);
	rr_r->class = read16(packet, at + 2);
	rr_r->data_length = read16(packet, at + 8);
	rr_r->data = at + 10;
	if (rr_r->data_length > packet->length - rr_r->data)
		return false;
	*next_r = rr_r->data + rr_r->data_length;
	return true;
}

/* Find the answer section, and check once that all its records lie within the packet. */
static bool open_packet(const void *bytes, size_t length, struct packet *dns_message_r)
{
	struct wire name;
	struct rr rr;
	size_t at = HEADER_SIZE;

	dns_message_r->bytes = bytes;
	dns_message_r->length = length;
	if (length < HEADER_SIZE)
		return false;
	for (unsigned left = read16(dns_message_r, 4); left > 0; left--) {
		if (!read_name(dns_message_r, at, &name, &at) || length - at < 4)
			return false;
		at += 4;
	}
	dns_message_r->answers = at;
	dns_message_r->count = read16(dns_message_r, 6);
	for (unsigned left = dns_message_r->count; left > 0; left--)
		if (!read_rr(dns_message_r, at, &rr, &at))
			return false;
	return true;
}

/* A name of the wire as answer.h writes it; absent without memory. */
static struct span name_text(const struct wire *wire, struct arena *arena)
{
	char text[NAME_SIZE * 4];
	size_t length = 0;
	const unsigned char *name = wire->bytes;

	while (*name != 0) {
		unsigned label = *name++;
		if (length != 0)
			text[length++] = '.';
		for (; label > 0; label--, name++) {
			unsigned char c = *name;
			if (c > 0x20 && c < 0x7f && c != '.' && c != '\\') {
				text[length++] = (char)c;
				continue;
			}
			text[length++] = '\\';
			text[length++] = (char)('0' + c / 100);
			text[length++] = (char)('0' + c / 10 % 10);
			text[length++] = (char)('0' + c % 10);
		}
	}
	return arena_span(arena, span_make(text, length));
}

/* The name of the record's data must end where the data does. */
static bool data_name(const struct packet *packet, const struct rr *rr, size_t skip, struct wire *name_r)
{
	size_t next;
	return rr->data_length >= skip && read_name(packet, rr->data + skip, name_r, &next)
	       && next == rr->data + rr->data_length;
}

static bool data_text(const struct packet *packet, const struct rr *rr, size_t skip, struct arena *arena,
                      struct span *text_r)
{
	struct wire name;
	if (!data_name(packet, rr, skip, &name))
		return false;
	*text_r = name_text(&name, arena);
	return !span_absent(*text_r);
}

static bool owns(const struct packet *packet, const struct rr *rr, const struct wire *name)
{
	struct wire owner;
	size_t next;
	return read_name(packet, rr->owner, &owner, &next) && same_name(&owner, name);
}

/* The strings of a TXT record, joined. */
static bool read_strings(const struct packet *packet, const struct rr *rr, struct arena *arena, struct span *text_r)
{
	char *text = arena_alloc(arena, rr->data_length);
	size_t length = 0;

	for (size_t at = rr->data, end = rr->data + rr->data_length; at < end;) {
		size_t size = packet->bytes[at++];
		if (!text || size > end - at)
			return false;
		memcpy(text + length, packet->bytes + at, size);
		length += size;
		at += size;
	}
	*text_r = span_make(text, length);
	return text != NULL;
}

static bool read_record(const struct packet *packet, const struct rr *rr, enum record_type type, struct arena *arena,
                        struct answer_record *record_r)
{
	switch (type) {
	case RECORD_A:
		record_r->address = address_from_bytes(packet->bytes + rr->data, rr->data_length);
		return record_r->address.family == ADDRESS_IPV4;
	case RECORD_AAAA:
		record_r->address = address_from_bytes(packet->bytes + rr->data, rr->data_length);
		return record_r->address.family == ADDRESS_IPV6;
	case RECORD_MX:
		if (rr->data_length < 2)
			return false;
		record_r->preference = read16(packet, rr->data);
		return data_text(packet, rr, 2, arena, &record_r->text);
	case RECORD_PTR:
		return data_text(packet, rr, 0, arena, &record_r->text);
	case RECORD_TXT:
		return read_strings(packet, rr, arena, &record_r->text);
	}
	return false;
}

unsigned dns_message_type_number(enum record_type type)
{
	switch (type) {
	case RECORD_A:
		return 1;
	case RECORD_AAAA:
		return 28;
	case RECORD_MX:
		return 15;
	case RECORD_PTR:
		return 12;
	case RECORD_TXT:
		return 16;
	}
	return 0;
}

/* Replace name by the target of its CNAME. False: it has none, or one that is malformed, which *sound_r tells. */
static bool follow_alias(const struct packet *packet, struct wire *name, bool *sound_r)
{
	struct rr rr;
	size_t at = packet->answers;

	for (unsigned left = packet->count; left > 0 && read_rr(packet, at, &rr, &at); left--)
		if (rr.type == TYPE_CNAME && rr.class == CLASS_IN && owns(packet, &rr, name)) {
			*sound_r = data_name(packet, &rr, 0, name);
			return *sound_r;
		}
	return false;
}

/* Follow the aliases from the name that was asked. */
static bool read_chain(const struct packet *packet, struct wire *name, struct arena *arena, struct answer *answer)
{
	struct span *chain = arena_array(arena, PACKET_CHAIN_MAX, sizeof *chain);
	bool sound = chain != NULL;

	answer->chain = chain;
	while (sound && follow_alias(packet, name, &sound)) {
		if (answer->chain_count == PACKET_CHAIN_MAX)
			return false;
		chain[answer->chain_count++] = name_text(name, arena);
	}
	return sound;
}

static bool read_records(const struct packet *packet, const struct wire *name, enum record_type type,
                         struct arena *arena, struct answer *answer)
{
	struct answer_record *records = arena_array(arena, packet->count, sizeof *records);
	struct rr rr;
	size_t at = packet->answers;

	answer->records = records;
	for (unsigned left = packet->count; records && left > 0 && read_rr(packet, at, &rr, &at); left--) {
		if (rr.type != dns_message_type_number(type) || rr.class != CLASS_IN || !owns(packet, &rr, name))
			continue;
		if (!read_record(packet, &rr, type, arena, &records[answer->count]))
			return false;
		answer->count++;
	}
	return records != NULL;
}

bool dns_message_parse(const void *packet, size_t length, const struct question *question, struct arena *arena,
                       struct answer *answer_r)
{
	struct packet open;
	struct wire name;

	answer_r->count = 0;
	answer_r->chain_count = 0;
	if (!open_packet(packet, length, &open) || !wire_of(question->name, &name)
	    || !read_chain(&open, &name, arena, answer_r) || !read_records(&open, &name, question->type, arena, answer_r))
		return false;
	answer_r->status = answer_r->count != 0 ? ANSWER_FOUND : ANSWER_NODATA;
	return !arena_failed(arena);
}
