/* SPDX-License-Identifier: BSD-2-Clause */
#include "config/live.h"

#include <pthread.h>
#include <stdlib.h>

/* A snapshot may outlive the live object, so each has a lock of its own for its count. */
struct snapshot {
	pthread_mutex_t lock;
	size_t references; /* that of the live object included */
	unsigned long generation;
	struct settings *settings;
};

struct live {
	pthread_mutex_t lock; /* guards current */
	struct snapshot *current;
};

/* Takes ownership of settings, also when it fails. */
static struct snapshot *snapshot_new(struct settings *settings, unsigned long generation)
{
	struct snapshot *snapshot = malloc(sizeof *snapshot);
	if (!snapshot || pthread_mutex_init(&snapshot->lock, NULL) != 0) {
		free(snapshot);
		settings_free(settings);
		return NULL;
	}
	snapshot->references = 1;
	snapshot->generation = generation;
	snapshot->settings = settings;
	return snapshot;
}

struct live *live_new(struct settings *settings)
{
	struct snapshot *snapshot = snapshot_new(settings, 1);
	struct live *live = snapshot ? malloc(sizeof *live) : NULL;
	if (!live || pthread_mutex_init(&live->lock, NULL) != 0) {
		free(live);
		snapshot_drop(snapshot);
		return NULL;
	}
	live->current = snapshot;
	return live;
}

void live_free(struct live *live)
{
	if (!live)
		return;
	snapshot_drop(live->current);
	pthread_mutex_destroy(&live->lock);
	free(live);
}

/* As long as the live object's lock is held its own reference stays, so the count cannot have reached 0. */
struct snapshot *live_take(struct live *live)
{
	pthread_mutex_lock(&live->lock);
	struct snapshot *snapshot = live->current;
	pthread_mutex_lock(&snapshot->lock);
	snapshot->references++;
	pthread_mutex_unlock(&snapshot->lock);
	pthread_mutex_unlock(&live->lock);
	return snapshot;
}

const struct settings *snapshot_settings(const struct snapshot *snapshot)
{
	return snapshot->settings;
}

unsigned long snapshot_generation(const struct snapshot *snapshot)
{
	return snapshot->generation;
}

void snapshot_drop(struct snapshot *snapshot)
{
	if (!snapshot)
		return;
	pthread_mutex_lock(&snapshot->lock);
	bool last = --snapshot->references == 0;
	pthread_mutex_unlock(&snapshot->lock);
	if (!last)
		return;
	pthread_mutex_destroy(&snapshot->lock);
	settings_free(snapshot->settings);
	free(snapshot);
}

bool live_replace(struct live *live, struct settings *settings)
{
	struct snapshot *snapshot = snapshot_new(settings, 0);
	if (!snapshot)
		return false;
	pthread_mutex_lock(&live->lock);
	struct snapshot *old = live->current;
	snapshot->generation = old->generation + 1;
	live->current = snapshot;
	pthread_mutex_unlock(&live->lock);
	snapshot_drop(old);
	return true;
}
