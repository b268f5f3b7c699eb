/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "limits/redis.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mta/loop.h"
#include "redis_private.h"

#define UNREAD_MAX 65536 /* bytes of an answer that has not come to its end */

/* The loop and whoever asked have a reference each. */
struct redis_request {
	struct task task;    /* first */
	struct redis *redis; /* the loop's alone; it outlives what is asked of it */
	atomic_uint references;
	struct demand demand;
	bool whole;         /* the script is sent whole, since the store did not know it */
	long long asked_ms; /* the loop's alone */
	struct redis_request *next;
	pthread_mutex_t lock; /* protects the rest */
	struct waker waker;
	bool known;
	struct tally tally;
};

enum state {
	STATE_AWAY,     /* the connection is tried again later */
	STATE_GREETING, /* it is being made */
	STATE_THERE
};

struct redis {
	struct log *log;
	struct redis_way *way;
	struct redis_script *script;
	struct loop *loop;
	atomic_bool takes; /* it makes sense to ask */
	atomic_uint asked; /* and not answered yet */
	/* The loop's alone: */
	struct task start;
	struct task stop;
	enum state state;
	struct bufferevent *link;
	redisReader *reader;
	redisReplyObjectFunctions functions; /* the reader's */
	unsigned greetings;                  /* replies that are due before the store is there */
	bool useful;                         /* this connection has brought an answer */
	struct redis_request *first; /* in the order of the answers; while the connection is made nothing of it is sent */
	struct redis_request **last;
	struct event *patience; /* for the oldest */
	struct event *retry;
	long long greeted_ms;
	long long delay_ms;          /* before the next try */
	char told[REDIS_ERROR_SIZE]; /* what the log was told last; "": that it is there, or nothing yet */
};

static void unref(struct redis_request *request)
{
	if (atomic_fetch_sub(&request->references, 1) != 1)
		return;
	pthread_mutex_destroy(&request->lock);
	free(request);
}

/* In the loop: what came of it. */
static void finish(struct redis_request *request, const struct tally *tally)
{
	atomic_fetch_sub(&request->redis->asked, 1);
	pthread_mutex_lock(&request->lock);
	request->known = true;
	request->tally = *tally;
	if (request->waker.wake)
		request->waker.wake(request->waker.context);
	pthread_mutex_unlock(&request->lock);
	unref(request);
}

static void finish_unknown(struct redis_request *request)
{
	static const struct tally unknown = { .status = TALLY_UNKNOWN };
	finish(request, &unknown);
}

static struct redis_request *take_first(struct redis *redis)
{
	struct redis_request *request = redis->first;
	redis->first = request->next;
	if (!redis->first)
		redis->last = &redis->first;
	request->next = NULL;
	return request;
}

static void append(struct redis *redis, struct redis_request *request)
{
	request->next = NULL;
	*redis->last = request;
	redis->last = &request->next;
}

static void set_timer(struct event *timer, long long milliseconds)
{
	if (milliseconds < 0)
		milliseconds = 0;
	struct timeval length = { .tv_sec = (time_t)(milliseconds / 1000),
		                      .tv_usec = (suseconds_t)(milliseconds % 1000 * 1000) };
	event_add(timer, &length);
}

/* For whatever is waited for: the greeting, or the oldest answer. */
static void set_patience(struct redis *redis)
{
	long long since = redis->state == STATE_GREETING ? redis->greeted_ms : redis->first ? redis->first->asked_ms : 0;
	if (redis->state == STATE_AWAY || since == 0)
		event_del(redis->patience);
	else
		set_timer(redis->patience, since + REDIS_PATIENCE_MS - loop_now_ms());
}

static void hang_up(struct redis *redis)
{
	redis_way_close(redis->way, redis->link);
	redis->link = NULL;
	if (redis->reader)
		redisReaderFree(redis->reader);
	redis->reader = NULL;
	redis->state = STATE_AWAY;
	atomic_store(&redis->takes, false);
	while (redis->first)
		finish_unknown(take_first(redis));
	event_del(redis->patience);
}

