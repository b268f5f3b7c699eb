/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cfws: comments, folding white space and quoted strings (RFC 5322 3.2.2 and 3.2.4), the lexical part that the parsers
 * of structured header fields share.
 *
 * *at is a position in text; it is moved past what was read, and means nothing after false. A fold is LF or CRLF
 * followed by white space. Control characters other than HT and the folds are never accepted, bytes above 0x7e are.
 * Pure and thread-safe; cost is linear in what is read.
 */
#ifndef SFDC_CORE_CFWS_H
#define SFDC_CORE_CFWS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/span.h"

#define CFWS_DEPTH_MAX 8 /* nested comments */

/*
 * Skip white space, folds and comments, if there are any. False when a comment is not closed, nests deeper than
 * CFWS_DEPTH_MAX or holds a control character, and for a CR or LF that is no fold.
 */
bool cfws_skip(struct span text, size_t *at);

/*
 * Read the quoted string that begins at *at with its quote. Its content, quoted-pairs resolved and the line ends of
 * folds left out, is written to to, unless that is NULL, and its length to *length_r. The content is never longer than
 * the quoted string. False when there is none, or it is not closed, or holds a control character.
 */
bool cfws_quoted(struct span text, size_t *at, char *to, size_t *length_r);

/* A byte that an atom may hold (atext of RFC 5322 3.2.3, ASCII only). */
bool cfws_atext(char c);

#endif
