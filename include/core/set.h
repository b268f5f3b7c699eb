/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * set: immutable-after-building sets of strings and of domain patterns, with constant-time look-up.
 *
 * Members keep the order in which they were added and are numbered from 0, so that a parallel array can hold what
 * belongs to them. Building takes memory from one arena; look-ups take none and may run in any number of threads once
 * building has ended. Look-up cost depends on the key's length and the configuration only, never on the sender.
 */
#ifndef SFDC_CORE_SET_H
#define SFDC_CORE_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "core/arena.h"
#include "core/span.h"

#define SET_ABSENT ((size_t)-1)

enum set_case { SET_EXACT, SET_NOCASE };

struct set;

/* An empty set in arena, or NULL without memory. SET_NOCASE folds ASCII letters when adding and when looking up. */
struct set *set_new(struct arena *arena, enum set_case set_case);

/*
 * Add a copy of member. Adding one that is there already is no error. Returns its number; SET_ABSENT without memory, the
 * set then being as before, and for the absent span, which is in no set.
 */
size_t set_add(struct set *set, struct span member);

/* Add every member of another set; NULL is an empty one. False without memory. */
bool set_add_all(struct set *set, const struct set *from);

/* The number of member, or SET_ABSENT. A NULL set is empty. */
size_t set_find(const struct set *set, struct span member);

/* set_find() != SET_ABSENT. */
bool set_has(const struct set *set, struct span member);

/* How many members there are; 0 for NULL. */
size_t set_count(const struct set *set);

/* Member number i, 0 <= i < set_count(), as it was added (folded when SET_NOCASE); absent beyond the last. */
struct span set_at(const struct set *set, size_t i);

/*
 * Domain patterns. "example.com" matches that name alone; "*.example.com" matches every name below example.com at any
 * depth, not example.com itself. Patterns are A-labels (see domain.h), compared without case. They live in a
 * SET_NOCASE set: an exact name as itself, a wildcard without its "*", that is with a leading dot.
 */

/* Whether text is a well-formed pattern: a domain (domain.h), or "*." and a domain. */
bool pattern_valid(struct span text);

/* Add a pattern. Returns its number; SET_ABSENT without memory, and for what pattern_valid() does not accept. */
size_t pattern_add(struct set *set, struct span pattern);

/*
 * Whether domain matches a pattern of the set. domain must be well-formed; what is not (empty label, trailing dot,
 * a literal, any byte outside LDH) matches nothing.
 */
bool pattern_match(const struct set *set, struct span domain);

/*
 * Enumerate the matching patterns: the number of the next match, most specific first, or SET_ABSENT. *cursor starts
 * at 0 and is opaque. No two patterns of one set are reported twice.
 */
size_t pattern_next(const struct set *set, struct span domain, size_t *cursor);

#endif
