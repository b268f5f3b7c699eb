/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * spf: check_host() of RFC 7208 as a pure, resumable machine.
 *
 * A record is parsed completely before anything is looked up, into a form that is never changed afterwards and can be
 * kept for later evaluations. What a sender wrote (HELO name, local-part) is put in when names are built, from the
 * parsed record, so it can never add a term.
 *
 * Decisions where RFC 7208 leaves room:
 * - Terms are evaluated from left to right; a lookup that is not reached is not judged. So neither a failing host
 *   behind the MX host that matched, nor %{p} in a later term, changes the result.
 * - Void lookups (4.6.4) are counted by terms: a term is void once, when one or more of its lookups were, those of "ptr"
 *   and %{p} included; the third such term gives permerror.
 * - A domain-spec without macros that cannot be a DNS name is a syntax error. A name that becomes impossible only by
 *   expansion matches nothing; as the target of include or redirect it gives permerror (4.8).
 * - The letters c, r and t are refused everywhere: the only text in which they are allowed, that of exp=, is never
 *   fetched. exp= is checked and then ignored.
 * - Answers are ordered before use (MX by preference and name, PTR by name): the order of a response changes nothing.
 * - A name that a response gives and that contains escaped bytes (answer.h) is skipped, as PTR names that do not
 *   resolve are.
 * - A DNS error during the PTR lookup means "no match", during the address lookup of a PTR name that this name is
 *   skipped (5.5); any other DNS error gives temperror.
 *
 * Deadlines are the driver's: spf_walk_expire(). An evaluation belongs to one thread at a time; records and policies
 * may be shared.
 */
#ifndef SFDC_CORE_SPF_H
#define SFDC_CORE_SPF_H

#include <stdbool.h>
#include <stddef.h>

#include "core/answer.h"
#include "core/arena.h"
#include "core/network.h"
#include "core/span.h"

/* A longer record is broken: it bounds the memory that a sender's zone can take. */
#define SPF_RECORD_MAX 16384

/* Limits of RFC 7208 4.6.4, over the whole evaluation. */
#define SPF_TERMS_MAX 10 /* terms that cause lookups */
#define SPF_VOIDS_MAX 2  /* terms with void lookups */
#define SPF_NAMES_MAX 10 /* MX hosts, PTR names */

enum spf_result { SPF_PENDING, SPF_NONE, SPF_NEUTRAL, SPF_PASS, SPF_FAIL, SPF_SOFTFAIL, SPF_TEMPERROR, SPF_PERMERROR };
#define SPF_RESULTS 8

/* The keyword of RFC 8601 2.7.2, "pending" for SPF_PENDING, "invalid" for a value outside the enumeration. */
const char *spf_result_name(enum spf_result result);

/* A parsed domain-spec or macro-string (section 7): literal text and macros in turn. */
struct spf_piece {
	char letter;      /* of the macro, in lower case; 0: literal text */
	bool escape;      /* the letter was upper case: URL-escape the value */
	bool reverse;     /* transformer r */
	size_t parts;     /* right-hand parts to keep, 0 = all */
	struct span text; /* the literal text; of a macro: its delimiters, "." when it names none */
};

struct spf_domain {
	size_t count; /* 0: none was given, the current domain is meant */
	const struct spf_piece *pieces;
	bool uses_p; /* %{p} occurs */
};

enum spf_mechanism { SPF_ALL, SPF_INCLUDE, SPF_A, SPF_MX, SPF_PTR, SPF_IP4, SPF_IP6, SPF_EXISTS };

struct spf_term {
	enum spf_mechanism mechanism;
	enum spf_result result; /* what a match means: the qualifier */
	struct spf_domain domain;
	struct address network; /* SPF_IP4, SPF_IP6; never normalized */
	unsigned prefix4;       /* SPF_IP4, SPF_A, SPF_MX */
	unsigned prefix6;       /* SPF_IP6, SPF_A, SPF_MX */
	struct span text;       /* as it stands in the record */
};

struct spf_record {
	size_t count;
	const struct spf_term *terms; /* the mechanisms, in order */
	bool has_redirect;
	struct spf_domain redirect;
	struct span redirect_text;
};

/* Where and why something is wrong: an English phrase, and the term it is about (absent: the record as a whole). */
struct spf_problem {
	const char *text; /* static; NULL: nothing is wrong */
	struct span term;
};