/* The store is not there, or not what it should be: nobody waits for it until it is. */
static void go_away(struct redis *redis, const char *why)
{
	hang_up(redis);
	if (strcmp(redis->told, why) != 0)
		log_event(redis->log, LOG_LEVEL_WARNING, "warning",
		          "limits.store: %s is away: %s; limits.when_away is in force, and it is tried again by itself",
		          redis_way_text(redis->way), why);
	snprintf(redis->told, sizeof redis->told, "%s", why);
	set_timer(redis->retry, redis->delay_ms);
	redis->delay_ms = redis->delay_ms * 2 < REDIS_RETRY_MAX_MS ? redis->delay_ms * 2 : REDIS_RETRY_MAX_MS;
}

/* It has done what it is there for. */
static void note_answer(struct redis *redis)
{
	redis->delay_ms = REDIS_RETRY_MIN_MS;
	redis->useful = true;
	if (redis->told[0] == '\0')
		return;
	log_event(redis->log, LOG_LEVEL_WARNING, "warning", "limits.store: %s is back", redis_way_text(redis->way));
	redis->told[0] = '\0';
}

static bool send_request(struct redis *redis, const struct redis_request *request)
{
	char *command = NULL;
	long long length = redis_script_command(redis->script, &request->demand, request->whole, &command);
	bool good = length > 0 && bufferevent_write(redis->link, command, (size_t)length) == 0;
	if (length > 0)
		redisFreeCommand(command);
	return good;
}

static void on_request(struct task *task)
{
	struct redis_request *request = (struct redis_request *)(void *)task;
	struct redis *redis = request->redis;
	if (redis->state == STATE_AWAY) {
		finish_unknown(request);
		return;
	}
	request->asked_ms = loop_now_ms();
	bool oldest = !redis->first;
	append(redis, request);
	if (redis->state == STATE_THERE && !send_request(redis, request))
		go_away(redis, "there is no memory to ask it");
	else if (oldest)
		set_patience(redis);
}

static bool is_error(const redisReply *reply, const char *code)
{
	return reply->type == REDIS_REPLY_ERROR && reply->len >= strlen(code)
	       && memcmp(reply->str, code, strlen(code)) == 0;
}

/* What the store says against us; its own words, which hold no password. */
static void refused(struct redis *redis, const redisReply *reply, const char *what)
{
	char why[REDIS_ERROR_SIZE];
	if (reply->type == REDIS_REPLY_ERROR)
		snprintf(why, sizeof why, "it refuses %s: %.200s", what, reply->str);
	else
		snprintf(why, sizeof why, "its answer to %s is none of Redis's", what);
	go_away(redis, why);
}

/* What comes before a question is no answer to it. */
static bool has_unread(const struct redis *redis)
{
	return redis->reader->pos != redis->reader->len || evbuffer_get_length(bufferevent_get_input(redis->link)) != 0;
}

/* One reply to what was said first. False: it is over. */
static bool take_greeting(struct redis *redis, const redisReply *reply)
{
	if (reply->type != REDIS_REPLY_STATUS) {
		refused(redis, reply, "the connection");
		return false;
	}
	if (--redis->greetings != 0)
		return true;
	if (has_unread(redis)) {
		go_away(redis, "it answers what was not asked");
		return false;
	}
	redis->state = STATE_THERE;
	atomic_store(&redis->takes, true);
	for (const struct redis_request *request = redis->first; request; request = request->next)
		if (!send_request(redis, request)) {
			go_away(redis, "there is no memory to ask it");
			return false;
		}
	set_patience(redis);
	return true;
}

