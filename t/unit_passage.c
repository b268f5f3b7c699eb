/*
 * passage: what reaches libmilter of what the MTA says, and the other way. This file plays both, over socket pairs, and
 * can make memory fail.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mta/passage.h"
#include "tap.h"

void *__real_realloc(void *block, size_t size);
void *__wrap_realloc(void *block, size_t size);

static unsigned fail_allocation; /* the allocation of that number fails; 0: none does */
static bool fail_on;             /* so do those after it */
static unsigned allocations;

void *__wrap_realloc(void *block, size_t size)
{
	allocations++;
	bool fails = allocations == fail_allocation || (fail_on && allocations > fail_allocation);
	return fail_allocation != 0 && fails ? NULL : __real_realloc(block, size);
}

#define CONTENT_MAX (1 << 21)

struct content {
	char *at;
	size_t length;
};

/* The passage, and the other ends of its sockets. */
struct scene {
	struct passage passage;
	struct passage_wish wish;
	bool over;
	int mta;
	int filter;
	struct content to_filter;
	struct content to_mta;
	bool filter_ended; /* nothing more comes for the filter */
};

static struct passage_room room;

static void scene_init(struct scene *scene)
{
	int mta[2];
	int filter[2];
	memset(scene, 0, sizeof *scene);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, mta) != 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, filter) != 0)
		abort();
	scene->mta = mta[0];
	scene->filter = filter[0];
	scene->to_filter.at = malloc(CONTENT_MAX);
	scene->to_mta.at = malloc(CONTENT_MAX);
	memset(&scene->passage, 0xff, sizeof scene->passage);
	passage_begin(&scene->passage, mta[1], filter[1]);
	allocations = fail_allocation = 0;
}

static void scene_clear(struct scene *scene)
{
	fail_allocation = 0;
	close(scene->passage.mta.fd);
	close(scene->passage.filter.fd);
	close(scene->mta);
	close(scene->filter);
	free(scene->to_filter.at);
	free(scene->to_mta.at);
	passage_end(&scene->passage);
}

static void move(struct scene *scene)
{
	if (!scene->over)
		scene->over = !passage_move(&scene->passage, &room, (struct passage_news){ true, true }, &scene->wish);
}

/* Take what has come at one of the other ends. False: nothing came, *ended_r: or ever will. */
static bool take(int fd, struct content *content, bool *ended_r)
{
	ssize_t length = recv(fd, content->at + content->length, CONTENT_MAX - content->length, 0);
	if (length == 0)
		*ended_r = true;
	if (length <= 0)
		return false;
	content->length += (size_t)length;
	return true;
}

/* Move and take until nothing happens any more. */
static void settle(struct scene *scene)
{
	bool ended = false;
	bool some;
	do {
		/* A packet of which a part is there takes as many as three moves. */
		for (int i = 0; i < 4; i++)
			move(scene);
		some = take(scene->filter, &scene->to_filter, &scene->filter_ended);
		some = take(scene->mta, &scene->to_mta, &ended) || some;
	} while (some);
}

static void say(int fd, const char *bytes, size_t length)
{
	for (size_t at = 0; at < length;) {
		ssize_t sent = send(fd, bytes + at, length - at, MSG_NOSIGNAL);
		if (sent <= 0)
			return;
		at += (size_t)sent;
	}
}

/* Packets in text: "M<a@b>|" is a MAIL, "|" stands for NUL and ends of lines part packets. */
static size_t encode(const char *text, char *bytes)
{
	size_t used = 0;
	while (*text != '\0') {
		size_t length = strcspn(text, "\n");
		uint32_t size = (uint32_t)length;
		const char head[4] = { (char)(size >> 24), (char)(size >> 16), (char)(size >> 8), (char)size };
		memcpy(bytes + used, head, sizeof head);
		used += sizeof head;
		for (size_t i = 0; i < length; i++)
			bytes[used++] = text[i] == '|' ? '\0' : text[i];
		text += length + (text[length] == '\n');
	}
	return used;
}

