/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verp: Salesforce's bounce addresses, which encode the organization and the author's address.
 *
 *   <local>=<domain>__<token>@<labels...>.<ORG>.<POD>.bnc.salesforce.com
 *
 * ORG is the label left of POD; POD the label left of "bnc". ORG holds exactly one "-", which stands for the run of
 * zeros that was left out: "00d" + left + zeros + right is 18 characters long in lower case, and its last three, the
 * checksum, restore the case of the first 15. The result's checksum, computed again, must be the same.
 *
 * The author chooses <local>, which may itself hold "=" and "__". Neither can stand in a domain or in a token (letters,
 * digits, "-" and "."), so the last "=" is the one that separates, and between it and the token stands nothing but a
 * valid domain and one "__". Whatever deviates has no author: there is no second guess at another "=".
 *
 * Derived from public samples of real mail. Pure and thread-safe.
 */
#ifndef SFDC_CORE_VERP_H
#define SFDC_CORE_VERP_H

#include "core/arena.h"
#include "core/mailbox.h"
#include "core/orgid.h"
#include "core/set.h"

enum verp_status {
	VERP_UNSET,       /* not decoded, or no memory (the arena is marked) */
	VERP_NOT_BOUNCE,  /* the domain is under no bounce domain */
	VERP_UNDECODABLE, /* a bounce address whose ORG label cannot be decoded */
	VERP_OK
};

/* Whom a bounce address names as the author. */
struct verp_author {
	bool known;         /* the local part has the form <local>=<domain>__<token> */
	struct span local;  /* as in the envelope; borrowed from it */
	struct span domain; /* comparable form */
};

struct verp {
	struct orgid org;
	bool has_author;           /* the local part has the form <local>=<domain>__<token> */
	struct span author_local;  /* as in the envelope */
	struct span author_domain; /* comparable form */
};

/*
 * Decode an envelope sender. bounce_domains are patterns ("*.bnc.salesforce.com"); the labels are counted from the
 * domain that the most specific matching wildcard names. A name that an exact pattern lists is undecodable.
 * *verp_r is zeroed first, and holds something for VERP_OK only; author_local borrows from sender.
 */
enum verp_status verp_decode(const struct mailbox *sender, const struct set *bounce_domains, struct arena *arena,
                             struct verp *verp_r);

/* Its two halves. Of the local part, which is the same whosever bounce domain it stands before; false without memory. */
bool verp_read_author(struct span local_part, struct arena *arena, struct verp_author *author_r);
/* Of the domain; *org_r is set for VERP_OK only. */
enum verp_status verp_decode_org(struct span domain, const struct set *bounce_domains, struct orgid *org_r);

/* Decode one ORG label ("8d-3trx3eag", either case). False when it is none; *id_r is then left alone. */
bool verp_decode_label(struct span label, struct orgid *id_r);

#endif
