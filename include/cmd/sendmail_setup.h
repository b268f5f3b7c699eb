/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sendmail_setup: what sendmail.cf says of milters, ports, TLS and relaying. Pure; borrowed from the text of the file.
 */
#ifndef SFDC_CMD_SENDMAIL_SETUP_H
#define SFDC_CMD_SENDMAIL_SETUP_H

#include <stdbool.h>
#include <stddef.h>

#include "core/arena.h"
#include "core/span.h"

#define SENDMAIL_ITEMS_MAX 64

/* A line "Xname, S=..., F=..., T=...". */
struct sendmail_filter {
	struct span name;
	struct span socket;
	struct span flag;  /* of F=: "T", "4", "R", or empty */
	struct span times; /* of T= */
};

/* A value of DaemonPortOptions. */
struct sendmail_daemon {
	struct span name;    /* of Name=, else of Port= */
	struct span filters; /* of InputMailFilters=; absent: the general ones */
};

struct sendmail_setup {
	struct span version;    /* DZ */
	struct span smart_host; /* DS: "relay:host" */
	struct sendmail_filter filters[SENDMAIL_ITEMS_MAX];
	size_t filter_count;
	struct sendmail_daemon daemons[SENDMAIL_ITEMS_MAX];
	size_t daemon_count;
	struct span text; /* the whole file */
};

void sendmail_read(struct span text, struct sendmail_setup *setup_r);

/* The value of an option that is set ("O NAME=VALUE"); absent otherwise. */
struct span sendmail_option(const struct sendmail_setup *setup, const char *name);

/* Whether sendmail.cf was made with that FEATURE. */
bool sendmail_has_feature(const struct sendmail_setup *setup, const char *name);

/* The table of the access map: "hash:/etc/mail/access"; absent without one, or without memory. */
struct span sendmail_access(const struct sendmail_setup *setup, struct arena *arena);

/*
 * The next line of the text that puts hosts, networks or domains into class R, which may relay: their words, or for *file_r
 * the file that holds them, a line for each. False at the end.
 */
bool sendmail_next_relayed(struct span *rest, struct span *words_r, bool *file_r);

/* The filters of a daemon, a list of names. */
struct span sendmail_filters_of(const struct sendmail_setup *setup, const struct sendmail_daemon *daemon);

/* Seconds of one of the times of a filter ("R", "E"), Sendmail's default where it names none. */
unsigned long sendmail_time(const struct sendmail_filter *filter, char which);

#endif
