/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "observe/watch.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/log_entry.h"
#include "observe/deferred.h"

#define NAME_SIZE 65 /* of an organization */
#define CHAINS 1024
#define SALESFORCE_GIVES_UP 86400 /* seconds */

/* One organization, or none. */
struct watched {
	char id[ORGID_LONG + 1];
	char name[NAME_SIZE];
	struct deferred_share share;
	struct watch_counts counts;
	long long drift_ends_ms; /* when what was told may be told again */
	unsigned told;
	struct siphash_value tellings[WATCH_DRIFTS_MAX];
	unsigned long long untold; /* messages */
	struct watched *next;
};

struct watch {
	unsigned char key[SIPHASH_KEY];
	size_t capacity;
	pthread_mutex_t lock; /* guards what follows, but for the atomic ones */
	long long now_ms;
	struct deferred *deferred;
	struct watched *chains[CHAINS];
	long long waits[WATCH_WAITS_MAX]; /* when the last ones were granted; a ring */
	unsigned wait_count;              /* how many of them are set */
	unsigned wait_next;               /* the one that is set next, and was set before all others */
	atomic_size_t kept;               /* in the table */
	atomic_llong untold_until;        /* when a line is due that counts; LLONG_MAX: none */
};

struct watch *watch_new(size_t capacity)
{
	struct watch *watch = calloc(1, sizeof *watch);
	if (!watch)
		return NULL;
	watch->deferred = deferred_new(capacity);
	if (!watch->deferred || getentropy(watch->key, sizeof watch->key) != 0) {
		deferred_free(watch->deferred);
		free(watch);
		return NULL;
	}
	pthread_mutex_init(&watch->lock, NULL);
	watch->capacity = capacity;
	watch->now_ms = LLONG_MIN;
	atomic_init(&watch->kept, 0);
	atomic_init(&watch->untold_until, LLONG_MAX);
	return watch;
}

void watch_free(struct watch *watch)
{
	if (!watch)
		return;
	for (size_t i = 0; i < CHAINS; i++)
		while (watch->chains[i]) {
			struct watched *watched = watch->chains[i];
			watch->chains[i] = watched->next;
			free(watched);
		}
	deferred_free(watch->deferred);
	pthread_mutex_destroy(&watch->lock);
	free(watch);
}

/* Times are read before the lock is taken, and may come in another order. */
static long long latest(struct watch *watch, long long now_ms)
{
	if (now_ms > watch->now_ms)
		watch->now_ms = now_ms;
	return watch->now_ms;
}

static void put(struct siphash *hash, struct span text)
{
	uint64_t length = text.length;
	siphash_put(hash, &length, sizeof length);
	siphash_put(hash, text.at, text.length);
}

static struct siphash_value hash_of(const struct watch *watch, const char *what, struct span a, struct span b,
                                    struct span c)
{
	struct siphash hash;
	siphash_begin(&hash, watch->key);
	put(&hash, span_of(what));
	put(&hash, a);
	put(&hash, b);
	put(&hash, c);
	return siphash_end(&hash);
}

/* Where an organization is, or would be. */
static struct watched **place_of(struct watch *watch, struct span org)
{
	unsigned chain = 0;
	for (size_t i = 0; i < org.length; i++)
		chain = chain * 31 + (unsigned char)org.at[i];
	struct watched **link = &watch->chains[chain % CHAINS];
	while (*link && !span_equal(org, span_of((*link)->id)))
		link = &(*link)->next;
	return link;
}

static struct watched *find(struct watch *watch, struct span org)
{
	struct watched **link = place_of(watch, org);
	if (!*link && org.length < sizeof(*link)->id) {
		*link = calloc(1, sizeof **link);
		if (*link && org.length != 0)
			memcpy((*link)->id, org.at, org.length);
	}
	return *link;
}

static struct span org_id(const struct org *org)
{
	return span_of(org ? org->id.text : "");
}

/* Something shows that it comes from Salesforce or from the organization; of all else nothing is kept in mind. */
static bool shows_sender(const struct judgement *judgement)
{
	for (unsigned i = 0; i < CHECK_COUNT; i++)
		if (check_at((enum check_id)i)->proves != PROVES_NOTHING && judgement->results[i].code == RESULT_PASS)
			return true;
	return false;
}

/* A message of that organization, or of none; with_id: by its Message-ID, else by its first recipient. */
static struct siphash_value message_key(const struct watch *watch, const struct facts *facts, struct span org,
                                        bool with_id)
{
	return with_id ? hash_of(watch, "id", org, facts->message_id, facts->mail_from)
	               : hash_of(watch, "rcpt", org, facts->first_recipient, facts->mail_from);
}

