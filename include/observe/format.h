/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * format: a entry as one line of text, logfmt or JSON.
 *
 * logfmt: key=value, the value quoted and escaped when it holds anything but [A-Za-z0-9@._:/+-]; nothing a sender
 * writes can start a new line or a new key. JSON (jansson): the same keys, numbers for counts, sizes and times, texts
 * made printable ASCII in the same way first. Neither ends in a newline. Thread-safe.
 */
#ifndef SFDC_OBSERVE_FORMAT_H
#define SFDC_OBSERVE_FORMAT_H

#include "core/log_entry.h"
#include "core/settings.h"

/* The line, to be freed by the caller; NULL without memory. */
char *format_entry(enum log_format format, const struct log_entry *entry);

#endif
