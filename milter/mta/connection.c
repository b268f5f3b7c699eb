/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "mta/connection.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mta/dialogue.h"

#define ANSWERS_MAX 65536 /* bytes that wait to be sent when no further packet is taken */
#define GROWTH 512        /* bytes */
#define NEVER LLONG_MAX

struct connection {
	struct task task; /* to be adopted, then to go on with a message that waits */
	struct connection_home *home;
	struct connection *next;
	struct connection **link;
	int fd;
	struct event event;
	short events;          /* waited for */
	bool added;            /* the event is in the set */
	bool bounded;          /* with a limit of its own */
	bool mute;             /* nothing more comes from the peer */
	bool dead;             /* and it takes nothing more either */
	bool waiting;          /* a message waits for evidence */
	bool over;             /* the dialogue has ended */
	bool unsent;           /* counted as such */
	struct buffer in;      /* bytes that are not taken yet */
	struct buffer out;     /* bytes that are not sent yet */
	long long packet_ms;   /* when a packet that has begun must be whole */
	long long stall_ms;    /* when something must have been sent */
	long long progress_ms; /* when the peer is told next that its message waits */
	struct dialogue dialogue;
};

static long long now_ms(const struct connection *connection)
{
	const struct environment *environment = connection->home->shared->environment;
	return environment->now_ms(environment->context);
}

static bool has_unsent(const struct connection *connection)
{
	return buffer_content(&connection->out).length != 0;
}

static void count_unsent(struct connection *connection, bool unsent)
{
	if (unsent == connection->unsent)
		return;
	connection->unsent = unsent;
	if (unsent)
		atomic_fetch_add(connection->home->unsent, 1);
	else
		atomic_fetch_sub(connection->home->unsent, 1);
}

static void close_connection(struct connection *connection)
{
	struct connection_home *home = connection->home;
	dialogue_end(&connection->dialogue);
	/* No evidence is awaited any more, so nobody posts it again. */
	loop_withdraw(home->loop, &connection->task);
	count_unsent(connection, false);
	*connection->link = connection->next;
	if (connection->next)
		connection->next->link = connection->link;
	if (connection->added)
		event_del(&connection->event);
	close(connection->fd);
	buffer_clear(&connection->in);
	buffer_clear(&connection->out);
	free(connection);
	atomic_fetch_sub(&home->open, 1);
	home->closed(home->context);
}

static void tell_starved(const struct connection *connection)
{
	log_event(connection->home->shared->log, LOG_LEVEL_ERROR, "error",
	          "a connection of the MTA was cut off: there is no memory");
}

/* The dialogue has ended, or cannot go on: nothing more is taken. */
static void end_dialogue(struct connection *connection)
{
	const struct dialogue *dialogue = &connection->dialogue;
	connection->over = true;
	if (dialogue->fault)
		log_event(connection->home->shared->log, LOG_LEVEL_WARNING, "warning",
		          "a connection to the milter socket was cut off at packet %llu: %s; "
		          "see that only the MTA can reach the socket",
		          dialogue->packets, dialogue->fault);
	else if (dialogue->starved || connection->in.failed)
		tell_starved(connection);
}

static void note_status(struct connection *connection, enum dialogue_status status)
{
	connection->waiting = status == DIALOGUE_WAITS;
	if (connection->waiting)
		connection->progress_ms = now_ms(connection) + connection->home->limits.progress;
	if (status == DIALOGUE_OVER)
		end_dialogue(connection);
}

/* Take the packets that are whole, as long as the dialogue takes any; how many bytes they took. */
static size_t take_packets(struct connection *connection, struct span bytes)
{
	size_t used = 0;
	while (!connection->over && !connection->waiting && buffer_content(&connection->out).length < ANSWERS_MAX) {
		struct packet packet;
		const char *fault;
		size_t size;
		switch (protocol_read(span_slice(bytes, used, bytes.length), &packet, &size, &fault)) {
		case PACKET_PARTIAL:
			return used;
		case PACKET_UNSOUND:
			dialogue_blame(&connection->dialogue, fault);
			end_dialogue(connection);
			break;
		case PACKET_WHOLE:
			note_status(connection, dialogue_take(&connection->dialogue, &packet, &connection->out));
			used += size;
			break;
		}
	}
	return used;
}

/* How many bytes came; 0: none now, or none any more. */
static size_t receive(struct connection *connection, char *bytes, size_t size)
{
	for (;;) {
		ssize_t length = recv(connection->fd, bytes, size, MSG_DONTWAIT);
		if (length > 0)
			return (size_t)length;
		if (length < 0 && errno == EINTR)
			continue;
		if (length == 0)
			connection->mute = true;
		else if (errno != EAGAIN && errno != EWOULDBLOCK)
			connection->mute = connection->dead = true;
		return 0;
	}
}

