/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * admission: how many questions may be under way at once, so that what senders choose never takes the place of what the
 * configuration names.
 *
 * There are three rooms, each with a cap of its own. In two of them whoever asks has a share, which is capped too, and in
 * the one for names below configured names so has each group of names. Only questions that are under way are counted,
 * and they only take memory. Not thread-safe: the resolver holds its lock.
 */
#ifndef SFDC_EVIDENCE_ADMISSION_H
#define SFDC_EVIDENCE_ADMISSION_H

#include <stdbool.h>
#include <stdint.h>

#include "core/span.h"

/* What a name is to the configuration, the best first. */
enum room {
	ROOM_NAMED,   /* the configuration names it, or it follows from one that it names, or it proved good lately */
	ROOM_BELOW,   /* it lies below a name of the configuration, and the sender chose the rest */
	ROOM_STRANGER /* only the sender chose it */
};
#define ROOMS 3

/* Under way at once, where there are descriptors for all. */
#define ADMISSION_NAMED 1024
#define ADMISSION_BELOW 768
#define ADMISSION_STRANGER 512
#define ADMISSION_ALL (ADMISSION_NAMED + ADMISSION_BELOW + ADMISSION_STRANGER)

/* Of one group of names: those below a domain that is listed itself; those below one name that a wildcard covers. */
#define ADMISSION_GROUP_EXACT 512
#define ADMISSION_GROUP_WILD 64

/* Of one share in ROOM_BELOW, where the client is known to be one of ours, and where it is not; in ROOM_STRANGER. */
#define ADMISSION_SHARE_VETTED 128
#define ADMISSION_SHARE_UNVETTED 32
#define ADMISSION_SHARE_STRANGER 32

/* Whoever asks. */
struct applicant {
	enum room room;
	bool vetted;       /* the client has shown a certificate, an address or a login of ours */
	bool exact;        /* ROOM_BELOW: the group is a domain that the configuration lists itself */
	struct span share; /* whose share it is: the client, or client, d= and X-SFDC-LK; any bytes, case is ignored */
	struct span group; /* ROOM_BELOW: the name that all names of the group lie below, or are */
	unsigned *left;    /* ROOM_BELOW: how many more questions of this kind the message may put; NULL: any number */
};

struct admission;
struct count;

/* A place that is taken; zeroed: none. */
struct ticket {
	bool taken;
	enum room room;
	struct count *share;
	struct count *group;
};

/* all: how many may be under way in all rooms together; the caps are in proportion. NULL without memory. */
struct admission *admission_new(unsigned all);

/* NULL is harmless. All places must have been left. */
void admission_free(struct admission *admission);

/* Take a place; *left is one less. False: a cap is reached, or there is no memory; nothing is taken. */
bool admission_enter(struct admission *admission, const struct applicant *applicant, struct ticket *ticket_r);

/* Leave it. Harmless for a place that is not taken. */
void admission_leave(struct admission *admission, struct ticket *ticket);

#endif
