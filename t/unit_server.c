/* SPDX-License-Identifier: BSD-2-Clause */
/* server: limits of time and number, a peer that does not read, progress, and the end, over real sockets. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "engine.h"
#include "mta/server.h"

#define LONG_MS 600000

/* Evidence that comes when it is let, and tells who waits. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool held;

struct slow_evidence {
	struct test_evidence evidence;
	struct slow_evidence *next;
};

static struct slow_evidence *awaited; /* asked for in vain */

static long long monotonic_ms(void *context)
{
	(void)context;
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct evidence *begin(void *context, const struct settings *settings, struct facts *facts, struct waker waker)
{
	struct slow_evidence *slow = calloc(1, sizeof *slow);
	(void)context;
	if (!slow)
		exit(2);
	slow->evidence = good_evidence();
	slow->evidence.body_wanted = 1000000;
	return test_begin(&slow->evidence, settings, facts, waker);
}

static enum gathering gather(struct evidence *opaque, const struct wants *wants)
{
	struct slow_evidence *slow = (struct slow_evidence *)(void *)opaque;
	pthread_mutex_lock(&lock);
	slow->evidence.absent = held;
	if (held) {
		struct slow_evidence *known = awaited;
		while (known && known != slow)
			known = known->next;
		if (!known) {
			slow->next = awaited;
			awaited = slow;
		}
	}
	pthread_mutex_unlock(&lock);
	return test_gather(opaque, wants);
}

static void end(struct evidence *opaque)
{
	struct slow_evidence *slow = (struct slow_evidence *)(void *)opaque;
	pthread_mutex_lock(&lock);
	for (struct slow_evidence **link = &awaited; *link; link = &(*link)->next)
		if (*link == slow) {
			*link = slow->next;
			break;
		}
	pthread_mutex_unlock(&lock);
	free(slow);
}

/* Evidence is there for all, from this thread. */
static void release_evidence(void)
{
	pthread_mutex_lock(&lock);
	held = false;
	for (struct slow_evidence *slow = awaited; slow; slow = slow->next)
		slow->evidence.waker.wake(slow->evidence.waker.context);
	pthread_mutex_unlock(&lock);
}

static unsigned count_awaited(void)
{
	unsigned count = 0;
	pthread_mutex_lock(&lock);
	for (struct slow_evidence *slow = awaited; slow; slow = slow->next)
		count++;
	pthread_mutex_unlock(&lock);
	return count;
}

struct scene {
	struct environment environment;
	struct live *live;
	struct log *log;
	struct shared shared;
	struct sockaddr_un address;
	socklen_t length;
	int listener;
	struct server *server;
};

static void open_listener(struct scene *scene)
{
	/* A name that the kernel chooses, in no folder. */
	scene->address.sun_family = AF_UNIX;
	scene->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	scene->length = sizeof scene->address;
	if (bind(scene->listener, (struct sockaddr *)&scene->address, sizeof scene->address.sun_family) != 0
	    || listen(scene->listener, 100) != 0
	    || getsockname(scene->listener, (struct sockaddr *)&scene->address, &scene->length) != 0)
		exit(2);
}

static struct settings *settings_dkim(void)
{
	struct settings *settings = settings_two(MODE_ENFORCE, MODE_ENFORCE);
	settings->org_count = 1;
	settings->message_timeout = 2;
	settings->headers.add_to = ADD_TO_ALL;
	sentence_set(settings, &settings->orgs[0].reject_unless, "org and from and dkim");
	if (!settings_complete(settings, unite_options))
		exit(2);
	return settings;
}

static void scene_init(struct scene *scene, unsigned workers, size_t connections_max, struct connection_limits limits)
{
	char text[SERVER_TEXT_SIZE];
	memset(scene, 0, sizeof *scene);
	struct test_evidence none = { .late = false };
	scene->environment = test_environment(&none);
	scene->environment.now_ms = monotonic_ms;
	scene->environment.begin = begin;
	scene->environment.gather = gather;
	scene->environment.end = end;
	scene->log = log_new("unit_server");
	scene->live = live_new(settings_dkim());
	shared_init(&scene->shared, scene->live, &scene->environment, scene->log);
	open_listener(scene);
	held = false;
	struct server_options options = { scene->listener, workers, connections_max, limits, 0, &scene->shared, NULL };
	scene->server = server_start(&options, text);
	if (!scene->server)
		exit(2);
	server_open(scene->server);
}

static unsigned scene_stop(struct scene *scene, long long patience_ms)
{
	unsigned left = server_stop(scene->server, patience_ms);
	live_free(scene->live);
	log_free(scene->log);
	close(scene->listener);
	return left;
}

static int dial(const struct scene *scene)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&scene->address, scene->length) != 0)
		exit(2);
	return fd;
}

