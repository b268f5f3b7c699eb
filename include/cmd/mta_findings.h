/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mta_findings: what is right and wrong with a mail server that hands its mail to the milter, each with what an attacker or
 * an accident could do and with the command that mends it.
 *
 * Pure: whatever asks the machine is handed in. Findings are about a service, as "10025/inet", or about the whole server. One
 * thread.
 */
#ifndef SFDC_CMD_MTA_FINDINGS_H
#define SFDC_CMD_MTA_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "cmd/postfix_setup.h"
#include "cmd/preflight.h"
#include "cmd/relaying.h"
#include "cmd/sendmail_setup.h"
#include "core/settings.h"

/* What the milter's configuration asks of the mail server. */
struct expectations {
	const char *config; /* the file */
	struct span socket;
	unsigned message_timeout; /* seconds */
	bool tls_needed;          /* every organization's reject_unless refuses what came without TLS 1.2 */
	bool cert_counts;         /* some reject_unless names cert */
	bool cert_needed;         /* and cannot hold without it */
	bool issuers_pinned;      /* wherever it counts, cert.issuers names the authorities */
	bool auth_counts;         /* the same for auth, with users */
	bool auth_needed;
	bool unlocked;        /* an organization is in monitor mode, and there is no monitor_floor */
	bool floor_weak;      /* there is one, that anybody can meet */
	bool floor_shared;    /* there is one, that every customer of Salesforce can meet */
	bool salesforce_only; /* scope: salesforce */
	const struct set *local_mailers;
	const struct network_set *networks; /* ip.networks of all */
};
void expectations_of(const char *config, const struct settings *settings, struct expectations *expectations_r);

/* How the try to reach the socket ended. */
enum reach {
	REACH_UNTRIED, /* this process is not root */
	REACH_GOOD,
	REACH_NO_USER,
	REACH_NO_CHROOT,
	REACH_REFUSED, /* reach_error is an errno */
	REACH_LATE,
	REACH_NO_MILTER /* something else answers there */
};

/* What is to be reached: as that user, in that root. */
struct visit {
	struct span address; /* "unix:PATH", "inet:HOST:PORT" */
	struct span user;    /* empty: root */
	struct span folder;  /* where relative paths begin */
	bool chrooted;       /* to that folder */
};

/* The machine, for what no configuration tells. */
struct machine_questions {
	enum reach (*reach)(void *context, const struct visit *visit, int *error_r);
	bool (*readable)(void *context, struct span path); /* a file or folder of certificates is there */
	bool clock_known;
	bool clock_right;
	struct table_reader tables;
	void *context;
};

/* Add what is found; the arena of what was found is used for more. */
void postfix_findings(struct preflight *found, const struct postfix_setup *setup,
                      const struct expectations *expectations, const struct machine_questions *machine);
void sendmail_findings(struct preflight *found, const struct sendmail_setup *setup,
                       const struct expectations *expectations, const struct machine_questions *machine);

#endif
