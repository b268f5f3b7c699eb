/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * spf_private: what the files of the spf module share.
 */
#ifndef SFDC_CORE_SPF_PRIVATE_H
#define SFDC_CORE_SPF_PRIVATE_H

#include "core/spf.h"

/* Room for a target-name, NUL not counted. */
#define SPF_TARGET_SIZE 253

/* A name built for a lookup: its bytes, and the form in which it is asked. */
struct spf_target {
	size_t length;
	char bytes[SPF_TARGET_SIZE];
	bool valid; /* a DNS name: name holds the question's form */
	size_t name_length;
	char name[ANSWER_NAME_SIZE];
};

/* What macros stand for. */
struct spf_values {
	struct span address; /* s */
	struct span local;   /* l */
	struct span sender;  /* o */
	struct span domain;  /* d */
	struct span client;  /* i */
	struct span ptr;     /* p */
	struct span helo;    /* h */
	bool ipv6;           /* v */
};

enum spf_macro_kind {
	SPF_MACRO_DOMAIN, /* domain-spec: ends in a top label or a macro */
	SPF_MACRO_STRING  /* macro-string: an unknown modifier's value, may be empty */
};

/* Parse text; NULL or an English phrase that says what is wrong. domain_r refers to text and to arena. */
const char *spf_macro_parse(struct arena *arena, struct span text, enum spf_macro_kind kind,
                            struct spf_domain *domain_r);

/*
 * Build the target-name of a domain-spec: expand, drop one trailing dot, drop labels on the left until 253 bytes are
 * left (RFC 7208 7.3). Without pieces it is the current domain.
 */
void spf_macro_expand(const struct spf_domain *domain, const struct spf_values *values, struct spf_target *target_r);

struct spf_lookup {
	struct question question;
	const struct answer *answer;     /* NULL: open */
	const struct spf_policy *policy; /* RECORD_TXT, once it is known */
	bool handed_out;
	enum spf_chooser chooser;
	struct spf_lookup *next;
};

/* A record under evaluation. */
struct spf_frame {
	struct span domain;              /* the current domain, as %{d} shows it */
	struct span name;                /* as it is asked */
	const struct spf_record *record; /* NULL: not there yet */
	size_t position;                 /* of the term under evaluation; record->count: redirect */
	bool counted;                    /* that term was counted */
	bool target;                     /* of include or redirect: "no record" is an error */
	enum spf_chooser chooser;        /* of its name */
};

struct spf_walk {
	struct arena *arena;
	struct spf_input input;
	struct spf_values values; /* but for domain and ptr */
	struct span reverse;      /* name of the client's PTR records */
	struct spf_lookup *lookups;
	struct spf_lookup **lookups_end;
	unsigned noted;           /* questions so far, handed out or not */
	enum spf_chooser chooser; /* of the names that are noted next */
	struct spf_frame frames[SPF_TERMS_MAX + 1];
	size_t depth; /* frames in use */
	struct spf_outcome outcome;
};

/* How the evaluation of one term ended. */
enum spf_step {
	SPF_STEP_WAIT, /* an answer is missing */
	SPF_STEP_MATCH,
	SPF_STEP_NEXT,  /* no match */
	SPF_STEP_ENTER, /* a frame was pushed, or replaced: go on there */
	SPF_STEP_END    /* the outcome is final */
};

/* The answer to a question; NULL: it was noted, or is still open. */
const struct spf_lookup *spf_walk_lookup(struct spf_walk *walk, enum record_type type, struct span name);

/* End with an error about term. Returns SPF_STEP_END. */
enum spf_step spf_walk_fail(struct spf_walk *walk, enum spf_result result, const char *text, struct span term);

/* End without memory. Returns SPF_STEP_END. */
enum spf_step spf_walk_no_memory(struct spf_walk *walk);

/* Evaluate one mechanism of the current frame other than include. */
enum spf_step spf_term_judge(struct spf_walk *walk, const struct spf_frame *frame, const struct spf_term *term);

/*
 * Build the target-name of a term for frame. SPF_STEP_NEXT: it is there, though perhaps not valid; SPF_STEP_WAIT and
 * SPF_STEP_END because of %{p}. *is_void is set when a lookup of %{p} was void. Sets walk->chooser for that name.
 */
enum spf_step spf_term_target(struct spf_walk *walk, const struct spf_frame *frame, const struct spf_domain *domain,
                              struct span text, bool *is_void, struct spf_target *target_r);

/* Note the questions that the terms after the current ones would ask. */
void spf_term_look_ahead(struct spf_walk *walk);

#endif
