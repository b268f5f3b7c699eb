/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * postfix_setup: the configuration of one Postfix instance, as postconf(1) tells it: parameters, the services of master.cf
 * and what each of them is told otherwise.
 *
 * Pure: the output of postconf is given. Everything is in the arena that the setup was read into, or borrowed from that
 * output, which has to live as long. One thread.
 */
#ifndef SFDC_CMD_POSTFIX_SETUP_H
#define SFDC_CMD_POSTFIX_SETUP_H

#include <stdbool.h>
#include <stddef.h>

#include "core/arena.h"
#include "core/set.h"
#include "core/span.h"

/* Parameters by name. */
struct postfix_table {
	struct set *names;
	struct span *values; /* values[i] of member i of names */
	size_t room;
};

struct postfix_service {
	struct span name; /* "10025", "127.0.0.1:10026", "smtp" */
	struct span type; /* "inet", "unix", "pass" */
	struct span command;
	bool chrooted;
	bool as_root; /* the fifth field but one: it keeps root's rights */
	struct postfix_table options;
};

struct postfix_setup {
	struct arena *arena;
	const char *folder;            /* by which postconf was told the instance; NULL: the usual one */
	struct postfix_table raw;      /* as they are written, defaults included */
	struct postfix_table expanded; /* with the names in them replaced, as of main.cf */
	struct postfix_service *services;
	size_t shared_count;
};

/* What postconf printed. */
struct postfix_output {
	struct span parameters; /* postconf */
	struct span expanded;   /* postconf -x */
	struct span services;   /* postconf -M */
	struct span options;    /* postconf -P */
};

/* False without memory. Lines that are not understood are passed over. folder: as in the setup, may be NULL. */
bool postfix_read(const struct postfix_output *output, const char *folder, struct arena *arena,
                  struct postfix_setup *setup_r);

/*
 * The value of a parameter that is in force for a service (NULL: main.cf's), names in it replaced as that service sees
 * them; absent if this version of Postfix knows no such parameter.
 */
struct span postfix_value(const struct postfix_setup *setup, const struct postfix_service *shared, const char *name);

/* Whether the service has an option of its own for it, so that main.cf's value does not count. */
bool postfix_overrides(const struct postfix_service *shared, const char *name);

/* Postfix's yes and no, without case. */
bool postfix_is_yes(struct span value);

/* Seconds of a time such as 30s, 5m or 20; false: it is none. */
bool postfix_seconds(struct span value, unsigned long *seconds_r);

/* The next item of a list, at *rest: separated by commas or white space, braces taken off; false at the end. */
bool postfix_next(struct span *rest, struct span *item_r);

/* Whether a list holds that item, without case. */
bool postfix_lists(struct span list, const char *item);

/* The service of that name, of type unix; NULL: there is none. */
const struct postfix_service *postfix_unix_service(const struct postfix_setup *setup, struct span name);

/* The first word of the service's command: "smtpd". */
struct span postfix_program(const struct postfix_service *shared);

/* Whether the name of an inet service binds it to this machine's own loopback address. */
bool postfix_on_loopback(const struct postfix_service *shared);

/*
 * Whether a version is without the defects that let mail pass a milter by smtpd_end_of_data_restrictions or
 * smtpd_proxy_filter (Postfix's HISTORY of 2026); what is no version is not.
 */
bool postfix_mended(struct span version);

/* One milter of smtpd_milters, non_smtpd_milters. */
struct postfix_milter {
	struct span address;
	struct span default_action; /* absent unless told for this one, as the rest */
	struct span content_timeout;
	struct span protocol;
};
struct postfix_milter postfix_milter_read(struct span item);

/*
 * Whether the address of a milter, as that service reads it, is the milter's socket ("unix:PATH", "inet:PORT@HOST"). A
 * path that is the socket's to the letter is taken for it, also where chroot leads it elsewhere.
 */
bool postfix_same_socket(const struct postfix_setup *setup, const struct postfix_service *shared, struct span address,
                         struct span socket);

#endif
