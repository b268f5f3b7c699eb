/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mailbox: strict parsing of the one mailbox that a From: or Sender: field, or an SMTP path, may hold.
 *
 * RFC 5322 3.4 without its obsolete forms and without what no single author needs: the whole string must be consumed,
 * there is exactly one mailbox, no group, no route, no domain literal, no comment deeper than MAILBOX_COMMENT_DEPTH.
 * Quoted local parts are understood, encoded words are left alone (they are display-name text, never an address; a
 * local part that looks like the start of one is malformed). Of obsolete syntax only dots in a display name are let
 * through. Control characters other than the white space of folding, a continuation line of nothing but white space,
 * NUL and bytes that are not valid UTF-8 make the value malformed. UTF-8 may stand wherever an atom, a quoted string or
 * a comment may (RFC 6532). Whatever is not exactly well-formed has no domain, so it can match nothing.
 *
 * Pure and thread-safe; memory comes from the caller's arena. Cost is linear in the length of the value.
 */
#ifndef SFDC_CORE_MAILBOX_H
#define SFDC_CORE_MAILBOX_H

#include "core/arena.h"
#include "core/cfws.h"
#include "core/domain.h"
#include "core/span.h"

#define MAILBOX_COMMENT_DEPTH CFWS_DEPTH_MAX
#define MAILBOX_LENGTH_MAX 16384 /* bytes of a field value; longer ones are malformed */

enum mailbox_status {
	MAILBOX_UNSET,
	MAILBOX_OK,
	MAILBOX_EMPTY,     /* nothing but white space and comments */
	MAILBOX_NULL,      /* the null reverse-path <> (mailbox_parse_path() only) */
	MAILBOX_SEVERAL,   /* one mailbox and a comma after it: a list */
	MAILBOX_GROUP,     /* group syntax (RFC 5322 3.4, RFC 6854) */
	MAILBOX_MALFORMED, /* anything else */
	MAILBOX_NO_MEMORY
};

struct mailbox {
	struct span local_part; /* quotes and quoted-pairs removed; may hold any printable character, "@" too; in arena */
	struct span domain;     /* comparable form (domain.h), in arena */
	struct span address;    /* local-part@domain, the local part quoted where it has to be, in arena */
};

/* Parse the value of a From: or Sender: field, raw as received (folds included). *mailbox_r is set for MAILBOX_OK. */
enum mailbox_status mailbox_parse_field(struct span value, struct arena *arena, domain_to_ascii to_ascii,
                                        struct mailbox *mailbox_r);

/*
 * Parse the argument of MAIL FROM as the MTA passes it: "<path>", or the bare address of a local submission
 * (RFC 5321 4.1.2 Mailbox; no source route, no white space, no comment). "<>" is MAILBOX_NULL. An empty argument is
 * MAILBOX_EMPTY.
 */
enum mailbox_status mailbox_parse_path(struct span path, struct arena *arena, domain_to_ascii to_ascii,
                                       struct mailbox *mailbox_r);

/* The argument of MAIL or RCPT without its angle brackets; the null reverse-path keeps them. Borrowed from path. */
struct span mailbox_bare_path(struct span path);

#endif