/* What a TXT answer holds. POLICY_PENDING only in zeroed memory. */
enum spf_policy_status {
	SPF_POLICY_PENDING,
	SPF_POLICY_NONE,     /* no SPF record */
	SPF_POLICY_RECORD,   /* exactly one, well-formed */
	SPF_POLICY_BROKEN,   /* several, or one that is not well-formed: permerror */
	SPF_POLICY_TEMPERROR /* the lookup failed, or no memory */
};

struct spf_policy {
	enum spf_policy_status status;
	const struct spf_record *record; /* SPF_POLICY_RECORD */
	struct spf_problem problem;      /* SPF_POLICY_BROKEN, SPF_POLICY_TEMPERROR */
};

/* Whether text (one TXT record) claims to be an SPF record: "v=spf1" in any case, then a space or the end (4.5). */
bool spf_is_record(struct span text);

/*
 * Parse a record that spf_is_record() accepted. Everything *policy_r refers to is in arena, text is copied.
 * SPF_POLICY_RECORD, SPF_POLICY_BROKEN, or without memory SPF_POLICY_TEMPERROR.
 */
void spf_parse(struct arena *arena, struct span text, struct spf_policy *policy_r);

/* Select and parse the record in a TXT answer that is not ANSWER_PENDING (4.4, 4.5). */
void spf_policy_of(struct arena *arena, const struct answer *answer, struct spf_policy *policy_r);

struct spf_input {
	struct address client; /* ADDRESS_NONE gives SPF_NONE */
	struct span domain;    /* of MAIL FROM, or the HELO name when that identity is checked or MAIL FROM is <> */
	struct span local;     /* local-part of MAIL FROM; empty or absent: "postmaster" */
	struct span helo;      /* the HELO name, for %{h} */
	bool look_ahead;       /* also hand out questions that later terms would ask */
};

struct spf_outcome {
	enum spf_result result;
	struct span domain;    /* the domain whose record decided: that of the check, or where redirect led */
	struct span mechanism; /* the term of that record that matched; absent: none did */
	struct spf_problem
		problem; /* what is wrong; for SPF_TEMPERROR and SPF_PERMERROR, and where SPF_NONE needs a word */
	struct span problem_domain; /* in whose record, or about whose lookup */
	unsigned terms;             /* counted terms */
	unsigned voids;             /* terms with void lookups */
	unsigned questions;         /* handed out */
};

struct spf_walk;

/* An evaluation that has not begun, in arena, which must outlive it. input is copied. NULL without memory. */
struct spf_walk *spf_walk_new(struct arena *arena, const struct spf_input *input);

/*
 * Go on as far as the answers allow. SPF_PENDING: at least one question is open. Any other result is final, and
 * further calls repeat it.
 */
enum spf_result spf_walk_step(struct spf_walk *walk);

/*
 * The next question that has not been handed out yet, NULL when there is none for now. Each is handed out once, the
 * one the evaluation waits for before those that look ahead. It stays where it is as long as the arena.
 */
const struct question *spf_walk_next(struct spf_walk *walk);

/* Who chose the name of a question, the one who can choose the least first. */
enum spf_chooser {
	SPF_CHOSEN_BY_RECORD, /* the domain, and what its records name; the client's address may be part of it */
	SPF_CHOSEN_BY_SENDER, /* a macro put the local-part or the HELO name into it */
	SPF_CHOSEN_BY_CLIENT  /* it is the client's reverse zone, or a name that this gave */
};

/* Of a question that was handed out. */
enum spf_chooser spf_walk_chooser(const struct spf_walk *walk, const struct question *question);

/*
 * Hand in the answer to a question. answer, and policy, must stay unchanged until the evaluation is over. policy: what
 * spf_policy_of() made of this answer earlier; NULL: the walk makes it itself when it needs it. The first answer counts;
 * an answer to another question, or ANSWER_PENDING, is ignored.
 */
void spf_walk_answer(struct spf_walk *walk, const struct question *question, const struct answer *answer,
                     const struct spf_policy *policy);

/* Time is up: an evaluation that is still pending ends in SPF_TEMPERROR. */
void spf_walk_expire(struct spf_walk *walk);

/* How it stands, at any time. Spans are in the arena, or in a policy that was handed in. */
const struct spf_outcome *spf_walk_outcome(const struct spf_walk *walk);

#endif
