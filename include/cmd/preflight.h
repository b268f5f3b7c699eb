/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * preflight: what a look at a mail server, a relay or a domain found, one finding after the other: as text, as JSON, and as
 * the exit code.
 *
 * Texts are kept as they are given; what somebody else wrote is to be made printable before (terminal_escape). One thread.
 */
#ifndef SFDC_CMD_PREFLIGHT_H
#define SFDC_CMD_PREFLIGHT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "core/arena.h"
#include "core/span.h"

enum diagnostic_level {
	FINDING_OK,     /* right, or only told */
	FINDING_ADVICE, /* works, and should be changed or known */
	FINDING_FIX     /* does not work, or is a hole */
};

struct diagnostic {
	enum diagnostic_level level;
	const char *id;      /* a fixed word, the same from one release to the next */
	struct span text;    /* a sentence without full stop */
	struct span command; /* what mends or shows it, to be pasted; absent: none */
	struct span record;  /* of a zone, to be published; absent: none */
	struct span about;   /* the server, service or name it is about; absent: the whole */
	const struct diagnostic *next;
};

struct preflight {
	struct arena arena;
	struct diagnostic *first;
	struct diagnostic *last;
	struct span about; /* what the diagnostics to come are about; absent: the whole */
};

void preflight_init(struct preflight *preflight);
void preflight_clear(struct preflight *preflight);

/* Add a finding. command: NULL for none; every value of others in it is preflight_value_safe(). */
void preflight_add(struct preflight *preflight, enum diagnostic_level level, const char *id, const char *command,
                   const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Give the finding that was added last a record of a zone that mends it: printable ASCII. */
void preflight_record(struct preflight *preflight, const char *record);

/* What the diagnostics to come are about; NULL: the whole. */
void preflight_about(struct preflight *preflight, const char *about);

/* Whether a value may stand in a command that is offered: only letters, digits and ._:/@,=+- */
bool preflight_value_safe(struct span value);

/* Whether memory was short, so that diagnostics are missing. */
bool preflight_failed(const struct preflight *preflight);

/* The worst level; FINDING_OK without a finding. */
enum diagnostic_level preflight_worst(const struct preflight *preflight);

/* "ok", "advice", "fix" */
const char *diagnostic_level_name(enum diagnostic_level level);

/*
 * Print the diagnostics about one thing, as preflight_about() had it, or for NULL those about the whole, in their order: a line
 * for each, folded at the width of the screen, and its command (command_fold.h) and its record on lines of their own.
 */
void preflight_print(FILE *out, const struct preflight *preflight, const char *about);

/* [{"level", "id", "text", "command", "about", "record"}, ...]; NULL without memory. */
json_t *preflight_json(const struct preflight *preflight);

#endif
