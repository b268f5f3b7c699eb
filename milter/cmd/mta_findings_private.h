/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mta_findings_private: what the checks of a mail server's configuration share.
 */
#ifndef SFDC_CMD_MTA_FINDINGS_PRIVATE_H
#define SFDC_CMD_MTA_FINDINGS_PRIVATE_H

#include "cmd/mta_findings.h"

/* An argument of "%.*s". */
#define TEXT(span) (int)(span).length, (span).at ? (span).at : ""

struct attempt;

/* The state of the checks; service is the one that is looked at. */
struct audit {
	struct preflight *found;
	const struct postfix_setup *setup;
	const struct postfix_service *shared; /* NULL: the whole server */
	const struct expectations *expect;
	const struct machine_questions *machine;
	struct attempt *attempt; /* the last try of the socket */
};

/* What came of a try of the milter's socket; the next one that is the same need not be made. */
struct attempt {
	bool made;
	struct visit visit;
	enum reach reach;
	int error;
};

/* Add a finding about the audit's service. command: absent for none; it is dropped for FINDING_OK. */
void audit_add(struct audit *audit, enum diagnostic_level level, const char *id, struct span command,
               const char *format, ...) __attribute__((format(printf, 5, 6)));

/* No command. */
struct span audit_nothing(void);

/* "postconf FLAG 'ARGUMENT'" for this instance; absent where argument is, or where the folder cannot be pasted. */
struct span audit_postconf(struct audit *audit, const char *flag, struct span argument);
/* "NAME/TYPE" of the service; absent where it cannot be pasted. */
struct span audit_service_name(struct audit *audit);

/* The command that sets a parameter for the service, or in main.cf without one; absent where a value cannot be pasted. */
struct span audit_set(struct audit *audit, const char *name, const char *value);
/* The same with a value that was read somewhere. */
struct span audit_set_read(struct audit *audit, const char *name, struct span value);

/* Two commands, one below the other; absent if one of them is. */
struct span audit_both(struct audit *audit, struct span first, struct span second);

/* The value in force for the service. */
struct span audit_value(const struct audit *audit, const char *name);
bool audit_yes(const struct audit *audit, const char *name);

/* A value as it is shown: printable, cut where it is long, "empty" where it is. */
struct span audit_shown(struct audit *audit, struct span value);

/* How bad the want of something is that the policy needs, or merely counts with. */
enum diagnostic_level audit_need(bool needed);

/* Parts of the checks, each a file. */
void audit_milter(struct audit *audit);
void audit_tls(struct audit *audit);
void audit_auth(struct audit *audit);
void audit_content(struct audit *audit);
void audit_clients(struct audit *audit);
void audit_limits(struct audit *audit);
void audit_size(struct audit *audit);
void audit_relaying(struct audit *audit);
void audit_server(struct audit *audit);
void audit_ways_round(struct audit *audit);
void audit_inside(struct audit *audit);

/* Whether the service hands mail to the milter by smtpd_milters, or by a table of smtpd_milter_maps. */
bool audit_is_guarded(const struct audit *audit, const struct postfix_service *shared);
/* The milter's own entry in smtpd_milters, with an absent address where it is in a table alone. */
struct postfix_milter audit_own_milter(const struct audit *audit);
/* An smtpd that takes mail from the network, or from postscreen. */
bool audit_is_smtpd(const struct postfix_service *shared);

/* Whether only programs on this machine reach the service: by its name or its type. */
bool audit_is_local(const struct audit *audit);

/* What a try to reach the milter's socket came to. */
void audit_reach(struct audit *audit, const struct visit *visit, enum reach reach, int error);

#endif
