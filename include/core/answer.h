/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * answer: a question to the DNS and what came back, as the pure evaluators (SPF, DMARC) see it.
 *
 * An evaluator hands out questions; a driver outside the core answers them, from a resolver or from a test's table,
 * and hands the answers in. A driver follows CNAME and DNAME; an evaluator never does.
 *
 * Names, in questions and in answers: labels of 1 to 63 bytes joined by dots, 253 bytes at most before escaping, no
 * trailing dot. A byte of a label that is a dot, a backslash or outside 0x21..0x7e is written \DDD, three decimal
 * digits (RFC 1035 5.1, RFC 4343 2.1); every other byte stands for itself, so SPF may well ask for
 * "foo:bar/baz.example.com" or "a%b\032c.example.com" (RFC 7208 7.1). Questions are in lower case, answers in the case
 * they came in. In an answer the root is the empty span (at != NULL).
 *
 * Nothing here owns memory: whoever made an answer keeps it unchanged as long as the evaluation it was given to may
 * look at it. Answers are immutable and may be shared by threads. Zeroed memory is ANSWER_PENDING.
 */
#ifndef SFDC_CORE_ANSWER_H
#define SFDC_CORE_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "core/network.h"
#include "core/span.h"

enum answer_status {
	ANSWER_PENDING,  /* not answered yet; the only status that is no answer */
	ANSWER_FOUND,    /* at least one record of the type asked */
	ANSWER_NODATA,   /* the name exists, the type does not (NOERROR, no record) */
	ANSWER_NXDOMAIN, /* no such name (RCODE 3), of the question or at the end of its CNAME chain */
	ANSWER_TEMPFAIL, /* SERVFAIL, time-out, no memory, any other RCODE, an answer that cannot be parsed */
	ANSWER_BOGUS,    /* DNSSEC validation failed: to be treated like ANSWER_TEMPFAIL, told apart for the log */
	ANSWER_BUSY      /* not asked, since too much is asked already: likewise */
};
#define ANSWER_STATUSES 7

enum record_type { RECORD_A, RECORD_AAAA, RECORD_MX, RECORD_PTR, RECORD_TXT };

struct question {
	enum record_type type;
	struct span name;
};

/* One resource record of the type that was asked. */
struct answer_record {
	struct address address; /* RECORD_A: ADDRESS_IPV4; RECORD_AAAA: ADDRESS_IPV6, not normalized */
	unsigned preference;    /* RECORD_MX */
	struct span text;       /* RECORD_MX, RECORD_PTR: the name; RECORD_TXT: all strings of the record joined without
	                           anything between them, every byte kept, NUL included */
};

struct answer {
	enum answer_status status;
	bool secure;       /* validated by DNSSEC, every step of the chain included */
	unsigned long ttl; /* seconds, the smallest of the chain; for a negative answer as RFC 2308 says; 0: do not keep */
	size_t count;      /* 0 unless ANSWER_FOUND */
	const struct answer_record *records; /* in the order of the response */
	size_t chain_count;
	const struct span *chain; /* the CNAME targets the answer came through, in order; the name asked is not in it */
};

/* Room for any name in this form, NUL included. */
#define ANSWER_NAME_SIZE (253 * 4 + 1)

/*
 * Turn raw bytes, of which each dot separates labels, into a question's name: lower-cased, escaped, NUL-terminated.
 * Returns its length; 0 when a label is empty or longer than 63 bytes, or the whole longer than 253.
 */
size_t answer_name_write(struct span raw, char name_r[ANSWER_NAME_SIZE]);

/* Whether a name of an answer is one that can be asked as it stands: no escapes, no empty or overlong label. */
bool answer_name_plain(struct span name);

/* Whether two questions are the same: type and name, the latter without case. */
static inline bool question_equal(const struct question *a, const struct question *b)
{
	return a->type == b->type && span_equal_nocase(a->name, b->name);
}

/* Whether status is an answer that says nothing about the data: ANSWER_TEMPFAIL, ANSWER_BOGUS or ANSWER_BUSY. */
static inline bool answer_failed(const struct answer *answer)
{
	return answer->status == ANSWER_TEMPFAIL || answer->status == ANSWER_BOGUS || answer->status == ANSWER_BUSY;
}

/* Whether the lookup was a void one (RFC 7208 4.6.4): ANSWER_NODATA or ANSWER_NXDOMAIN. */
static inline bool answer_void(const struct answer *answer)
{
	return answer->status == ANSWER_NODATA || answer->status == ANSWER_NXDOMAIN;
}

#endif