static void tell_deadlines(struct examination *examination, const struct deferral *deferral, struct log *log)
{
	const struct facts *facts = &examination->facts;
	const struct judgement *judgement = &examination->judgement;
	long long age = deferral->age_ms / 1000;
	long long left = (SALESFORCE_GIVES_UP - age) / 3600;

	for (unsigned i = deferral->due_from; i < deferral->due; i++) {
		struct log_entry entry;
		log_entry_init(&entry);
		log_entry_text(&entry, "ev", span_of("deadline"));
		log_entry_number(&entry, "v", 1);
		log_entry_text(&entry, "org", org_id(judgement->org));
		log_entry_text(&entry, "org_name", judgement->org ? judgement->org->name : span_of(""));
		log_entry_text(&entry, "msgid", facts->message_id);
		log_entry_text(&entry, "from", mailbox_bare_path(facts->mail_from));
		log_entry_text(&entry, "rcpt", mailbox_bare_path(facts->first_recipient));
		log_entry_text(&entry, "reason", span_of(reason_code(judgement->reason)));
		log_entry_number(&entry, "first", examination->environment->now(examination->environment->context) - age);
		log_entry_number(&entry, "attempts", deferral->attempts);
		log_entry_number(&entry, "hours_left", left > 0 ? left : 0);
		log_entry_number(&entry, "after", examination->settings->deadline_warning.seconds[i]);
		log_entry_text(&entry, "sid", span_of(examination->sid));
		log_write(log, LOG_LEVEL_WARNING, &entry);
	}
}

static void message_deferred(struct watch *watch, struct examination *examination, long long now_ms, struct log *log)
{
	const struct facts *facts = &examination->facts;
	const struct settings *settings = examination->settings;
	struct span org = org_id(examination->judgement.org);
	size_t limit = watch->capacity / (settings->org_count + 1);
	struct deferral deferral = { 0 };

	if (facts->message_id.length == 0 && facts->first_recipient.length == 0)
		return;
	struct siphash_value key = message_key(watch, facts, org, facts->message_id.length != 0);
	pthread_mutex_lock(&watch->lock);
	struct watched *watched = find(watch, org);
	if (watched) {
		deferred_note(watch->deferred, &watched->share, limit > 0 ? limit : 1, key, latest(watch, now_ms),
		              &settings->deadline_warning, &deferral);
		watched->counts.deadlines += deferral.due - deferral.due_from;
		atomic_store(&watch->kept, deferred_count(watch->deferred));
	}
	pthread_mutex_unlock(&watch->lock);
	tell_deadlines(examination, &deferral, log);
}

/* It may have been deferred under no organization, before this one was served, and before its Message-ID was known. */
static void message_ended(struct watch *watch, const struct examination *examination)
{
	const struct facts *facts = &examination->facts;
	struct siphash_value keys[4];

	if (atomic_load(&watch->kept) == 0)
		return;
	for (unsigned i = 0; i < 4; i++)
		keys[i] = message_key(watch, facts, i & 2 ? org_id(examination->judgement.org) : span_of(""), i & 1);
	pthread_mutex_lock(&watch->lock);
	for (unsigned i = 0; i < 4; i++)
		if ((i & 1 ? facts->message_id : facts->first_recipient).length != 0)
			(void)deferred_forget(watch->deferred, keys[i]);
	atomic_store(&watch->kept, deferred_count(watch->deferred));
	pthread_mutex_unlock(&watch->lock);
}

static void tell_count(const struct watched *watched, struct log *log)
{
	struct log_entry entry;
	log_entry_init(&entry);
	log_entry_text(&entry, "ev", span_of("drift"));
	log_entry_number(&entry, "v", 1);
	log_entry_text(&entry, "org", span_of(watched->id));
	log_entry_text(&entry, "org_name", span_of(watched->name));
	log_entry_number(&entry, "more", (long long)watched->untold);
	log_write(log, LOG_LEVEL_WARNING, &entry);
}

/* Whether that is news; with the lock. What was counted before is told with it. */
static bool drift_is_news(struct watch *watch, struct watched *watched, struct siphash_value telling, long long now_ms)
{
	if (now_ms >= watched->drift_ends_ms) {
		watched->told = 0;
		watched->drift_ends_ms = now_ms + WATCH_DRIFT_MS;
	}
	for (unsigned i = 0; i < watched->told; i++)
		if (siphash_equal(watched->tellings[i], telling))
			return false;
	if (watched->told < WATCH_DRIFTS_MAX) {
		watched->tellings[watched->told++] = telling;
		return true;
	}
	watched->untold++;
	if (watched->drift_ends_ms < atomic_load(&watch->untold_until))
		atomic_store(&watch->untold_until, watched->drift_ends_ms);
	return false;
}

