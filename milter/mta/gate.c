#include "config.h"

#include "mta/gate.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mta/passage.h"

#define EVENTS_MAX 64
#define RETRY_MS 100         /* after the system had no descriptor for a connection */
#define RESERVE 16           /* descriptors for files and look-ups, and one in eight beside them */
#define DESCRIPTORS_EACH 3   /* of a connection: the MTA's, and both ends of the one to libmilter */
#define DESCRIPTORS_LOW 1024 /* before connections exist all descriptors are low */

enum side { SIDE_MTA, SIDE_FILTER, SIDES };

struct connection;

/* What an event of epoll(7) refers to. */
struct watched {
	struct connection *connection; /* NULL: the listening socket */
	int fd;
	uint32_t events; /* waited for; 0: it is not in the set */
};

struct connection {
	struct passage passage;
	struct watched watched[SIDES];
	struct connection *next;
	struct connection *before;
	bool told; /* why it was cut off */
	bool over;
	struct connection *next_over;
};

struct gate {
	struct watched listener;
	const struct door *door;
	struct log *log;
	int epoll;
	struct connection *connections;
	size_t open;
	size_t open_max;
	int unled;               /* an MTA's connection for which there was no way to libmilter yet; -1: none */
	struct connection *over; /* closed when the events at hand, which may refer to them, are done with */
	struct passage_room room;
};

/* False: the system has no memory for it. */
static bool watch(const struct gate *gate, struct watched *watched, uint32_t events)
{
	if (events == watched->events)
		return true;
	int operation = events == 0 ? EPOLL_CTL_DEL : watched->events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
	struct epoll_event event = { .events = events, .data.ptr = watched };
	if (epoll_ctl(gate->epoll, operation, watched->fd, &event) != 0)
		return false;
	watched->events = events;
	return true;
}

static uint32_t epoll_events(short poll_events)
{
	return (poll_events & POLLIN ? (uint32_t)EPOLLIN : 0) | (poll_events & POLLOUT ? (uint32_t)EPOLLOUT : 0);
}

static void close_connection(struct gate *gate, struct connection *connection)
{
	struct connection **place = connection->before ? &connection->before->next : &gate->connections;
	*place = connection->next;
	if (connection->next)
		connection->next->before = connection->before;
	passage_end(&connection->passage);
	for (size_t i = 0; i < SIDES; i++)
		close(connection->watched[i].fd);
	free(connection);
	gate->open--;
}

static void close_over(struct gate *gate)
{
	while (gate->over) {
		struct connection *connection = gate->over;
		gate->over = connection->next_over;
		close_connection(gate, connection);
	}
}

static void tell_starved(const struct gate *gate)
{
	log_event(gate->log, LOG_LEVEL_ERROR, "error", "a connection of the MTA was cut off: there is no memory");
}

/* Why the MTA is no longer listened to, once. */
static void tell_end(const struct gate *gate, struct connection *connection)
{
	const struct passage *passage = &connection->passage;
	if (connection->told || (!passage->fault && !passage->starved))
		return;
	connection->told = true;
	if (passage->fault)
		log_event(gate->log, LOG_LEVEL_WARNING, "warning", "a connection to the milter socket was cut off at packet %llu: %s; "
		          "see that only the MTA can reach the socket", passage->packets, passage->fault);
	else
		tell_starved(gate);
}

static void serve(struct gate *gate, struct connection *connection, struct passage_news news)
{
	struct passage_wish wish;
	if (connection->over)
		return;
	bool goes_on = passage_move(&connection->passage, &gate->room, news, &wish);
	tell_end(gate, connection);
	if (goes_on && watch(gate, &connection->watched[SIDE_MTA], epoll_events(wish.mta)) &&
	    watch(gate, &connection->watched[SIDE_FILTER], epoll_events(wish.filter)))
		return;
	if (goes_on)
		log_event(gate->log, LOG_LEVEL_ERROR, "error", "a connection of the MTA was closed, since it cannot be watched: %s",
		          strerror(errno));
	connection->over = true;
	connection->next_over = gate->over;
	gate->over = connection;
}