static void put(struct buffer *out, char letter, const void *data, size_t length)
{
	const char head[] = { 0, 0, (char)((length + 1) >> 8), (char)((length + 1) & 0xff), letter };
	buffer_add(out, head, sizeof head);
	buffer_add(out, data, length);
}

#define PUT(out, letter, text) put((out), (letter), (text), sizeof(text) - 1)

static void put_opening(struct buffer *out)
{
	PUT(out, 'O', "\0\0\0\6\0\0\1\377\0\037\377\377");
	PUT(out, 'C',
	    "a.test\0"
	    "4\0\031"
	    "192.0.2.1\0");
	PUT(out, 'H', "a.test\0");
}

static void put_message(struct buffer *out)
{
	PUT(out, 'M', "<joe@example.com>\0");
	PUT(out, 'R', "<user@dest.test>\0");
	PUT(out, 'L', "From\0 joe@example.com\0");
	PUT(out, 'L', "X-SFDC-LK\0 " ORG_A "\0");
	PUT(out, 'L', "DKIM-Signature\0 v=1\0");
	PUT(out, 'N', "");
	PUT(out, 'B', "line\r\n");
	PUT(out, 'E', "");
}

static void say(int fd, struct buffer *out)
{
	struct span content = buffer_content(out);
	if (send(fd, content.at, content.length, MSG_NOSIGNAL) != (ssize_t)content.length)
		exit(2);
	buffer_clear(out);
}

/* The letter of the next packet, whose data are dropped; NUL: the connection is closed. */
static char hear(int fd)
{
	unsigned char head[PACKET_HEAD];
	char data[4096];
	if (recv(fd, head, sizeof head, MSG_WAITALL) != sizeof head)
		return '\0';
	size_t length = ((size_t)head[2] << 8 | head[3]) - 1;
	while (length != 0) {
		ssize_t got = recv(fd, data, length < sizeof data ? length : sizeof data, 0);
		if (got <= 0)
			return '\0';
		length -= (size_t)got;
	}
	return (char)head[4];
}

/* The letters up to one of these. */
static void hear_until(int fd, const char *last, char *letters_r)
{
	do
		*letters_r = hear(fd);
	while (*letters_r != '\0' && !strchr(last, *letters_r++));
	*letters_r = '\0';
}

static bool is_silent(int fd)
{
	struct pollfd events = { .fd = fd, .events = POLLIN };
	return poll(&events, 1, 0) == 0;
}

static void await_count(unsigned count)
{
	while (count_awaited() != count)
		usleep(1000);
}

static const struct connection_limits wide = { LONG_MS, LONG_MS, LONG_MS, LONG_MS };

/* One message on a connection of its own, answered without evidence that is late. */
static bool passes(const struct scene *scene)
{
	struct buffer out = { 0 };
	char letters[32];
	int fd = dial(scene);
	put_opening(&out);
	put_message(&out);
	say(fd, &out);
	shutdown(fd, SHUT_WR);
	hear_until(fd, "", letters);
	close(fd);
	return strcmp(letters, "Occciic") == 0 || strcmp(letters, "Occciiic") == 0;
}