static void tell_drift(const struct examination *examination, struct log *log)
{
	const struct drift *drift = &examination->drift;
	struct log_entry entry;
	log_entry_init(&entry);
	log_entry_text(&entry, "ev", span_of("drift"));
	log_entry_number(&entry, "v", 1);
	log_entry_text(&entry, "kind", span_of(drift_name(drift->kind)));
	log_entry_text(&entry, "org", org_id(drift->org));
	log_entry_text(&entry, "org_name", drift->org->name);
	log_entry_text(&entry, "value", drift->value);
	log_entry_text(&entry, "reason", span_of(reason_code(drift->reason)));
	log_entry_text(&entry, "sid", span_of(examination->sid));
	log_write(log, LOG_LEVEL_WARNING, &entry);
}

static void message_drifted(struct watch *watch, const struct examination *examination, long long now_ms,
                            struct log *log)
{
	const struct drift *drift = &examination->drift;
	struct siphash_value telling =
		hash_of(watch, drift_name(drift->kind), org_id(drift->org), drift->value, span_of(""));
	bool news = false;

	pthread_mutex_lock(&watch->lock);
	struct watched *watched = find(watch, org_id(drift->org));
	if (watched) {
		size_t length = drift->org->name.length < NAME_SIZE - 1 ? drift->org->name.length : NAME_SIZE - 1;
		memset(watched->name, 0, sizeof watched->name);
		if (length != 0)
			memcpy(watched->name, drift->org->name.at, length);
		watched->counts.drifts[drift->kind]++;
		news = drift_is_news(watch, watched, telling, latest(watch, now_ms));
	}
	pthread_mutex_unlock(&watch->lock);
	if (news)
		tell_drift(examination, log);
}

/* One line for each organization whose 24 hours are over, or for all. */
static void tell_counts(struct watch *watch, bool all, long long now_ms, struct log *log)
{
	long long next = LLONG_MAX;
	pthread_mutex_lock(&watch->lock);
	for (size_t i = 0; i < CHAINS; i++)
		for (struct watched *watched = watch->chains[i]; watched; watched = watched->next) {
			if (watched->untold == 0)
				continue;
			if (all || latest(watch, now_ms) >= watched->drift_ends_ms) {
				tell_count(watched, log);
				watched->untold = 0;
			} else if (watched->drift_ends_ms < next) {
				next = watched->drift_ends_ms;
			}
		}
	atomic_store(&watch->untold_until, next);
	pthread_mutex_unlock(&watch->lock);
}

void watch_message(struct watch *watch, struct examination *examination, struct log *log)
{
	const struct judgement *judgement = &examination->judgement;
	long long now_ms = examination->environment->now_ms(examination->environment->context);

	if (now_ms >= atomic_load(&watch->untold_until))
		tell_counts(watch, false, now_ms, log);
	switch (judgement->verdict) {
	case VERDICT_UNDECIDED:
		return;
	case VERDICT_TEMPFAIL:
		if (shows_sender(judgement))
			message_deferred(watch, examination, now_ms, log);
		break;
	case VERDICT_REJECT:
		if (shows_sender(judgement))
			message_ended(watch, examination);
		break;
	case VERDICT_ACCEPT:
	case VERDICT_QUARANTINE:
	case VERDICT_EXEMPT:
	case VERDICT_SKIP:
		message_ended(watch, examination);
		break;
	}
	if (examination->drift.kind != DRIFT_NONE)
		message_drifted(watch, examination, now_ms, log);
}

bool watch_grants(struct watch *watch, long long now_ms)
{
	pthread_mutex_lock(&watch->lock);
	long long now = latest(watch, now_ms);
	bool grants = watch->wait_count < WATCH_WAITS_MAX || now - watch->waits[watch->wait_next] >= WATCH_WAITS_MS;
	if (grants) {
		watch->waits[watch->wait_next] = now;
		watch->wait_next = (watch->wait_next + 1) % WATCH_WAITS_MAX;
		watch->wait_count += watch->wait_count < WATCH_WAITS_MAX;
	}
	pthread_mutex_unlock(&watch->lock);
	return grants;
}

void watch_end(struct watch *watch, struct log *log)
{
	tell_counts(watch, true, LLONG_MIN, log);
}

void watch_counts(struct watch *watch, struct span org, long long now_ms, struct watch_counts *counts_r)
{
	memset(counts_r, 0, sizeof *counts_r);
	pthread_mutex_lock(&watch->lock);
	deferred_expire(watch->deferred, latest(watch, now_ms));
	atomic_store(&watch->kept, deferred_count(watch->deferred));
	const struct watched *watched = *place_of(watch, org);
	if (watched) {
		*counts_r = watched->counts;
		counts_r->waiting = watched->share.count;
	}
	pthread_mutex_unlock(&watch->lock);
}
