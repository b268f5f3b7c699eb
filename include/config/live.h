/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * live: the configuration in force.
 *
 * A snapshot is immutable and reference-counted. Every message takes one and keeps it to its end, so a reload never
 * changes a message under way; the last one to drop an old snapshot frees it. The reference is taken under the lock
 * under which the snapshot is replaced. Thread-safe.
 */
#ifndef SFDC_CONFIG_LIVE_H
#define SFDC_CONFIG_LIVE_H

#include <stdbool.h>

#include "core/settings.h"

struct live;
struct snapshot;

/* Put settings in force; takes ownership of them. NULL without memory (settings are then freed). */
struct live *live_new(struct settings *settings);

/* Drops the live reference; snapshots still held stay valid. */
void live_free(struct live *live);

/* A reference to what is in force now. Never NULL. To be dropped by whoever takes it. */
struct snapshot *live_take(struct live *live);

/* The settings of a snapshot; valid as long as the reference is held. */
const struct settings *snapshot_settings(const struct snapshot *snapshot);

/* Which of the settings that were in force one after the other: 1 for the first. */
unsigned long snapshot_generation(const struct snapshot *snapshot);

/* NULL is harmless. */
void snapshot_drop(struct snapshot *snapshot);

/* Put other settings in force; takes ownership. False without memory: the old ones stay, the new ones are freed. */
bool live_replace(struct live *live, struct settings *settings);

#endif