/* False: there is no way to libmilter now. Without memory the MTA's connection is closed, so that the MTA need not wait. */
static bool open_connection(struct gate *gate, int mta)
{
	struct connection *connection = calloc(1, sizeof *connection);
	if (!connection) {
		tell_starved(gate);
		close(mta);
		return true;
	}
	int filter = door_connect(gate->door);
	if (filter < 0) {
		free(connection);
		return false;
	}
	passage_begin(&connection->passage, mta, filter);
	const int fds[SIDES] = { mta, filter };
	for (size_t i = 0; i < SIDES; i++) {
		connection->watched[i].connection = connection;
		connection->watched[i].fd = fds[i];
	}
	connection->next = gate->connections;
	if (connection->next)
		connection->next->before = connection;
	gate->connections = connection;
	gate->open++;
	/* An MTA speaks first, and at once. */
	serve(gate, connection, (struct passage_news){ .mta = true });
	return true;
}

/* The next connection of an MTA; -1: none (EAGAIN), or none for want of descriptors. */
static int next_connection(const struct gate *gate)
{
	for (;;) {
		int fd = accept4(gate->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0 || (errno != EINTR && errno != ECONNABORTED))
			return fd;
	}
}

/* Take some of the connections that wait. For what cannot be had now it is tried again later; until then they wait. */
static void take_connections(struct gate *gate)
{
	bool stuck = false;
	for (unsigned i = 0; i < EVENTS_MAX && !stuck && gate->open < gate->open_max; i++) {
		if (gate->unled < 0)
			gate->unled = next_connection(gate);
		if (gate->unled < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		stuck = gate->unled < 0 || !open_connection(gate, gate->unled);
		if (!stuck)
			gate->unled = -1;
	}
	if (stuck || gate->open == gate->open_max)
		(void)watch(gate, &gate->listener, 0);
}

static void handle(struct gate *gate, const struct watched *watched)
{
	struct connection *connection = watched->connection;
	if (!connection) {
		take_connections(gate);
		return;
	}
	bool mta = watched == &connection->watched[SIDE_MTA];
	serve(gate, connection, (struct passage_news){ .mta = mta, .filter = !mta });
}

static void *run(void *argument)
{
	struct gate *gate = argument;
	struct epoll_event events[EVENTS_MAX];
	(void)pthread_setname_np(pthread_self(), "gate");
	for (;;) {
		bool resting = gate->listener.events == 0;
		int count = epoll_wait(gate->epoll, events, EVENTS_MAX, resting ? RETRY_MS : -1);
		if (count < 0 && errno != EINTR) {
			log_event(gate->log, LOG_LEVEL_ERROR, "error", "the MTA's connections can no longer be watched: %s",
			          strerror(errno));
			abort();
		}
		for (int i = 0; i < count; i++)
			handle(gate, events[i].data.ptr);
		close_over(gate);
		if (resting && gate->open < gate->open_max) {
			(void)watch(gate, &gate->listener, EPOLLIN);
			take_connections(gate);
			close_over(gate);
		}
	}
	return NULL;
}

/* How many connections there are descriptors for; one at least. */
static size_t connections_max(void)
{
	struct rlimit limit;
	size_t used = 0;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
		return SIZE_MAX;
	for (int fd = 0; fd < DESCRIPTORS_LOW; fd++)
		used += fcntl(fd, F_GETFD) >= 0;
	size_t kept = used + RESERVE + (size_t)limit.rlim_cur / 8;
	size_t left = limit.rlim_cur > kept ? ((size_t)limit.rlim_cur - kept) / DESCRIPTORS_EACH : 0;
	return left > 0 ? left : 1;
}

bool gate_start(int listener, const struct door *door, struct log *log)
{
	/* Never released: the thread lives as long as the process. */
	struct gate *gate = calloc(1, sizeof *gate);
	if (!gate)
		return false;
	gate->listener.fd = listener;
	gate->door = door;
	gate->log = log;
	gate->open_max = connections_max();
	gate->unled = -1;
	gate->epoll = epoll_create1(EPOLL_CLOEXEC);
	pthread_t thread;
	if (gate->epoll >= 0 && watch(gate, &gate->listener, EPOLLIN)) {
		errno = pthread_create(&thread, NULL, run, gate);
		if (errno == 0)
			return pthread_detach(thread) == 0;
	}
	return false;
}
