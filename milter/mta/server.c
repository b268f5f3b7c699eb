/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "mta/server.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "mta/crowding.h"
#include "observe/counters.h"

#define IDLE_MS 7210000 /* as libmilter has it: longer than an MTA waits for its client */
#define PACKET_MS 30000
#define PROGRESS_MS 5000
#define RETRY_MS 100         /* after the system had no descriptor or memory for a connection */
#define ACCEPT_MAX 64        /* connections taken at a time */
#define RESERVE 64U          /* descriptors for files and look-ups, and one in 64 beside them */
#define DESCRIPTORS_LOW 1024 /* before connections exist all descriptors are low */
#define DRAIN_STEP_MS 10     /* how often it is looked whether all messages have ended */
#define FLUSH_MS 1000        /* for a peer to take the last answer */

/* A loop and its connections. */
struct worker {
	struct loop *loop;
	struct server *server;
	struct connection_home home;
	struct task ending;
	struct task beating;
	atomic_bool beat;   /* it has shown that it turns */
	long long asked_ms; /* of whoever asks; 0: it never was */
	atomic_bool forced; /* the time is up: what is unsent is lost */
	bool ends;          /* when its last connection is gone */
};

struct server {
	struct shared *shared;
	int listener;
	size_t open_max;
	atomic_uint unsent;
	/* Of the first loop, which takes the connections: */
	struct event *acceptable;
	struct event *retry;
	struct task room;     /* there is room again */
	struct task unlisten; /* no more connections are taken */
	bool full;
	struct crowding crowding;
	atomic_bool awaiting_room;
	atomic_bool unlistened;
	size_t worker_count;
	struct worker workers[];
};

static size_t count_open(struct server *server)
{
	size_t open = 0;
	for (size_t i = 0; i < server->worker_count; i++)
		open += atomic_load(&server->workers[i].home.open);
	return open;
}

/* The loop with the fewest connections; of several the first. */
static struct worker *choose_worker(struct server *server)
{
	struct worker *chosen = &server->workers[0];
	unsigned fewest = atomic_load(&chosen->home.open);
	for (size_t i = 1; i < server->worker_count; i++) {
		unsigned open = atomic_load(&server->workers[i].home.open);
		if (open < fewest) {
			fewest = open;
			chosen = &server->workers[i];
		}
	}
	return chosen;
}

/* most: how many there can be; 0: no more than there are. */
static void note_crowding(struct server *server, size_t most)
{
	size_t open = count_open(server);
	crowding_note(&server->crowding, server->shared->log, open, most != 0 ? most : open);
}

/* The next connection of an MTA; -1: none (EAGAIN), or none for want of descriptors. */
static int next_connection(const struct server *server)
{
	for (;;) {
		int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0 || (errno != EINTR && errno != ECONNABORTED))
			return fd;
	}
}

/* Take none for a while. */
static void pause_accepting(struct server *server)
{
	static const struct timeval pause = { .tv_usec = RETRY_MS * 1000 };
	event_del(server->acceptable);
	event_add(server->retry, &pause);
}

/* Take none until one is closed. */
static void await_room(struct server *server)
{
	event_del(server->acceptable);
	server->full = true;
	atomic_store(&server->awaiting_room, true);
	/* One may have been closed before that was known. */
	if (count_open(server) < server->open_max && atomic_exchange(&server->awaiting_room, false))
		loop_post(server->workers[0].loop, &server->room);
}

