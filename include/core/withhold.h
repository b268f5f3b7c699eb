/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * withhold: the fields of Salesforce that a message which leaves does not carry on, as headers.remove_sfdc says: they
 * publish what a forger needs to pass for the organization.
 *
 * What a signature covers stays: that of each that passed, and of each of which it is not known whether it passes, since
 * nobody asked or no answer came. RFC 6376 5.4.2: each name in h= takes one more of its fields from the bottom up. Pure.
 */
#ifndef SFDC_CORE_WITHHOLD_H
#define SFDC_CORE_WITHHOLD_H

#include <stdbool.h>

#include "core/facts.h"
#include "core/vocabulary.h"
#include "core/settings.h"

#define WITHHELD_NAMES 4

/* The fields of one name that go: those with the indexes 1 to count. */
struct withheld {
	enum field_name name;
	unsigned count;
};

/*
 * How many fields that is at most, covered or not; 0 where none of that message goes. verdict: what it came to; only
 * mail that is judged and passes loses them. From STAGE_HEADER on.
 */
unsigned withhold_most(const struct settings *settings, const struct facts *facts, enum verdict verdict);

/* What goes of each name, once the message is decided. False without memory. Memory: the facts' arena. */
bool withhold_plan(const struct facts *facts, struct withheld withheld_r[WITHHELD_NAMES]);

#endif