static void test_pipelined(void)
{
	struct scene scene;
	struct buffer out = { 0 };
	scene_init(&scene, 2, 0, wide);
	ok(passes(&scene), "a message");
	enum { MESSAGES = 3000 };
	put_opening(&out);
	for (int i = 0; i < MESSAGES; i++)
		put_message(&out);
	PUT(&out, 'Q', "");
	int fd = dial(&scene);
	int ends = 0, letters = 0;
	struct span content = buffer_content(&out);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	/* What is answered is read only when nothing more can be sent: neither side may wait for the other for good. */
	size_t sent = 0;
	char last = '\0';
	while (sent < content.length || last != '.') {
		ssize_t length = sent < content.length ? send(fd, content.at + sent, content.length - sent, MSG_NOSIGNAL) : 0;
		sent += length > 0 ? (size_t)length : 0;
		if (length > 0)
			continue;
		fcntl(fd, F_SETFL, 0);
		char letter = hear(fd);
		fcntl(fd, F_SETFL, O_NONBLOCK);
		letters++;
		ends += letter == 'c' && last == 'i';
		last = letter == '\0' ? '.' : letter;
	}
	ok(ends == MESSAGES, "%d of %d messages at once pass, in %d packets", ends, MESSAGES, letters);
	close(fd);
	buffer_clear(&out);
	ok(scene_stop(&scene, LONG_MS) == 0, "and it ends");
}

static void test_waiting(void)
{
	struct scene scene;
	struct buffer out = { 0 };
	char letters[64];
	scene_init(&scene, 1, 0, (struct connection_limits) { LONG_MS, LONG_MS, LONG_MS, 50 });
	held = true;
	int fd = dial(&scene), gone = dial(&scene), half = dial(&scene);
	put_opening(&out);
	put_message(&out);
	put_message(&out);
	say(fd, &out);
	put_opening(&out);
	put_message(&out);
	say(gone, &out);
	put_opening(&out);
	put_message(&out);
	say(half, &out);
	shutdown(half, SHUT_WR);
	await_count(3);
	ok(true, "three messages wait in one loop");
	close(gone);
	await_count(2);
	ok(true, "the end of a connection is seen while its message waits");
	hear_until(fd, "p", letters);
	is_text(letters, "Occcp", "the MTA is told of progress");
	release_evidence();
	hear_until(fd, "i", letters);
	ok(strspn(letters, "p") == strlen(letters) - 1, "as often as it takes, until evidence comes: %s", letters);
	hear_until(fd, "c", letters);
	hear_until(fd, "i", letters);
	hear_until(fd, "c", letters);
	ok(is_silent(fd) && letters[strlen(letters) - 1] == 'c', "and the message behind it is judged");
	hear_until(half, "", letters);
	ok(strstr(letters, "iic") != NULL, "a peer that says nothing more is answered all the same");
	held = true;
	put_message(&out);
	say(fd, &out);
	await_count(1);
	hear_until(fd, "y", letters);
	ok(strchr(letters, 'y') != NULL && count_awaited() == 0, "evidence that does not come in time: refused");
	close(fd);
	close(half);
	ok(scene_stop(&scene, LONG_MS) == 0, "and it ends");
}

