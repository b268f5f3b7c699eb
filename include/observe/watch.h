/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * watch: what shows only over many messages: those that are deferred again and again until Salesforce gives them up, and
 * genuine mail that begins to fail (core/drift.h).
 *
 *   ev=deadline   a message was deferred again and has been for as long as a duration of deadline_warning: once for each.
 *                 Only mail of which cert, ip, auth or dkim passes is kept in mind; see deferred.h
 *   ev=drift      once in 24 hours for each kind, organization and value, at most WATCH_DRIFTS_MAX of an organization;
 *                 when its 24 hours are over, one more that counts the messages of which nothing was said
 *
 * A message is known again by organization, Message-ID (the first recipient where there is none) and envelope sender, and
 * never by the client, which may be another of Salesforce's at each attempt. Nothing outlives the process. Thread-safe;
 * locked for moments only.
 */
#ifndef SFDC_OBSERVE_WATCH_H
#define SFDC_OBSERVE_WATCH_H

#include "core/drift.h"
#include "core/examine.h"
#include "observe/log.h"

#define WATCH_DEFERRED_MAX 65536 /* messages that are kept in mind: 6 MB */
#define WATCH_DRIFTS_MAX 20
#define WATCH_DRIFT_MS (24LL * 60 * 60 * 1000)
#define WATCH_WAITS_MAX 10 /* refusals that may wait in any WATCH_WAITS_MS */
#define WATCH_WAITS_MS 60000

struct watch;

/* Room for so many deferred messages. NULL without memory or randomness. watch_free(NULL) is harmless. */
struct watch *watch_new(size_t capacity);
void watch_free(struct watch *watch);

/* A message has ended, with or without a verdict; what there is to say goes to the log. */
void watch_message(struct watch *watch, struct examination *examination, struct log *log);

/* Whether one more refusal may wait for the end of its message. now_ms: on the clock of the ports. */
bool watch_grants(struct watch *watch, long long now_ms);

/* Nothing more will come: tell what was counted. */
void watch_end(struct watch *watch, struct log *log);

/* Since the start, but for `waiting`. */
struct watch_counts {
	size_t waiting;                         /* messages that are kept in mind now */
	unsigned long long deadlines;           /* lines of ev=deadline */
	unsigned long long drifts[DRIFT_KINDS]; /* messages */
};

/* Of the organization with that ID (18 characters), or of none: "". now_ms: on the clock of the ports. */
void watch_counts(struct watch *watch, struct span org, long long now_ms, struct watch_counts *counts_r);

#endif
