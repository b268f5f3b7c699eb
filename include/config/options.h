/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * options: the one table of everything that can be configured.
 *
 * A row gives an option its key, scope, type, default, limits and meaning; the loader, the manual page, the sample, the
 * JSON Schema and the tests all follow it. The rows are in the order of the manual. Static and immutable.
 */
#ifndef SFDC_CONFIG_OPTIONS_H
#define SFDC_CONFIG_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/span.h"

/* OPTION_TOP: once, at the top level. OPTION_ORG: under `defaults` and under each organization. */
enum option_scope { OPTION_TOP, OPTION_ORG };

/* The type of the value, and of the field it is stored in. */
enum option_type {
	OPTION_TEXT,     /* one line of text: struct span, never absent */
	OPTION_FILE,     /* a file that is read, relative to the configuration's folder, "" = none: struct span, the path */
	OPTION_BOOLEAN,  /* yes, no, true, false, on, off: bool */
	OPTION_NUMBER,   /* decimal: unsigned */
	OPTION_OCTAL,    /* permission bits such as 0660: unsigned */
	OPTION_DURATION, /* 7d, 12h, 30m, 90s or 0: unsigned, seconds */
	OPTION_DURATIONS, /* a list of them, each longer than the one before: struct durations */
	OPTION_RATE,      /* 2000/1h, "" = none: struct rate */
	OPTION_STORE,     /* where limits are counted, maybe with a password, never to be shown, "" = here: struct span */
	OPTION_CHOICE,    /* one of choices: an enum or int */
	OPTION_CHOICES,   /* a list of choices, at least one: unsigned, their values or-ed */
	OPTION_SENTENCE,  /* a policy sentence: struct sentence */
	OPTION_EXACT,     /* a list of texts that are compared exactly: struct set * */
	OPTION_NOCASE,    /* a list of texts that are compared without case: struct set * */
	OPTION_PATTERNS,  /* a list of domain patterns: struct set * */
	OPTION_NETWORKS,  /* a list of CIDR blocks: struct network_set * */
	OPTION_BLOCKS,    /* a file of CIDR blocks, "" = none: struct span, the path */
	OPTION_GLOBS,     /* `include`: kept nowhere */
	OPTION_DEFAULTS,  /* `defaults`: a map of per-org options */
	OPTION_ORGS       /* `orgs`: a map from organization ID to a map of per-org options */
};

/*
 * How the values that several organizations have of an option come to one that is as wide as the widest, so that no
 * session is refused that some organization would take. No value is zero: a row cannot leave it out.
 */
enum option_unite {
	UNITE_TOP = 1,             /* an option of the top level, which has one value */
	UNITE_UNION,               /* lists, networks, several choices: all of them */
	UNITE_UNION_EMPTY_IS_ALL,  /* a list that restricts nothing when it is empty */
	UNITE_INTERSECTION,        /* a list of what is asked for: what all ask for */
	UNITE_LOWEST,              /* a number, or a choice in rising order, that is the least accepted */
	UNITE_HIGHEST_ZERO_IS_ALL, /* a number that is the most accepted; 0 restricts nothing */
	UNITE_MOST_LENIENT,        /* a choice whose values are declared from the strictest to the most lenient */
	UNITE_ANY_YES,             /* yes is wider than no */
	UNITE_ANY_NO,              /* no is wider than yes */
	UNITE_NOT_SESSION          /* no check of a session looks at it; `apart` says why */
};

struct option_choice {
	const char *name;    /* NULL ends a list of choices */
	int value;           /* CHOICE_REFUSED: a name that is known and not supported */
	const char *instead; /* with CHOICE_REFUSED: what to write */
};
#define CHOICE_REFUSED (-1)

/* Room for what a check has to say. */
#define OPTION_PROBLEM_SIZE 320

/*
 * Check one text, or one item of a list. False: problem_r holds the rest of a sentence that begins with the value,
 * "is ...; what to do".
 */
typedef bool (*option_check)(struct span value, char problem_r[OPTION_PROBLEM_SIZE]);

struct option {
	const char *key; /* "mode"; "tls.min_version": min_version in the map tls */
	enum option_scope scope;
	enum option_type type;
	const char *preset; /* the default, as YAML; NULL: there is none, see help */
	size_t offset;      /* of the field in struct settings or struct org; unused for the last three types */
	const struct option_choice *choices; /* CHOICE and CHOICES */
	unsigned long min, max;              /* NUMBER, OCTAL, DURATION and DURATIONS */
	option_check check;                  /* TEXT, EXACT, NOCASE, and items of lists; may be NULL */
	enum option_unite unite;
	const char *apart; /* UNITE_NOT_SESSION: why; else NULL */
	const char *help;  /* one line */
};

#define OPTIONS_MAX 96

size_t option_count(void);

/* Row number i, 0 <= i < option_count() <= OPTIONS_MAX. */
const struct option *option_at(size_t i);

/* The row of a full key in a scope, or NULL. */
const struct option *option_find(enum option_scope scope, struct span key);

/* Its number: option_at(option_number(option)) == option. */
size_t option_number(const struct option *option);

/* Whether key is a map of options in that scope, such as "tls". */
bool option_is_section(enum option_scope scope, struct span key);

#endif
