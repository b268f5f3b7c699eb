/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * received: what a Received field says of one hop, in the words of Postfix, Sendmail, Exchange, Exim, Gmail, qmail and
 * Salesforce's own servers.
 *
 * Nothing in such a field is more than a claim of whoever wrote it, so any bytes give an answer: clauses and comments are
 * found by RFC 5321 4.4 and RFC 5322 as far as they go, of a clause or value that comes twice the first counts, and what is
 * not understood is passed over. All spans are parts of the field's value. Pure.
 * Sources: RFC 5321 4.4, RFC 3848, RFC 6531 4.3; smtpd.c of Postfix; confRECEIVED_HEADER of Sendmail 8.17;
 * received_header_text of Exim 4.96; Salesforce Knowledge 000388995.
 */
#ifndef SFDC_CMD_RECEIVED_H
#define SFDC_CMD_RECEIVED_H

#include <stdbool.h>

#include "core/network.h"
#include "core/settings.h"
#include "core/span.h"

enum received_encryption {
	RECEIVED_UNTOLD, /* it does not say */
	RECEIVED_ENCRYPTED,
	RECEIVED_CLEAR,
	RECEIVED_LOCAL /* within one machine or system: submitted by a program, or over a loopback address in clear */
};

enum received_certificate { CERTIFICATE_UNTOLD, CERTIFICATE_NONE, CERTIFICATE_UNVERIFIED, CERTIFICATE_VERIFIED };

/* Absent: not told. */
struct received {
	struct span by;
	struct span from;       /* the name that the client gave */
	struct span from_name;  /* its DNS name, as by looked it up */
	struct address address; /* of the client, as by saw it; ADDRESS_NONE: not told */
	struct span protocol;   /* behind "with" */
	struct span id;
	struct span tls_text; /* as it stands: "TLSv1.3", "TLS1_2" */
	enum tls_version tls; /* TLS_UNKNOWN: not told, or none that is known */
	struct span cipher;
	unsigned long bits; /* 0: not told */
	enum received_certificate certificate;
	struct span certificate_name;
	bool authenticated;
	struct span date;
	enum received_encryption encryption;
};

/* value: what stands behind "Received:", folds included. */
void received_parse(struct span value, struct received *received_r);

#endif