static void test_limits(void)
{
	struct scene scene;
	struct buffer out = { 0 };
	scene_init(&scene, 1, 0, (struct connection_limits) { 100, LONG_MS, LONG_MS, LONG_MS });
	int idle = dial(&scene), begun = dial(&scene);
	if (send(begun, "\0\0", 2, 0) != 2)
		exit(2);
	ok(hear(idle) == '\0', "a connection that says nothing is closed");
	ok(is_silent(begun), "one in a packet has its own limit");
	close(idle);
	close(begun);
	scene_stop(&scene, LONG_MS);

	scene_init(&scene, 1, 0, (struct connection_limits) { LONG_MS, 100, LONG_MS, LONG_MS });
	idle = dial(&scene);
	begun = dial(&scene);
	/* Each byte comes in time, but not all of them. */
	int sent = 0;
	while (sent < 400 && send(begun, sent == 0 ? "\0" : &"\0\0\1\0C"[sent < 5 ? sent : 3], 1, MSG_NOSIGNAL) == 1
	       && is_silent(begun)) {
		sent++;
		usleep(5000);
	}
	ok(sent < 400 && hear(begun) == '\0', "a packet that does not become whole ends the connection");
	ok(is_silent(idle), "one between packets has its own limit");
	close(idle);
	close(begun);
	scene_stop(&scene, LONG_MS);

	scene_init(&scene, 1, 0, (struct connection_limits) { LONG_MS, LONG_MS, 100, LONG_MS });
	int deaf = dial(&scene);
	int small = 4096;
	setsockopt(deaf, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	put_opening(&out);
	for (int i = 0; i < 100000; i++)
		PUT(&out, 'U', "x\0");
	struct span content = buffer_content(&out);
	size_t taken = 0;
	ssize_t length;
	while (taken < content.length
	       && (length = send(deaf, content.at + taken, content.length - taken, MSG_NOSIGNAL)) > 0)
		taken += (size_t)length;
	ok(taken < content.length, "from a peer that does not read no more is read, and in the end it is cut off");
	ok(passes(&scene), "others are served meanwhile");
	buffer_clear(&out);
	close(deaf);
	scene_stop(&scene, LONG_MS);
}

static void test_crowd(void)
{
	struct scene scene;
	struct buffer out = { 0 };
	int fds[4];
	scene_init(&scene, 2, 3, wide);
	for (int i = 0; i < 4; i++)
		fds[i] = dial(&scene);
	for (int i = 0; i < 4; i++) {
		put_opening(&out);
		say(fds[i], &out);
	}
	for (int i = 0; i < 3; i++)
		ok(hear(fds[i]) == 'O', "connection %d of three that are allowed", i + 1);
	ok(is_silent(fds[3]), "a fourth waits its turn");
	close(fds[1]);
	ok(hear(fds[3]) == 'O', "until one is closed");
	ok(scene_stop(&scene, LONG_MS) == 0, "and it ends");
	ok(hear(fds[0]) == '\0' && hear(fds[2]) == '\0' && hear(fds[3]) == '\0', "with its connections");
	close(fds[0]);
	close(fds[2]);
	close(fds[3]);
}

static void *stop(void *context)
{
	struct scene *scene = context;
	return (void *)(uintptr_t)scene_stop(scene, LONG_MS);
}

static void test_stop(void)
{
	struct scene scene;
	struct buffer out = { 0 };
	char letters[64];
	pthread_t thread;
	void *left;
	scene_init(&scene, 2, 0, wide);
	held = true;
	int waiting = dial(&scene), idle = dial(&scene);
	put_opening(&out);
	put_message(&out);
	say(waiting, &out);
	put_opening(&out);
	say(idle, &out);
	await_count(1);
	pthread_create(&thread, NULL, stop, &scene);
	while (!atomic_load(&scene.shared.stopping))
		usleep(1000);
	put_message(&out);
	say(idle, &out);
	hear_until(idle, "y", letters);
	is_text(letters, "Oy", "a message that begins when it stops is turned away");
	release_evidence();
	hear_until(waiting, "", letters);
	ok(strstr(letters, "iic") != NULL, "one in flight is finished");
	pthread_join(thread, &left);
	ok(left == NULL, "and then it ends");
	close(waiting);
	close(idle);

	scene_init(&scene, 2, 0, wide);
	held = true;
	waiting = dial(&scene);
	put_opening(&out);
	put_message(&out);
	say(waiting, &out);
	await_count(1);
	ok(scene_stop(&scene, 50) == 1, "when the time is up it is counted");
	hear_until(waiting, "", letters);
	ok(!strchr(letters, 'i') && count_awaited() == 0, "and not answered");
	close(waiting);
}

int main(void)
{
	test_pipelined();
	test_waiting();
	test_limits();
	test_crowd();
	test_stop();
	return done_testing();
}
