/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * header: the header section of one message as its fields arrive, kept once for all who read it, and the raw message file
 * it may come from.
 *
 * Collection counts every field, keeps it, and notes what is unsound. It is bounded: past HEADER_FIELDS_MAX fields or
 * HEADER_BYTES_MAX bytes nothing more is kept, the header is marked as over the limit, and counting goes on, so that the
 * index of a field to be removed stays right. count[] may therefore be larger than the number of fields in the list; of
 * every name those in the list are the first ones.
 * Sources: RFC 5322 3.6 (which fields may stand once), RFC 2045 (MIME). Not thread-safe; one message, one thread.
 */
#ifndef SFDC_CORE_HEADER_H
#define SFDC_CORE_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/set.h"
#include "core/span.h"

#define HEADER_FIELDS_MAX 2000
#define HEADER_BYTES_MAX ((size_t)1 << 20)
#define HEADER_FIELD_MAX ((size_t)65536) /* bytes of one field; MTAs hand over at most about 60,000 */
#define HEADER_NAME_SHOWN 128            /* bytes of defect_name */

/* Fields the decision knows by name. Those before FIELD_X_SFDC_LK may stand once only. */
enum field_name {
	FIELD_FROM,
	FIELD_SENDER,
	FIELD_REPLY_TO,
	FIELD_TO,
	FIELD_CC,
	FIELD_BCC,
	FIELD_SUBJECT,
	FIELD_DATE,
	FIELD_MESSAGE_ID,
	FIELD_IN_REPLY_TO,
	FIELD_REFERENCES,
	FIELD_MIME_VERSION,
	FIELD_CONTENT_TYPE,
	FIELD_CONTENT_TRANSFER_ENCODING,
	FIELD_X_SFDC_LK,
	FIELD_X_SFDC_ORG_RELAY,
	FIELD_X_SFDC_USER,
	FIELD_X_SFDC_EMAIL_CATEGORY,
	FIELD_X_SFDC_ENTITY_ID,
	FIELD_X_SFDC_CORRELATION_ID,
	FIELD_DKIM_SIGNATURE,
	FIELD_AUTHENTICATION_RESULTS,
	FIELD_OTHER
};
#define FIELD_NAMES 23
#define FIELD_SINGLETONS FIELD_X_SFDC_LK

/* One field as received. */
struct field {
	enum field_name id;
	struct span raw_name; /* up to the colon */
	struct span name;     /* without the white space that may stand before the colon; part of raw_name */
	struct span value;    /* raw after the colon: folds ("\n" or "\r\n" and white space) included */
	bool leading_space;   /* value begins with the white space after the colon; else the MTA took one space away */
	unsigned index; /* 1 for the first field of this name (without case), 2, ...; for known names and the watched one */
	struct field *next;
	const struct field
		*above; /* after header_index(): the field of the same name before this one, NULL for the first */
};

/* The fields of one name. */
struct field_group {
	unsigned count;
	const struct field *last;
};

/* What made the header unsound, in the order in which it is reported. Bits of header.defects. */
enum header_defect {
	HEADER_SOUND = 0,
	HEADER_NUL = 1 << 0,       /* a NUL byte */
	HEADER_BARE_CR = 1 << 1,   /* a CR that is not followed by LF, or a LF that is not followed by white space */
	HEADER_NAME = 1 << 2,      /* white space before the colon, or a byte that no field name may hold */
	HEADER_NO_COLON = 1 << 3,  /* a line that is neither field nor continuation (raw files only) */
	HEADER_DUPLICATE = 1 << 4, /* a field that may stand once stands twice */
	HEADER_OVER_LIMIT = 1 << 5 /* too many fields, or too many bytes */
};

struct header {
	struct arena *arena;
	struct field *first; /* in order of arrival */
	struct field *last;
	const struct field *latest; /* the field that came last; NULL when it was not kept */
	const struct set *names;    /* after header_index(): of all fields, without case; NULL: not known */
	struct field_group *groups; /* the fields of each of names, by its number */
	struct span watched;        /* one further name whose fields are numbered (the result header), absent = none */
	unsigned count[FIELD_NAMES];
	unsigned watched_count;
	unsigned fields;
	size_t bytes;
	unsigned defects;        /* of enum header_defect */
	struct span defect_name; /* the field the first defect is about; for the log only */
};

/* Prepare for one message. watched is borrowed. */
void header_init(struct header *header, struct arena *arena, struct span watched);

/*
 * Take the next field. name may carry white space before the colon (noted as HEADER_NAME, and the field counts under
 * its trimmed name); value is raw, without the line end that ends the field; leading_space as in struct field. Copies what
 * it keeps. False without memory.
 */
bool header_add(struct header *header, struct span name, struct span value, bool leading_space);

/*
 * Find the fields of each name, once the header is complete; a second call changes nothing. Of a header over the limit
 * names stays NULL. False without memory.
 */
bool header_index(struct header *header);

/* The first field of that name, or NULL. FIELD_OTHER is never looked up. */
const struct field *header_find(const struct header *header, enum field_name id);

/* The next field of the same name after field, or NULL. */
const struct field *header_next(const struct field *field);

/* The known field of that name (without case, white space trimmed), FIELD_OTHER if unknown. */
enum field_name field_by_name(struct span name);

/* The canonical spelling of a known field; "" for FIELD_OTHER. */
const char *field_text(enum field_name id);

/*
 * Split a raw message. Calls take() for each field in order, then sets *body_r to what follows the header section
 * (absent when there is no body). Lines end in LF or CRLF. *defects_r are header_defect bits of the header section: NUL,
 * bare CR, and HEADER_NO_COLON for a line that is no field: no colon, a name that is empty or holds anything but
 * printable ASCII, or white space at the start of the first line. The header ends before such a line, as it does in an
 * MTA, and the body begins with it. A first line of the mbox form, "From " and no colon after that white space, is
 * skipped. NUL bytes of the body are not looked for. take() returning false ends the split and gives false.
 */
bool message_split(struct span raw, bool (*take)(void *context, struct span name, struct span value), void *context,
                   struct span *body_r, unsigned *defects_r);

/* Whether raw begins with a line of the mbox form, as message_split() skips one. */
bool message_begins_mbox(struct span raw);

#endif
