/*
 * log: where records go: syslog(3), systemd's journal or standard error, one line each, written at once so that lines of
 * different threads never mix. What the journal does not take goes to standard error. Target, format and level follow the
 * settings of the moment. Thread-safe after log_configure().
 */
#ifndef SFDC_OBSERVE_LOG_H
#define SFDC_OBSERVE_LOG_H

#include "core/record.h"
#include "core/settings.h"

struct log;

/* A log that writes to standard error in logfmt until it is configured. NULL without memory. */
struct log *log_new(const char *program);
void log_free(struct log *log);

/* Take over target, facility, format and level. */
void log_configure(struct log *log, const struct settings *settings);

/* Write a record if level is within the configured one. A record that cannot be written is dropped silently. */
void log_record(struct log *log, enum log_level level, const struct record *record);

/* An event line: ev=EVENT text=... (printf style). */
void log_event(struct log *log, enum log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
