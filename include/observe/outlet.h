/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * outlet: hands one line to syslogd, systemd's journal or standard error, and never waits for them to take it.
 *
 * syslogd is spoken to over /dev/log, a datagram or a stream socket, in the form of RFC 3164 that syslog(3) writes; it
 * may be gone for a while and come back. What the journal is not there for goes to standard error. One thread at a time.
 */
#ifndef SFDC_OBSERVE_OUTLET_H
#define SFDC_OBSERVE_OUTLET_H

#include <stdbool.h>

#include "observe/backlog.h"

#define SYSLOG_SOCKET "/dev/log"

enum outlet_status {
	OUTLET_TAKEN,
	OUTLET_WAIT, /* not now, or only a part: to be tried again with the same line before any other */
	OUTLET_LOST  /* never */
};

/* Descriptors that are opened when they are needed; -1: none. */
struct outlet {
	const char *program; /* borrowed */
	int syslog;
	bool syslog_streams;
	int journal;
};

void outlet_init(struct outlet *outlet, const char *program);
void outlet_close(struct outlet *outlet);

/* Hand over a line. line->written is kept for the next try. */
enum outlet_status outlet_put(struct outlet *outlet, enum log_target target, struct line *line);

/* What to wait for until it makes sense to try again; -1: there is nothing to wait for but time. */
int outlet_descriptor(const struct outlet *outlet, enum log_target target);

/* Wait for the descriptor to take something, or with -1 for time to pass, for at most so many milliseconds. */
void outlet_wait(int descriptor, int milliseconds);

/* Write text and a newline to standard error, as far as it takes that at once. Thread-safe. */
void outlet_say(const char *text);

#endif