/* One answer to the oldest request. False: it is over. */
static bool take_answer(struct redis *redis, const redisReply *reply)
{
	struct tally tally;
	struct redis_request *request = redis->first;
	if (!request) {
		go_away(redis, "it answers what was not asked");
		return false;
	}
	if (is_error(reply, "NOSCRIPT") && !request->whole) {
		append(redis, take_first(redis));
		request->whole = true;
		if (send_request(redis, request))
			return true;
		go_away(redis, "there is no memory to ask it");
		return false;
	}
	if (!redis_script_answer(reply, &request->demand, &tally)) {
		refused(redis, reply, "the script");
		return false;
	}
	finish(take_first(redis), &tally);
	note_answer(redis);
	return true;
}

static bool take_replies(struct redis *redis)
{
	void *reply = NULL;
	while (redis->reader && redisReaderGetReply(redis->reader, &reply) == REDIS_OK && reply) {
		bool goes_on = redis->state == STATE_GREETING ? take_greeting(redis, reply) : take_answer(redis, reply);
		freeReplyObject(reply);
		if (!goes_on)
			return false;
	}
	return true;
}

static void on_read(struct bufferevent *link, void *context)
{
	struct redis *redis = context;
	char bytes[4096];
	size_t length;
	while ((length = bufferevent_read(link, bytes, sizeof bytes)) != 0) {
		if (redisReaderFeed(redis->reader, bytes, length) != REDIS_OK) {
			go_away(redis, "there is no memory for its answer");
			return;
		}
		if (!take_replies(redis))
			return;
		if (redis->reader->err != 0 || redis->reader->len - redis->reader->pos > UNREAD_MAX) {
			go_away(redis, "what it answers is not Redis's protocol");
			return;
		}
	}
	set_patience(redis);
}

static void greet(struct redis *redis)
{
	char *command = NULL;
	long long length = redis_way_greeting(redis->way, &command, &redis->greetings);
	bool good = length > 0 && bufferevent_write(redis->link, command, (size_t)length) == 0;
	if (length > 0)
		redis_wipe(command, (size_t)length);
	free(command);
	if (!good)
		go_away(redis, "there is no memory to ask it");
}

static void connect_now(struct redis *redis);

/* A connection on which nothing was asked for long is closed by the store: that is no loss. */
static void reconnect(struct redis *redis)
{
	hang_up(redis);
	atomic_store(&redis->takes, true);
	connect_now(redis);
}

static void on_event(struct bufferevent *link, short what, void *context)
{
	struct redis *redis = context;
	char why[REDIS_ERROR_SIZE];
	if (what & BEV_EVENT_CONNECTED) {
		greet(redis);
	} else if (what & BEV_EVENT_ERROR) {
		redis_way_error(redis->way, link, why);
		go_away(redis, why);
	} else if ((what & BEV_EVENT_EOF) && redis->state == STATE_THERE && redis->useful && !redis->first) {
		reconnect(redis);
	} else if (what & BEV_EVENT_EOF) {
		go_away(redis, "it has closed the connection");
	}
}

static void connect_now(struct redis *redis)
{
	char why[REDIS_ERROR_SIZE] = "";
	redis->useful = false;
	redis->reader = redis_script_reader(&redis->functions);
	if (redis->reader)
		redis->link = redis_way_open(redis->way, loop_base(redis->loop), why);
	else
		snprintf(why, sizeof why, "out of memory");
	if (!redis->link) {
		go_away(redis, why);
		return;
	}
	redis->state = STATE_GREETING;
	redis->greeted_ms = loop_now_ms();
	bufferevent_setcb(redis->link, on_read, NULL, on_event, redis);
	bufferevent_enable(redis->link, EV_READ | EV_WRITE);
	set_patience(redis);
}

static void on_retry(int fd, short what, void *context)
{
	(void)fd, (void)what;
	connect_now(context);
}

static void on_impatience(int fd, short what, void *context)
{
	struct redis *redis = context;
	(void)fd, (void)what;
	go_away(redis, redis->state == STATE_GREETING ? "it does not answer the connection" : "it does not answer");
}