/* The reverse; what is no whole packet becomes "?". */
static const char *decode(const struct content *content)
{
	static char text[65536];
	size_t used = 0;
	size_t at = 0;
	while (at < content->length && used + 1000 < sizeof text) {
		const unsigned char *head = (const unsigned char *)content->at + at;
		size_t size = content->length - at < 4 ? SIZE_MAX
		                                       : (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
		if (used != 0)
			text[used++] = '\n';
		if (size > content->length - at - 4) {
			text[used++] = '?';
			break;
		}
		for (size_t i = 0; i < size && i < 900; i++)
			text[used++] = head[4 + i] == '\0' ? '|' : (char)head[4 + i];
		at += 4 + size;
	}
	text[used] = '\0';
	return text;
}

/* A scene in which the MTA has said these packets. */
static void scene_said(struct scene *scene, const char *text)
{
	char bytes[4096];
	scene_init(scene);
	say(scene->mta, bytes, encode(text, bytes));
	settle(scene);
}

#define N PASSAGE_NUMBER "|"

static const char conversation[] = "O0123456789AB\nCa|U\nDH{x}|y|\nHa|\nDM{v}|Postfix|j|r|\nM<a@b>|SIZE=1|\nDR{m}|smtp|\nR<c@d>|\n"
                                   "R<e@f>|\nLA|b|\nDNi|1|\nN\nBbody\nDEi|1|\nE\nM<>|\nA\nDM\nM<g@h>|\nQ";
static const char passed_on[] = "O0123456789AB\nCa|U\nDH{x}|y|\nHa|\nDM" N "M1|{v}|Postfix|j|r|\nM<a@b>|SIZE=1|M1|\n"
                                "DR" N "R1|{m}|smtp|\nR<c@d>|R1|\nDR" N "R2|\nR<e@f>|R2|\nLA|b|\nDNi|1|\nN\nBbody\n"
                                "DEi|1|\nE\nDM" N "M2|\nM<>|M2|\nA\nDM" N "M3|\nM<g@h>|M3|\nQ";

static void test_numbers(void)
{
	static const struct {
		const char *what;
		const char *said;
		const char *passed;
	} cases[] = {
		{ "a conversation", conversation, passed_on },
		{ "macros told twice", "DMa|1|\nDMa|2|\nM<>|", "DM" N "M1|a|1|\nDM" N "M1|a|2|\nM<>|M1|" },
		{ "macros before HELO", "DMa|1|\nHx|\nM<>|", "DM" N "M1|a|1|\nHx|\nDM" N "M1|\nM<>|M1|" },
		{ "macros before a negotiation", "DMa|1|\nO0123456789AB\nM<>|", "DM" N "M1|a|1|\nO0123456789AB\nDM" N "M1|\nM<>|M1|" },
		{ "macros before another session", "DMa|1|\nK\nM<>|", "DM" N "M1|a|1|\nK\nDM" N "M1|\nM<>|M1|" },
		{ "macros before a client", "DMa|1|\nCx|U\nM<>|", "DM" N "M1|a|1|\nCx|U\nDM" N "M1|\nM<>|M1|" },
		{ "macros of a recipient before MAIL", "DRa|1|\nM<>|\nRx|", "DR" N "R1|a|1|\nDM" N "M1|\nM<>|M1|\nDR" N "R1|\nRx|R1|" },
		{ "the MTA's own number", "DM" N "M7|\nM<>|", "DM" N "M1|" N "M7|\nM<>|M1|" },
		{ "recipients go on counting", "M<>|\nRa|\nA\nM<>|\nRa|",
		  "DM" N "M1|\nM<>|M1|\nDR" N "R1|\nRa|R1|\nA\nDM" N "M2|\nM<>|M2|\nDR" N "R2|\nRa|R2|" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct scene scene;
		scene_said(&scene, cases[i].said);
		is_text(decode(&scene.to_filter), cases[i].passed, cases[i].what);
		ok(!scene.over && !scene.filter_ended && scene.wish.mta == POLLIN && scene.wish.filter == POLLIN && allocations == 0,
		   "and it goes on, without memory of its own");
		scene_clear(&scene);
	}
}

static void test_cuts(void)
{
	char bytes[4096];
	size_t length = encode(conversation, bytes);
	unsigned wrong = 0;
	for (size_t cut = 0; cut <= length; cut++) {
		struct scene scene;
		scene_init(&scene);
		say(scene.mta, bytes, cut);
		settle(&scene);
		wrong += strchr(decode(&scene.to_filter), '?') != NULL;
		say(scene.mta, bytes + cut, length - cut);
		settle(&scene);
		wrong += strcmp(decode(&scene.to_filter), passed_on) != 0;
		scene_clear(&scene);
	}
	ok(wrong == 0, "the same in two pieces, cut anywhere, and never half a packet (%u wrong)", wrong);

	struct scene scene;
	scene_init(&scene);
	for (size_t i = 0; i < length; i++) {
		say(scene.mta, bytes + i, 1);
		settle(&scene);
	}
	is_text(decode(&scene.to_filter), passed_on, "the same byte by byte");
	scene_clear(&scene);
}

/* What an MTA begins and does not end is not passed on, and takes little memory. */
static void test_ends(void)
{
	char bytes[4096];
	struct scene scene;
	scene_init(&scene);
	say(scene.mta, bytes, encode("Ha|\nM<a@b>|", bytes) - 1);
	settle(&scene);
	ok(!scene.filter_ended, "half a packet is waited for");
	shutdown(scene.mta, SHUT_WR);
	settle(&scene);
	is_text(decode(&scene.to_filter), "Ha|", "an MTA that ends within a packet: those before it are passed on");
	ok(scene.filter_ended && !scene.over && !scene.passage.fault && scene.wish.mta == 0, "and the end of the connection");
	say(scene.filter, bytes, encode("c", bytes));
	settle(&scene);
	is_text(decode(&scene.to_mta), "c", "what the filter says then still reaches the MTA");
	shutdown(scene.filter, SHUT_WR);
	settle(&scene);
	ok(scene.over, "it is over when the filter ends it");
	scene_clear(&scene);

	static const char head[] = { 0, 1, 0, 0, 'B' };
	scene_init(&scene);
	say(scene.mta, head, sizeof head);
	settle(&scene);
	ok(scene.passage.begun.size <= 1024, "the head of a packet of 64 kB alone takes %zu bytes", scene.passage.begun.size);
	close(scene.mta);
	scene.mta = dup(0);
	errno = EINTR; /* of an earlier call: an end is no error */
	move(&scene);
	ok(scene.passage.mta.mute && scene.passage.begun.size == 0, "and none when the MTA is gone");
	scene_clear(&scene);

	scene_init(&scene);
	say(scene.filter, bytes, encode("c", bytes));
	shutdown(scene.filter, SHUT_RDWR);
	say(scene.mta, bytes, encode("Ha|", bytes));
	settle(&scene);
	is_text(decode(&scene.to_mta), "c", "a filter that ends: its last word reaches the MTA");
	ok(scene.over, "and it is over");
	scene_clear(&scene);

	scene_init(&scene);
	say(scene.filter, bytes, encode("c", bytes));
	move(&scene);
	close(scene.mta);
	scene.mta = dup(0);
	move(&scene);
	ok(scene.passage.mta.mute, "an MTA that resets the connection is gone at once");
	scene_clear(&scene);

	scene_init(&scene);
	shutdown(scene.mta, SHUT_RD);
	say(scene.filter, bytes, encode("c", bytes));
	settle(&scene);
	ok(scene.over, "it is over when the MTA takes no answer any more");
	scene_clear(&scene);
}

static void test_faults(void)
{
	static const struct {
		const char *said;
		const char *passed;
		unsigned packets;
		const char *fault;
	} cases[] = {
		{ "Dx{a}|", "", 1, "macros" },
		{ "Ha|\nDM{a}|\nM<a@b>|", "Ha|", 2, "macros" },
		{ "Ha|\nDR{a}|b|c|\nM<a@b>|", "Ha|", 2, "macros" },
		{ "Ha|\nM<a@b>|\nLa|\nE", "Ha|\nDM" N "M1|\nM<a@b>|M1|", 3, "field" },
		{ "Ha|\nGET / HTTP/1.1\nE", "Ha|", 2, "none of the commands" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct scene scene;
		scene_said(&scene, cases[i].said);
		is_text(decode(&scene.to_filter), cases[i].passed, "what comes before the fault is passed on, and nothing after it");
		ok(scene.filter_ended && !scene.over && scene.wish.mta == 0, "to the filter the connection ends there");
		ok(scene.passage.packets == cases[i].packets && scene.passage.fault && strstr(scene.passage.fault, cases[i].fault),
		   "the fault is known: packet %llu, %s", scene.passage.packets, scene.passage.fault ? scene.passage.fault : "none");
		shutdown(scene.filter, SHUT_WR);
		settle(&scene);
		ok(scene.over, "and then it is over");
		scene_clear(&scene);
	}
}

static void fill(char *bytes, size_t length, unsigned seed)
{
	for (size_t i = 0; i < length; i++) {
		seed = seed * 1103515245U + 12345U;
		bytes[i] = (char)(seed >> 16);
	}
}

/* Who does not listen makes the other wait, and loses nothing. */
static void test_patience(void)
{
	enum { PIECES = 40, PIECE = PACKET_HEAD + PACKET_DATA_MAX };
	static char body[PIECE];
	struct scene scene;
	unsigned sent = 0;
	bool ended = false;
	scene_init(&scene);
	fill(body, sizeof body, 1);
	memcpy(body, "\0\001\0\0B", PACKET_HEAD);
	/* Until the passage no longer takes what the MTA says. */
	while (sent < PIECES && send(scene.mta, body, sizeof body, 0) == (ssize_t)sizeof body) {
		sent++;
		move(&scene);
	}
	for (int i = 0; i < 16; i++)
		move(&scene);
	ok(sent > 0 && sent < PIECES && scene.wish.filter == (POLLIN | POLLOUT) && scene.wish.mta == 0,
	   "a filter that does not listen: the MTA waits after %u pieces", sent);
	size_t waits = scene.passage.to_filter.size;
	ok(waits <= 2 * sizeof room.out, "and little waits within: %zu bytes", waits);
	do
		move(&scene);
	while (take(scene.filter, &scene.to_filter, &ended) || scene.wish.mta != POLLIN);
	/* The last send may have been taken in part. */
	bool same = scene.to_filter.length >= sent * sizeof body;
	for (size_t i = 0; same && i < sent; i++)
		same = memcmp(scene.to_filter.at + i * sizeof body, body, sizeof body) == 0;
	ok(same, "then all of it comes, unchanged");
	ok(scene.passage.to_filter.size == 0, "and nothing is held any more");
	scene_clear(&scene);

	scene_init(&scene);
	static char answers[1 << 20];
	fill(answers, sizeof answers, 2);
	size_t said = 0;
	for (int idle = 0; idle < 16; idle++) {
		ssize_t length = send(scene.filter, answers + said, sizeof answers - said, 0);
		if (length > 0) {
			said += (size_t)length;
			idle = 0;
		}
		move(&scene);
	}
	ok(said < sizeof answers && scene.wish.filter == 0 && scene.wish.mta == (POLLIN | POLLOUT),
	   "an MTA that does not listen: the filter waits after %zu bytes", said);
	do
		move(&scene);
	while (take(scene.mta, &scene.to_mta, &ended) || scene.wish.filter != POLLIN);
	ok(scene.to_mta.length == said && memcmp(scene.to_mta.at, answers, said) == 0, "then all of it comes, unchanged");
	scene_clear(&scene);

	scene_init(&scene);
	for (int idle = 0; idle < 16; idle++) {
		if (send(scene.filter, answers, sizeof answers, 0) > 0)
			idle = 0;
		move(&scene);
	}
	bool held = scene.passage.to_mta.size != 0;
	passage_end(&scene.passage);
	ok(held && !scene.passage.to_mta.bytes, "what it has not taken at the end is forgotten");
	scene_clear(&scene);
}

/* The length is written anew: each of its bits must come through. */
static void test_lengths(void)
{
	static const size_t lengths[] = { 1, 254, 255, 256, 0x1ff, 0x5554, 0xaaa9, 0xfffe, PACKET_DATA_MAX };
	static char packet[PACKET_HEAD + PACKET_DATA_MAX];
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		struct scene scene;
		size_t size = PACKET_HEAD + lengths[i];
		size_t length = lengths[i] + 1;
		const char head[PACKET_HEAD] = { 0, (char)(length >> 16), (char)(length >> 8 & 0xff), (char)(length & 0xff), 'B' };
		scene_init(&scene);
		fill(packet, size, 3);
		memcpy(packet, head, sizeof head);
		say(scene.mta, packet, size);
		settle(&scene);
		ok(scene.to_filter.length == size && memcmp(scene.to_filter.at, packet, size) == 0, "a packet of %zu bytes, unchanged",
		   length);
		scene_clear(&scene);
	}
}

/* The largest packet can be one that grows. */
static void test_growth(void)
{
	static char large[PACKET_HEAD + PACKET_DATA_MAX];
	static const char letters[] = "MR";
	for (size_t i = 0; letters[i] != '\0'; i++) {
		struct scene scene;
		scene_init(&scene);
		memset(large, 'x', sizeof large);
		memcpy(large, "\0\001\0\0", 4);
		large[4] = letters[i];
		large[sizeof large - 1] = '\0';
		say(scene.mta, large, sizeof large);
		settle(&scene);
		ok(scene.to_filter.length > sizeof large && scene.to_filter.length <= sizeof large + PASSAGE_GROWTH,
		   "the largest %c grows by %zu bytes", letters[i], scene.to_filter.length - sizeof large);
		scene_clear(&scene);
	}
}

/* Without memory whole packets are passed on, or none; never more than was said, and never a part. */
static void test_memory(bool on)
{
	enum { BODY = 60000 };
	static char bytes[4096 + 8 * BODY];
	size_t length = encode("Ha|\nM<a@b>|", bytes);
	for (int i = 0; i < 8; i++) {
		memcpy(bytes + length, "\0\0\352\141B", PACKET_HEAD);
		memset(bytes + length + PACKET_HEAD, 'x', BODY);
		length += PACKET_HEAD + BODY;
	}
	unsigned failures = 0;
	unsigned wrong = 0;
	for (unsigned number = 1; number < 100; number++) {
		struct scene scene;
		scene_init(&scene);
		fail_allocation = number;
		fail_on = on;
		for (size_t at = 0; at < length && !scene.over;) {
			ssize_t sent = send(scene.mta, bytes + at, length - at > 7000 ? 7000 : length - at, MSG_NOSIGNAL);
			at += sent > 0 ? (size_t)sent : 0;
			for (int i = 0; i < 3; i++)
				move(&scene);
			if (scene.passage.mta.mute)
				break;
			/* The filter listens only when the passage has to wait for it. */
			while ((scene.wish.filter & POLLOUT) && take(scene.filter, &scene.to_filter, &scene.filter_ended))
				move(&scene);
		}
		bool failed = allocations >= number;
		failures += failed;
		settle(&scene);
		const char *text = decode(&scene.to_filter);
		bool whole = !strchr(text, '?');
		wrong += failed ? !(scene.passage.starved && scene.filter_ended) : !(whole && !scene.passage.starved);
		scene_clear(&scene);
		if (!failed)
			break;
	}
	ok(failures > 3 && wrong == 0, "memory fails at each of %u allocations%s: the connection ends (%u wrong)", failures,
	   on ? " and from there on" : "", wrong);
}

/*
 * Recipients in such numbers that they outgrow the room in one move, when the filter does not listen and memory fails
 * once: what the filter gets is the beginning of what it would have got, without a gap.
 */
static void test_gap(void)
{
	enum { COUNT = 20000 };
	static char bytes[COUNT * 8];
	static char whole[1 << 20];
	size_t length = 0;
	for (int i = 0; i < COUNT; i++)
		length += encode("R|", bytes + length);
	struct scene scene;
	scene_init(&scene);
	for (size_t at = 0; at < length || scene.wish.filter & POLLOUT;) {
		ssize_t sent = send(scene.mta, bytes + at, length - at, MSG_NOSIGNAL);
		at += sent > 0 ? (size_t)sent : 0;
		settle(&scene);
	}
	size_t all = scene.to_filter.length < sizeof whole ? scene.to_filter.length : sizeof whole;
	memcpy(whole, scene.to_filter.at, all);
	scene_clear(&scene);

	unsigned wrong = 0;
	unsigned failures = 0;
	for (unsigned number = 1; number < 40; number++) {
		scene_init(&scene);
		fail_allocation = number;
		fail_on = false;
		for (size_t at = 0; at < length && !scene.passage.mta.mute;) {
			ssize_t sent = send(scene.mta, bytes + at, length - at, MSG_NOSIGNAL);
			at += sent > 0 ? (size_t)sent : 0;
			move(&scene);
			if (sent <= 0)
				settle(&scene);
		}
		failures += scene.passage.starved;
		settle(&scene);
		size_t compared = scene.to_filter.length < all ? scene.to_filter.length : all;
		wrong += memcmp(scene.to_filter.at, whole, compared) != 0;
		scene_clear(&scene);
	}
	ok(all > length && failures > 2 && wrong == 0, "memory fails once, %u times: nothing is left out in between (%u wrong)",
	   failures, wrong);
}

static void test_owns(void)
{
	static char sender[] = "<a@b>";
	static char size[] = "SIZE=1";
	static char number[] = "R12";
	char *const with[] = { sender, size, number, NULL };
	char *const without[] = { sender, NULL };
	char *const only[] = { number, NULL };
	char *const none[] = { NULL };
	ok(passage_owns(with, span_of("R12")), "macros with the number of the command are its own");
	ok(!passage_owns(with, span_of("R11")) && !passage_owns(with, span_of("R1")) && !passage_owns(with, span_of("R123")) &&
	   !passage_owns(with, span_of("M12")),
	   "with another number they are not");
	ok(!passage_owns(with, span_make(NULL, 0)) && !passage_owns(with, span_of("")), "without a number they are not");
	ok(!passage_owns(without, span_of("<a@b>")) && !passage_owns(only, span_of("R12")), "the address is no number");
	ok(!passage_owns(without, span_make(NULL, 0)) && !passage_owns(none, span_make(NULL, 0)), "nothing owns nothing");
}

int main(void)
{
	test_numbers();
	test_cuts();
	test_ends();
	test_faults();
	test_patience();
	test_lengths();
	test_growth();
	test_memory(true);
	test_memory(false);
	test_gap();
	test_owns();
	return done_testing();
}
