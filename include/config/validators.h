/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * validators: the forms that single values must have. Each is an option_check (options.h). Pure.
 */
#ifndef SFDC_CONFIG_VALIDATORS_H
#define SFDC_CONFIG_VALIDATORS_H

#include "config/options.h"

/* unix:PATH | inet:PORT@HOST | inet6:PORT@HOST */
bool validator_socket(struct span value, char problem_r[OPTION_PROBLEM_SIZE]);
bool validator_listen(struct span value, char problem_r[OPTION_PROBLEM_SIZE]);

/* The name of a user; of a group or "". */
bool validator_user(struct span value, char problem_r[OPTION_PROBLEM_SIZE]);
bool validator_group(struct span value, char problem_r[OPTION_PROBLEM_SIZE]);

/* An absolute path or "". */
bool validator_pidfile(struct span value, char problem_r[OPTION_PROBLEM_SIZE]);

/* An authentication service identifier as a MIME token (RFC 8601 2.5, RFC 2045 5.1); the first may be "". */
bool validator_authserv_id(struct span value, char problem_r[OPTION_PROBLEM_SIZE]);
bool validator_own_id(struct span value, char problem_r[OPTION_PROBLEM_SIZE]);

/* Printable ASCII of at most 200 characters, for SMTP replies; of at most 64, for the log. */
bool validator_contact(struct span value, char problem_r[OPTION_PROBLEM_SIZE]);
bool validator_name(struct span value, char problem_r[OPTION_PROBLEM_SIZE]);

/* ADDRESS or ADDRESS@PORT */
bool validator_nameserver(struct span value, char problem_r[OPTION_PROBLEM_SIZE]);

/* A header field name (RFC 5322 2.2); one that neither a standard nor Salesforce uses. */
bool validator_field(struct span value, char problem_r[OPTION_PROBLEM_SIZE]);
bool validator_result_header(struct span value, char problem_r[OPTION_PROBLEM_SIZE]);

/* A domain, or "*." and a domain, as A-labels; a name of the DNS (underscores allowed). */
bool validator_pattern(struct span value, char problem_r[OPTION_PROBLEM_SIZE]);
bool validator_dns_name(struct span value, char problem_r[OPTION_PROBLEM_SIZE]);

/* A mail address, local@domain. */
bool validator_address(struct span value, char problem_r[OPTION_PROBLEM_SIZE]);

/* The name of a SASL mechanism (RFC 4422 3.1). */
bool validator_mechanism(struct span value, char problem_r[OPTION_PROBLEM_SIZE]);

/* The name of a mailer, as the MTA tells it in {rcpt_mailer}: printable ASCII without white space. */
bool validator_mailer(struct span value, char problem_r[OPTION_PROBLEM_SIZE]);

/* Not empty: a user, an issuer, a file name. */
bool validator_some(struct span value, char problem_r[OPTION_PROBLEM_SIZE]);

#endif
