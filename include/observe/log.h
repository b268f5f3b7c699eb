/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * log: where entries go: syslogd, systemd's journal or standard error, one line each. What the journal is not there for
 * goes to standard error. Target, format and level follow the settings of the moment.
 *
 * Nothing here waits for a reader. A line that its target takes at once is written by the caller; any other, and all that
 * come after it, wait in memory (backlog.h) for the one thread that writes them, in their order. What there is no room
 * or memory for is dropped and counted: refusals first, events last. When the log goes on, one line of the event
 * "warning" tells how many were lost, in the keys dropped, dropped_VERDICT, dropped_abort and dropped_events.
 *
 * A process that forks has no such thread: it tries what waits with each further line and by log_retry().
 * Thread-safe after log_configure().
 */
#ifndef SFDC_OBSERVE_LOG_H
#define SFDC_OBSERVE_LOG_H

#include <stdbool.h>

#include "core/log_entry.h"
#include "core/settings.h"
#include "observe/backlog.h"

#define LOG_STOP_MS 2000 /* how long log_stop() waits at most */

struct log;

/* A log that writes to standard error in logfmt until it is configured. NULL without memory. */
struct log *log_new(const char *program);

/* Stops it first. */
void log_free(struct log *log);

/* Take over target, facility, format and level. Lines that wait go to the new target, too. */
void log_configure(struct log *log, const struct settings *settings);

/* In a process that was just forked: lines that were waiting and losses are its parent's. */
void log_forked(struct log *log);

/* Start the thread that writes, in a process that forks no more. False: it cannot be started. */
bool log_start(struct log *log);

/* Try to write what waits, in a process without that thread. Whether something still waits. */
bool log_retry(struct log *log);

/*
 * Give what waits LOG_STOP_MS to be written; the rest is dropped, counted and told if that is possible. A line that is
 * logged later is written at once or not at all.
 */
void log_stop(struct log *log);

/* Write a entry if level is within the configured one. */
void log_write(struct log *log, enum log_level level, const struct log_entry *entry);

/* An event line: ev=EVENT text=... (printf style). */
void log_event(struct log *log, enum log_level level, const char *event, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* What was lost since log_new() or log_forked(). */
void log_dropped(struct log *log, struct line_counts *counts_r);

#endif
