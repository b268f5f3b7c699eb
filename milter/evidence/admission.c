/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "evidence/admission.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "evidence/cache.h"

#define BUCKETS 512
#define ROOM_CAP_MIN 32 /* below that one message might not find room for what it asks at once */

enum kind { KIND_SHARE, KIND_GROUP };

/* How many questions of one share, or one group, are under way in a room. There is one only as long as some are. */
struct count {
	uint64_t hash;
	unsigned number;
	struct count *next; /* in the bucket */
	char kind;
	char room;
	size_t length;
	char name[];
};

struct admission {
	uint64_t key[2];
	unsigned caps[ROOMS];
	unsigned taken[ROOMS];
	struct count *buckets[BUCKETS];
};

static unsigned portion(unsigned cap, unsigned all)
{
	unsigned share = all >= ADMISSION_ALL ? cap : (unsigned)((unsigned long long)cap * all / ADMISSION_ALL);
	return share > ROOM_CAP_MIN ? share : ROOM_CAP_MIN;
}

struct admission *admission_new(unsigned all)
{
	struct admission *admission = calloc(1, sizeof *admission);
	if (!admission)
		return NULL;
	admission->caps[ROOM_NAMED] = portion(ADMISSION_NAMED, all);
	admission->caps[ROOM_BELOW] = portion(ADMISSION_BELOW, all);
	admission->caps[ROOM_STRANGER] = portion(ADMISSION_STRANGER, all);
	if (getrandom(admission->key, sizeof admission->key, 0) == (ssize_t)sizeof admission->key)
		return admission;
	free(admission);
	return NULL;
}

void admission_free(struct admission *admission)
{
	free(admission);
}

static struct count *count_find(const struct admission *admission, enum kind kind, enum room room, struct span name,
                                uint64_t hash)
{
	struct count *count = admission->buckets[hash % BUCKETS];
	while (count
	       && (count->hash != hash || count->kind != (char)kind || count->room != (char)room
	           || !span_equal_nocase(span_make(count->name, count->length), name)))
		count = count->next;
	return count;
}

/* One more of a share or a group. NULL: cap is reached, or there is no memory. */
static struct count *count_take(struct admission *admission, enum kind kind, enum room room, struct span name,
                                unsigned cap)
{
	struct question text = { kind == KIND_SHARE ? RECORD_A : RECORD_TXT, name };
	uint64_t hash = cache_hash(admission->key, &text);
	struct count *count = count_find(admission, kind, room, name, hash);
	if (!count) {
		count = malloc(sizeof *count + name.length);
		if (!count)
			return NULL;
		memset(count, 0, sizeof *count);
		count->hash = hash;
		count->kind = (char)kind;
		count->room = (char)room;
		count->length = name.length;
		if (name.length != 0)
			memcpy(count->name, name.at, name.length);
		count->next = admission->buckets[hash % BUCKETS];
		admission->buckets[hash % BUCKETS] = count;
	}
	if (count->number >= cap)
		return NULL;
	count->number++;
	return count;
}

static void count_leave(struct admission *admission, struct count *count)
{
	if (!count || --count->number != 0)
		return;
	struct count **link = &admission->buckets[count->hash % BUCKETS];
	while (*link != count)
		link = &(*link)->next;
	*link = count->next;
	free(count);
}

static unsigned smaller(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static unsigned share_cap(const struct admission *admission, const struct applicant *applicant)
{
	if (applicant->room == ROOM_STRANGER)
		return ADMISSION_SHARE_STRANGER;
	/* No share is the whole room, however small the room is. */
	unsigned half = admission->caps[ROOM_BELOW] / 2;
	return smaller(applicant->vetted ? ADMISSION_SHARE_VETTED : ADMISSION_SHARE_UNVETTED, half);
}

static unsigned group_cap(const struct admission *admission, const struct applicant *applicant)
{
	unsigned cap = admission->caps[ROOM_BELOW];
	return applicant->exact ? smaller(ADMISSION_GROUP_EXACT, cap * 3 / 4) : smaller(ADMISSION_GROUP_WILD, cap / 2);
}

bool admission_enter(struct admission *admission, const struct applicant *applicant, struct ticket *ticket_r)
{
	enum room room = applicant->room;
	memset(ticket_r, 0, sizeof *ticket_r);
	unsigned *left = room == ROOM_BELOW ? applicant->left : NULL;
	if (admission->taken[room] >= admission->caps[room] || (left && *left == 0))
		return false;
	if (room != ROOM_NAMED) {
		ticket_r->share = count_take(admission, KIND_SHARE, room, applicant->share, share_cap(admission, applicant));
		if (!ticket_r->share)
			return false;
	}
	if (room == ROOM_BELOW) {
		ticket_r->group = count_take(admission, KIND_GROUP, room, applicant->group, group_cap(admission, applicant));
		if (!ticket_r->group) {
			count_leave(admission, ticket_r->share);
			ticket_r->share = NULL;
			return false;
		}
	}
	if (left)
		--*left;
	admission->taken[room]++;
	ticket_r->room = room;
	ticket_r->taken = true;
	return true;
}

void admission_leave(struct admission *admission, struct ticket *ticket)
{
	if (!ticket->taken)
		return;
	admission->taken[ticket->room]--;
	count_leave(admission, ticket->share);
	count_leave(admission, ticket->group);
	memset(ticket, 0, sizeof *ticket);
}
