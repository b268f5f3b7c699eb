/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * skeleton: what is left of a text when everything is taken out that a lenient reader of structured header fields might
 * skip, and so join what stands around it: white space, control characters, quotes, backslashes and parentheses. ASCII
 * is in lower case. White space and controls are those of Unicode, invisible format characters among them.
 *
 * Readers differ in what a comment is, so there are several skeletons of one text. A parenthesis that has no partner
 * begins no comment and is left out alone. Pure and thread-safe; cost is linear in the text.
 */
#ifndef SFDC_CORE_SKELETON_H
#define SFDC_CORE_SKELETON_H

#include <stdbool.h>
#include <stddef.h>

#include "core/arena.h"
#include "core/domain.h"
#include "core/span.h"

enum skeleton_comments {
	SKELETON_COMMENTS_KEPT,    /* their text stays */
	SKELETON_COMMENTS_DROPPED, /* by a reader that knows quoted strings and quoted-pairs */
	SKELETON_COMMENTS_PAIRS,   /* dropped by one that knows quoted-pairs alone */
	SKELETON_COMMENTS_QUOTES,  /* dropped by one that knows quoted strings alone */
	SKELETON_COMMENTS_PLAIN    /* dropped by one that looks at parentheses alone */
};
#define SKELETON_COMMENTS 5

enum skeleton_space { SKELETON_SPACE_DROPPED, SKELETON_SPACE_KEPT /* as one space for each run of it */ };

/* One skeleton of a text. Absent without memory. */
struct span skeleton_make(struct span text, enum skeleton_comments comments, enum skeleton_space space,
                          struct arena *arena);

/*
 * A skeleton with every U-label in it replaced by its A-label, where to_ascii() (NULL: none) has one. *left is how often
 * to_ascii() may still be called, and is counted down; when that is not enough, *skeleton_r is absent. False without memory.
 */
bool skeleton_to_ascii(struct span skeleton, domain_to_ascii to_ascii, unsigned *left, struct arena *arena,
                       struct span *skeleton_r);

/* Whether a text holds a byte beyond ASCII. */
bool skeleton_is_international(struct span text);

#endif
