/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * authres_claim: which incoming Authentication-Results fields (RFC 8601) claim an identity of ours, to any reader.
 *
 * RFC 8601 5 has every field removed that a reader inside might believe, and readers are lenient. A value that is
 * well-formed claims us if its authserv-id is ours, in any spelling the grammar allows (comments, folds, quoted string,
 * version), with a trailing dot too, or if all that stands before its first semicolon is ours to one who joins what
 * he does not understand (skeleton.h). A value that is not well-formed, or that has an encoded word (RFC 2047) where
 * the authserv-id is, claims us if it holds an id of ours anywhere, as it stands or decoded, to such a reader. U-labels
 * and A-labels of one domain are the same. In a well-formed value an id of ours in a comment or a property does not count.
 *
 * Well-formed is the whole grammar of RFC 8601 2.2, with "word=value" let through among the properties; an authserv-id
 * must be what a token may hold, also where it is quoted.
 *
 * What cannot be told claims us: an encoded word in a charset that is not known here where the authserv-id is, and more
 * U-labels than are looked at in one message. Pure; cost is linear in the value.
 */
#ifndef SFDC_CORE_AUTHRES_CLAIM_H
#define SFDC_CORE_AUTHRES_CLAIM_H

#include <stdbool.h>
#include <stddef.h>

#include "core/arena.h"
#include "core/domain.h"
#include "core/set.h"
#include "core/span.h"

#define AUTHRES_LABELS_MAX 1000 /* U-labels that are looked at in one message */

/* One name of ours, prepared for the search (Knuth, Morris and Pratt). */
struct authres_id {
	struct span text; /* skeleton, without trailing dots */
	const size_t *borders;
};

/* The names of ours, for one message. */
struct authres_ids {
	struct authres_id *ids;
	size_t count;
	bool international; /* U-labels matter */
	domain_to_ascii to_ascii;
	unsigned labels_left;
};

/* own_id and the members of own_ids; those that are absent or empty are left out. False without memory. */
bool authres_ids_init(struct authres_ids *ids, struct span own_id, const struct set *own_ids, domain_to_ascii to_ascii,
                      struct arena *arena);

/* Whether the value claims one of ids. False without memory. */
bool authres_claims(struct authres_ids *ids, struct span value, bool *claims_r);

#endif
