/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * edits: the changes to the header of a message that is not refused.
 *
 * Every incoming Authentication-Results that claims an identity of ours, and every incoming result header, is removed,
 * whatever the verdict; a judged message that leaves loses fields of Salesforce as headers.remove_sfdc says (withhold.h),
 * and one gains ours as headers.add_to says. Removals come first, from the highest index
 * of each name down to 1, then the insertions: the order that is right on Postfix (indexes shift) and Sendmail (they
 * do not). Pure.
 */
#ifndef SFDC_CORE_EDITS_H
#define SFDC_CORE_EDITS_H

#include <stddef.h>

#include "core/examine.h"

struct removal {
	struct span name; /* canonical spelling */
	unsigned index;   /* 1-based among the fields of that name */
};

struct insertion {
	struct span name;
	struct span value; /* without leading space; folds are "\n\t" */
};

struct edits {
	struct removal *removals;
	size_t removal_count;
	struct insertion insertions[2]; /* to be inserted at index 0, in this order: the last one ends on top */
	size_t insertion_count;
};

/* The name under which we speak: headers of ours carry it, incoming ones that claim it go. */
struct span edits_authserv_id(const struct examination *examination);

/*
 * False without memory, or when something else went wrong: the message must then be deferred, for a forged field might
 * stay. In monitor mode, where trouble is no reason to defer, every Authentication-Results is removed instead and
 * nothing is added or withheld. A plan never removes more than REMOVALS_MAX fields, for Postfix's cleanup(8) takes a time that grows
 * with the square of their number, and dies of some 10,000; judge() refuses such a message before it comes here.
 * Memory: the examination's.
 */
bool edits_plan(struct examination *examination, struct edits *edits_r);

#endif