static void begin_packet(struct connection *connection)
{
	connection->packet_ms = now_ms(connection) + connection->home->limits.packet;
}

/* What is kept of what came; a packet that has begun has so long to become whole. */
static void keep(struct connection *connection, struct span bytes)
{
	if (connection->over || bytes.length == 0)
		return;
	buffer_add(&connection->in, bytes.at, bytes.length);
	if (connection->in.failed)
		end_dialogue(connection);
	begin_packet(connection);
}

/* Take what was kept. */
static void take_kept(struct connection *connection)
{
	size_t used = take_packets(connection, buffer_content(&connection->in));
	buffer_take(&connection->in, used);
	if (buffer_content(&connection->in).length == 0)
		buffer_clear(&connection->in);
	else if (used != 0)
		begin_packet(connection);
}

/* Take more of a packet of which a part is there, and nothing of what follows it. */
static void receive_rest(struct connection *connection)
{
	struct span kept = buffer_content(&connection->in);
	struct packet packet;
	const char *fault;
	size_t size;
	if (protocol_read(kept, &packet, &size, &fault) != PACKET_PARTIAL)
		size = kept.length;
	/* No more memory than was paid for with bytes: a head alone must not take that of a whole packet. */
	size_t more = size - kept.length;
	if (more > kept.length + GROWTH)
		more = kept.length + GROWTH;
	char *room = buffer_reserve(&connection->in, more);
	if (!room) {
		end_dialogue(connection);
		return;
	}
	buffer_commit(&connection->in, receive(connection, room, more));
	take_kept(connection);
}

static void receive_more(struct connection *connection)
{
	if (buffer_content(&connection->in).length != 0) {
		receive_rest(connection);
		return;
	}
	char *room = loop_room(connection->home->loop);
	struct span came = span_make(room, receive(connection, room, CONNECTION_ROOM));
	size_t used = take_packets(connection, came);
	keep(connection, span_slice(came, used, came.length));
}

/* Send what can be sent. */
static void send_out(struct connection *connection)
{
	bool stuck = false;
	bool progress = !connection->unsent;
	struct span rest;
	while (!connection->dead && !stuck && (rest = buffer_content(&connection->out)).length != 0) {
		ssize_t sent = send(connection->fd, rest.at, rest.length, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent > 0) {
			buffer_take(&connection->out, (size_t)sent);
			progress = true;
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			stuck = true;
		} else if (errno != EINTR) {
			connection->dead = true;
		}
	}
	if (!has_unsent(connection))
		buffer_clear(&connection->out);
	else if (progress)
		connection->stall_ms = now_ms(connection) + connection->home->limits.stall;
	count_unsent(connection, has_unsent(connection));
}

/* Send, and take what was kept for lack of room, until the one or the other cannot go on. */
static void advance(struct connection *connection)
{
	send_out(connection);
	while (!connection->over && !connection->waiting && !connection->dead && !has_unsent(connection)) {
		size_t before = buffer_content(&connection->in).length;
		if (before == 0)
			break;
		take_kept(connection);
		if (buffer_content(&connection->in).length == before)
			break;
		send_out(connection);
	}
}

/* Whether there is nothing to wait for any more. */
static bool is_done(const struct connection *connection)
{
	if (connection->dead)
		return true;
	if (connection->waiting || has_unsent(connection))
		return false;
	return connection->over || connection->mute;
}

static long long earlier(long long a, long long b)
{
	return a < b ? a : b;
}

/* What to wait for, and until when. */
static short choose_events(const struct connection *connection, long long *until_r)
{
	short events = 0;
	*until_r = NEVER;
	if (has_unsent(connection)) {
		events |= EV_WRITE;
		*until_r = connection->stall_ms;
	}
	if (connection->waiting) {
		/* The end of the connection is of interest, but not once it is known that nothing more comes. */
		events |= connection->mute ? 0 : EV_CLOSED;
		*until_r = earlier(*until_r, earlier(connection->progress_ms, dialogue_deadline_ms(&connection->dialogue)));
	}
	if (events == 0 && !connection->mute && !connection->waiting) {
		events = EV_READ;
		if (buffer_content(&connection->in).length != 0)
			*until_r = connection->packet_ms;
	}
	return events;
}

static void on_event(int fd, short what, void *context);

/* False: the system has no room for it. */
static bool watch(struct connection *connection, short events, const struct timeval *limit)
{
	if (connection->added && events == connection->events)
		return event_add(&connection->event, limit) == 0;
	if (connection->added)
		event_del(&connection->event);
	connection->added = false;
	int fd = events == 0 ? -1 : connection->fd;
	if (event_assign(&connection->event, loop_base(connection->home->loop), fd, (short)(events | EV_PERSIST), on_event,
	                 connection)
	        != 0
	    || event_add(&connection->event, limit) != 0)
		return false;
	connection->added = true;
	connection->events = events;
	return true;
}