static void take_connections(int fd, short what, void *context)
{
	struct server *server = context;
	(void)fd;
	(void)what;
	for (unsigned i = 0; i < ACCEPT_MAX; i++) {
		note_crowding(server, server->open_max);
		if (count_open(server) >= server->open_max) {
			await_room(server);
			return;
		}
		int taken = next_connection(server);
		if (taken < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		/* Without memory the connection is closed, so that the MTA need not wait. */
		struct worker *worker = choose_worker(server);
		if (taken >= 0 && connection_adopt(&worker->home, taken, worker == &server->workers[0]))
			continue;
		if (taken >= 0) {
			close(taken);
			log_event(server->shared->log, LOG_LEVEL_ERROR, "error",
			          "a connection of the MTA was cut off: there is no memory");
		} else {
			note_crowding(server, 0);
		}
		pause_accepting(server);
		return;
	}
}

static void accept_again(int fd, short what, void *context)
{
	struct server *server = context;
	(void)fd;
	(void)what;
	event_add(server->acceptable, NULL);
}

static void on_room(struct task *task)
{
	struct server *server = (struct server *)(void *)((char *)task - offsetof(struct server, room));
	if (server->full) {
		server->full = false;
		event_add(server->acceptable, NULL);
	}
}

static void end_when_empty(struct worker *worker)
{
	if (worker->ends && atomic_load(&worker->home.open) == 0)
		loop_end(worker->loop);
}

/* In any loop. */
static void on_closed(void *context)
{
	struct worker *worker = context;
	struct server *server = worker->server;
	if (atomic_load(&server->awaiting_room) && atomic_exchange(&server->awaiting_room, false))
		loop_post(server->workers[0].loop, &server->room);
	end_when_empty(worker);
}

static void on_ending(struct task *task)
{
	struct worker *worker = (struct worker *)(void *)((char *)task - offsetof(struct worker, ending));
	connection_close_all(&worker->home, atomic_load(&worker->forced));
	worker->ends = true;
	end_when_empty(worker);
}

/* Before a loop may end: no connection is given to it any more. */
static void on_unlisten(struct task *task)
{
	struct server *server = (struct server *)(void *)((char *)task - offsetof(struct server, unlisten));
	event_del(server->acceptable);
	event_del(server->retry);
	server->full = false;
	atomic_store(&server->unlistened, true);
}

static void on_beat(struct task *task)
{
	struct worker *worker = (struct worker *)(void *)((char *)task - offsetof(struct worker, beating));
	atomic_store(&worker->beat, true);
}

static void pause_ms(long milliseconds)
{
	struct timespec length = { .tv_sec = 0, .tv_nsec = milliseconds * 1000000 };
	nanosleep(&length, NULL);
}

/* Wait until the condition holds, for so long at most. */
static void await(bool (*holds)(struct server *server), struct server *server, long long patience_ms)
{
	for (; patience_ms > 0 && !holds(server); patience_ms -= DRAIN_STEP_MS)
		pause_ms(DRAIN_STEP_MS);
}

static bool is_drained(struct server *server)
{
	return atomic_load(&server->shared->open) == 0 && atomic_load(&server->unsent) == 0;
}

static bool is_empty(struct server *server)
{
	return count_open(server) == 0;
}

static void end_workers(struct server *server, bool forced)
{
	for (size_t i = 0; i < server->worker_count; i++) {
		atomic_store(&server->workers[i].forced, forced);
		loop_post(server->workers[i].loop, &server->workers[i].ending);
	}
}

/* When its loops have nothing to do any more. */
static void release(struct server *server)
{
	for (size_t i = 0; i < server->worker_count; i++)
		loop_join(server->workers[i].loop);
	if (server->acceptable)
		event_free(server->acceptable);
	if (server->retry)
		event_free(server->retry);
	for (size_t i = 0; i < server->worker_count; i++)
		loop_free(server->workers[i].loop);
	free(server);
}

/* How many connections there are descriptors for; one at least. */
static size_t connections_max(size_t reserved)
{
	struct rlimit limit;
	size_t used = 0;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
		return SIZE_MAX;
	for (int fd = 0; fd < DESCRIPTORS_LOW; fd++)
		used += fcntl(fd, F_GETFD) >= 0;
	size_t all = (size_t)limit.rlim_cur;
	size_t kept = used + reserved + (RESERVE < all / 4 ? RESERVE : all / 4) + all / 64;
	return all > kept ? all - kept : 1;
}

static size_t count_cpus(void)
{
	cpu_set_t set;
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	if (sched_getaffinity(0, sizeof set, &set) == 0)
		return (size_t)CPU_COUNT(&set);
	return online > 0 ? (size_t)online : 1;
}

static void start_workers(struct server *server, const struct server_options *options, size_t wanted)
{
	static const struct connection_limits usual = { IDLE_MS, PACKET_MS, PACKET_MS, PROGRESS_MS };
	for (size_t i = 0; i < wanted; i++) {
		struct worker *worker = &server->workers[i];
		char name[16];
		snprintf(name, sizeof name, "loop-%zu", i);
		worker->server = server;
		worker->ending.run = on_ending;
		worker->beating.run = on_beat;
		worker->loop = loop_start(name, CONNECTION_ROOM);
		if (!worker->loop)
			return;
		worker->home =
			(struct connection_home) { .loop = worker->loop,
			                           .shared = server->shared,
			                           .counters = options->counters ? counters_of_loop(options->counters, i) : NULL,
			                           .limits = options->limits.idle != 0 ? options->limits : usual,
			                           .unsent = &server->unsent,
			                           .closed = on_closed,
			                           .context = worker };
		server->worker_count++;
	}
}

static void start_accepting(struct task *task)
{
	struct server *server = (struct server *)(void *)((char *)task - offsetof(struct server, room));
	task->run = on_room;
	event_add(server->acceptable, NULL);
}

/* What goes wrong in libevent is told by what its functions return. */
static void say_nothing(int severity, const char *text)
{
	(void)severity;
	(void)text;
}

size_t server_loops(unsigned workers)
{
	size_t wanted = workers != 0 ? workers : count_cpus();
	return wanted > SERVER_WORKERS_MAX ? SERVER_WORKERS_MAX : wanted;
}

struct server *server_start(const struct server_options *options, char text_r[SERVER_TEXT_SIZE])
{
	event_set_log_callback(say_nothing);
	size_t wanted = server_loops(options->workers);
	struct server *server = calloc(1, sizeof *server + wanted * sizeof server->workers[0]);
	if (!server) {
		snprintf(text_r, SERVER_TEXT_SIZE, "there is no memory");
		return NULL;
	}
	server->shared = options->shared;
	server->listener = options->listener;
	server->unlisten.run = on_unlisten;
	start_workers(server, options, wanted);
	if (server->worker_count < wanted) {
		snprintf(text_r, SERVER_TEXT_SIZE, "of %zu event loops %zu can be started: %s", wanted, server->worker_count,
		         strerror(errno));
		if (server->worker_count == 0) {
			free(server);
			return NULL;
		}
		log_event(server->shared->log, LOG_LEVEL_WARNING, "warning", "%s", text_r);
	}
	server->open_max = options->connections_max != 0 ? options->connections_max : connections_max(options->reserved);
	struct event_base *base = loop_base(server->workers[0].loop);
	server->acceptable = event_new(base, server->listener, EV_READ | EV_PERSIST, take_connections, server);
	server->retry = event_new(base, -1, 0, accept_again, server);
	if (!server->acceptable || !server->retry) {
		snprintf(text_r, SERVER_TEXT_SIZE, "there is no memory");
		end_workers(server, true);
		release(server);
		return NULL;
	}
	return server;
}

void server_open(struct server *server)
{
	server->room.run = start_accepting;
	loop_post(server->workers[0].loop, &server->room);
}

size_t server_connections(struct server *server)
{
	return count_open(server);
}

long long server_beat(struct server *server, long long now_ms)
{
	long long longest = 0;
	for (size_t i = 0; i < server->worker_count; i++) {
		struct worker *worker = &server->workers[i];
		if (worker->asked_ms == 0 || atomic_exchange(&worker->beat, false)) {
			worker->asked_ms = now_ms;
			loop_post(worker->loop, &worker->beating);
		} else if (now_ms - worker->asked_ms > longest) {
			longest = now_ms - worker->asked_ms;
		}
	}
	return longest;
}

unsigned server_stop(struct server *server, long long patience_ms)
{
	atomic_store(&server->shared->stopping, true);
	await(is_drained, server, patience_ms);
	unsigned left = atomic_load(&server->shared->open);
	loop_post(server->workers[0].loop, &server->unlisten);
	while (!atomic_load(&server->unlistened))
		pause_ms(DRAIN_STEP_MS);
	end_workers(server, false);
	await(is_empty, server, FLUSH_MS);
	if (!is_empty(server))
		end_workers(server, true);
	release(server);
	return left;
}