static void on_start(struct task *task)
{
	struct redis *redis = (struct redis *)(void *)((char *)task - offsetof(struct redis, start));
	struct event_base *base = loop_base(redis->loop);
	redis->patience = event_new(base, -1, 0, on_impatience, redis);
	redis->retry = event_new(base, -1, 0, on_retry, redis);
	/* The first time is waited for: a start is not a loss. */
	if (redis->patience && redis->retry)
		connect_now(redis);
	else
		atomic_store(&redis->takes, false);
}

static void on_stop(struct task *task)
{
	struct redis *redis = (struct redis *)(void *)((char *)task - offsetof(struct redis, stop));
	if (redis->patience)
		hang_up(redis);
	if (redis->patience)
		event_free(redis->patience);
	if (redis->retry)
		event_free(redis->retry);
	loop_end(redis->loop);
}

static void release(struct redis *redis)
{
	redis_script_free(redis->script);
	redis_way_free(redis->way);
	free(redis);
}

struct redis *redis_new(const struct settings *settings, struct log *log, char error_r[REDIS_ERROR_SIZE])
{
	struct redis *redis = calloc(1, sizeof *redis);
	if (!redis) {
		snprintf(error_r, REDIS_ERROR_SIZE, "out of memory");
		return NULL;
	}
	redis->log = log;
	redis->last = &redis->first;
	redis->delay_ms = REDIS_RETRY_MIN_MS;
	redis->start.run = on_start;
	redis->stop.run = on_stop;
	atomic_store(&redis->takes, true);
	redis->way = redis_way_new(settings, error_r);
	redis->script = redis->way ? redis_script_new() : NULL;
	if (redis->way && !redis->script)
		snprintf(error_r, REDIS_ERROR_SIZE, "out of memory");
	redis->loop = redis->script ? loop_start("limits", 1) : NULL;
	if (redis->script && !redis->loop)
		snprintf(error_r, REDIS_ERROR_SIZE, "limits.store: there is no thread or descriptor for it");
	if (!redis->loop) {
		release(redis);
		return NULL;
	}
	loop_post(redis->loop, &redis->start);
	return redis;
}

bool redis_serves(const struct redis *redis, const struct settings *settings)
{
	return redis_way_serves(redis->way, settings);
}

void redis_free(struct redis *redis)
{
	if (!redis)
		return;
	/* Behind whatever was asked before. */
	loop_post(redis->loop, &redis->stop);
	loop_join(redis->loop);
	loop_free(redis->loop);
	release(redis);
}

struct redis_request *redis_ask(struct redis *redis, const struct demand *demand, struct waker waker)
{
	if (!atomic_load(&redis->takes))
		return NULL;
	if (atomic_fetch_add(&redis->asked, 1) >= REDIS_REQUESTS_MAX) {
		atomic_fetch_sub(&redis->asked, 1);
		return NULL;
	}
	struct redis_request *request = calloc(1, sizeof *request);
	if (!request) {
		atomic_fetch_sub(&redis->asked, 1);
		return NULL;
	}
	request->task.run = on_request;
	request->redis = redis;
	request->demand = *demand;
	request->waker = waker;
	atomic_store(&request->references, 2);
	pthread_mutex_init(&request->lock, NULL);
	loop_post(redis->loop, &request->task);
	return request;
}

bool redis_answer(struct redis_request *request, struct tally *tally_r)
{
	pthread_mutex_lock(&request->lock);
	bool known = request->known;
	if (known)
		*tally_r = request->tally;
	pthread_mutex_unlock(&request->lock);
	return known;
}

void redis_drop(struct redis_request *request)
{
	if (!request)
		return;
	pthread_mutex_lock(&request->lock);
	request->waker.wake = NULL;
	pthread_mutex_unlock(&request->lock);
	unref(request);
}