static struct timeval interval(long long milliseconds)
{
	struct timeval interval = { .tv_sec = (time_t)(milliseconds / 1000),
		                        .tv_usec = (suseconds_t)(milliseconds % 1000 * 1000) };
	return interval;
}

/* Wait for what is due; the connection may be gone afterwards. */
static void settle(struct connection *connection)
{
	long long until;
	if (is_done(connection)) {
		close_connection(connection);
		return;
	}
	short events = choose_events(connection, &until);
	bool bounded = until != NEVER;
	/* An idle connection's limit starts anew with each event by itself. */
	if (connection->added && events == connection->events && !bounded && !connection->bounded)
		return;
	long long left = bounded ? until - now_ms(connection) : connection->home->limits.idle;
	struct timeval limit = interval(left > 0 ? left : 0);
	const struct timeval *kept =
		bounded ? &limit : event_base_init_common_timeout(loop_base(connection->home->loop), &limit);
	connection->bounded = bounded;
	if (watch(connection, events, kept ? kept : &limit))
		return;
	log_event(connection->home->shared->log, LOG_LEVEL_ERROR, "error",
	          "a connection of the MTA was closed, since it cannot be watched: %s", strerror(errno));
	close_connection(connection);
}

static void resume(struct connection *connection)
{
	note_status(connection, dialogue_resume(&connection->dialogue, &connection->out));
	begin_packet(connection);
	advance(connection);
}

/* Evidence came for the message that waits, or for one that no longer does. */
static void on_wake(struct task *task)
{
	struct connection *connection = (struct connection *)(void *)task;
	if (!connection->waiting)
		return;
	resume(connection);
	settle(connection);
}

/* The peer's time is up. */
static void give_up(struct connection *connection, const char *fault)
{
	dialogue_blame(&connection->dialogue, fault);
	end_dialogue(connection);
	connection->dead = true;
}

/* A limit was reached: which one? */
static void on_timeout(struct connection *connection)
{
	long long now = now_ms(connection);
	if (has_unsent(connection) && now >= connection->stall_ms) {
		give_up(connection, "what was answered before is not read");
	} else if (connection->waiting) {
		if (now >= dialogue_deadline_ms(&connection->dialogue)) {
			resume(connection);
		} else if (now >= connection->progress_ms) {
			connection->progress_ms = now + connection->home->limits.progress;
			if (!has_unsent(connection))
				protocol_write(&connection->out, SMFIR_PROGRESS);
			advance(connection);
		}
	} else if (!has_unsent(connection) && !connection->bounded) {
		connection->dead = true;
	} else if (!has_unsent(connection) && now >= connection->packet_ms) {
		give_up(connection, "it has begun, and its rest does not come");
	}
}

/* Nothing more comes. A peer that has closed both ways is gone. */
static void on_closed(struct connection *connection)
{
	struct pollfd end = { .fd = connection->fd };
	connection->mute = true;
	if (poll(&end, 1, 0) > 0 && (end.revents & (POLLHUP | POLLERR)) != 0)
		connection->dead = true;
}

static void on_event(int fd, short what, void *context)
{
	struct connection *connection = context;
	(void)fd;
	if (what & EV_TIMEOUT)
		on_timeout(connection);
	if (what & EV_CLOSED && connection->waiting)
		on_closed(connection);
	if (what & EV_READ && !connection->mute)
		receive_more(connection);
	if (what & (EV_READ | EV_WRITE))
		advance(connection);
	settle(connection);
}

static void wake(void *context)
{
	struct connection *connection = context;
	loop_post(connection->home->loop, &connection->task);
}

/* In the loop: the first thing that is done. An MTA speaks first, and at once. */
static void begin(struct task *task)
{
	struct connection *connection = (struct connection *)(void *)task;
	struct connection_home *home = connection->home;
	struct waker waker = { wake, connection };
	task->run = on_wake;
	connection->next = home->connections;
	connection->link = &home->connections;
	if (connection->next)
		connection->next->link = &connection->next;
	home->connections = connection;
	dialogue_begin(&connection->dialogue, home->shared, waker, home->counters);
	receive_more(connection);
	advance(connection);
	settle(connection);
}

bool connection_adopt(struct connection_home *home, int fd, bool here)
{
	struct connection *connection = calloc(1, sizeof *connection);
	if (!connection)
		return false;
	connection->home = home;
	connection->fd = fd;
	connection->task.run = begin;
	atomic_fetch_add(&home->open, 1);
	if (here)
		begin(&connection->task);
	else
		loop_post(home->loop, &connection->task);
	return true;
}

void connection_close_all(struct connection_home *home, bool unsent_too)
{
	struct connection *next;
	for (struct connection *connection = home->connections; connection; connection = next) {
		next = connection->next;
		if (unsent_too || !has_unsent(connection))
			close_connection(connection);
	}
}
