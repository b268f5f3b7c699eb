/* SPDX-License-Identifier: BSD-2-Clause */
/* admission: rooms, shares and groups, and that every place that is left can be taken again. */
#include "evidence/admission.h"
#include "tap.h"

#define PLACES 2048

static struct ticket tickets[PLACES];

/* How many of so many places are given, from tickets[at] on. */
static unsigned take(struct admission *admission, const struct applicant *applicant, unsigned at, unsigned count)
{
	unsigned taken = 0;
	for (unsigned i = 0; i < count; i++)
		taken += admission_enter(admission, applicant, &tickets[at + i]);
	return taken;
}

static void leave_all(struct admission *admission)
{
	for (unsigned i = 0; i < PLACES; i++)
		admission_leave(admission, &tickets[i]);
}

static void test_rooms(void)
{
	struct admission *admission = admission_new(ADMISSION_ALL);
	struct applicant named = { .room = ROOM_NAMED };
	struct applicant below = { .room = ROOM_BELOW, .vetted = true, .exact = true };
	struct applicant stranger = { .room = ROOM_STRANGER };
	char share[32];
	char group[32];
	unsigned taken = 0;

	ok(take(admission, &named, 0, 1100) == ADMISSION_NAMED, "what is named has so many places");
	for (unsigned i = 0; i < 40; i++) {
		snprintf(share, sizeof share, "192.0.2.%u", i);
		stranger.share = span_of(share);
		taken += take(admission, &stranger, 1100 + i * 20, 20);
	}
	ok(taken == ADMISSION_STRANGER, "strangers' names have so many, whoever asks: %u", taken);
	leave_all(admission);
	taken = 0;
	for (unsigned i = 0; i < 40; i++) {
		snprintf(share, sizeof share, "192.0.2.%u", i);
		snprintf(group, sizeof group, "g%u.example", i);
		below.share = span_of(share);
		below.group = span_of(group);
		taken += take(admission, &below, i * 40, 40);
	}
	ok(taken == ADMISSION_BELOW, "names below ours have so many: %u", taken);
	ok(take(admission, &named, 1700, 10) == 10, "and do not take those of what is named");
	leave_all(admission);
	admission_free(admission);
	admission_free(NULL);
}

static void test_shares(void)
{
	struct admission *admission = admission_new(ADMISSION_ALL);
	struct applicant stranger = { .room = ROOM_STRANGER, .share = span_of("192.0.2.1") };
	struct applicant below = {
		.room = ROOM_BELOW, .share = span_of("192.0.2.1"), .group = span_of("example.com"), .exact = true
	};

	ok(take(admission, &stranger, 0, 100) == ADMISSION_SHARE_STRANGER, "a share of strangers' names");
	stranger.share = span_of("192.0.2.2");
	ok(take(admission, &stranger, 100, 10) == 10, "another's is another's");
	ok(take(admission, &below, 200, 100) == ADMISSION_SHARE_UNVETTED,
	   "a share is one of its room; of a client nobody knows");
	below.vetted = true;
	below.share = span_of("192.0.2.9 Example.COM 00D");
	ok(take(admission, &below, 300, 200) == ADMISSION_SHARE_VETTED, "of one that is known");
	below.share = span_of("192.0.2.9 example.com 00d");
	ok(take(admission, &below, 500, 1) == 0, "case makes no share of its own");
	admission_leave(admission, &tickets[300]);
	admission_leave(admission, &tickets[300]);
	ok(take(admission, &below, 500, 2) == 1, "a place that was left is free, once");
	leave_all(admission);
	admission_free(admission);
}

static void test_groups(void)
{
	struct admission *admission = admission_new(ADMISSION_ALL);
	struct applicant below = {
		.room = ROOM_BELOW, .vetted = true, .share = span_of("a"), .group = span_of("dead.example.com")
	};
	unsigned left = 2;

	ok(take(admission, &below, 0, 100) == ADMISSION_GROUP_WILD, "a group below a wildcard, whoever asks");
	below.share = span_of("b");
	ok(take(admission, &below, 100, 1) == 0, "has no place for another share");
	below.group = span_of("mail.example.com");
	below.left = &left;
	ok(take(admission, &below, 100, 10) == 2 && left == 0, "a message that has two questions left");
	left = 1;
	below.group = span_of("dead.example.com");
	ok(take(admission, &below, 110, 1) == 0 && left == 1, "keeps what it did not use");
	below.left = NULL;
	below.exact = true;
	below.group = span_of("example.com");
	unsigned taken = 0;
	for (unsigned i = 0; i < 10; i++) {
		char share[8];
		snprintf(share, sizeof share, "s%u", i);
		below.share = span_of(share);
		taken += take(admission, &below, 200 + i * 100, 100);
	}
	ok(taken == ADMISSION_GROUP_EXACT, "a group of a domain that is listed itself: %u", taken);
	leave_all(admission);
	admission_free(admission);
}

/* With few descriptors all is smaller, and nobody has all of it. */
static void test_small(void)
{
	struct admission *admission = admission_new(100);
	struct applicant named = { .room = ROOM_NAMED };
	struct applicant below = {
		.room = ROOM_BELOW, .vetted = true, .exact = true, .share = span_of("a"), .group = span_of("b")
	};
	unsigned all = take(admission, &named, 0, 200);
	ok(all >= 32 && all <= 60, "few places: %u", all);
	unsigned share = take(admission, &below, 200, 200);
	below.share = span_of("c");
	unsigned other = take(admission, &below, 400, 200);
	ok(share > 0 && other > 0, "for several shares: %u, %u", share, other);
	below.share = span_of("d");
	below.group = span_of("e");
	ok(take(admission, &below, 600, 200) > 0, "and several groups");
	leave_all(admission);
	admission_free(admission);
}

int main(void)
{
	test_rooms();
	test_shares();
	test_groups();
	test_small();
	return done_testing();
}
