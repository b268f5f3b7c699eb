/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "mta/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define STACK_SIZE ((size_t)1 << 20) /* bytes */

struct loop {
	struct event_base *base;
	struct event *woken;
	int wake; /* eventfd(2) */
	char *room;
	char name[16];
	pthread_t thread;
	pthread_mutex_t lock; /* protects the tasks */
	pthread_cond_t turning;
	bool turns;
	struct task *tasks; /* posted, in their order */
	struct task **last;
};

/* With the lock held. */
static void unlink_task(struct loop *loop, struct task *task)
{
	*task->link = task->next;
	if (task->next)
		task->next->link = task->link;
	else
		loop->last = task->link;
	task->next = NULL;
	task->link = NULL;
}

void loop_post(struct loop *loop, struct task *task)
{
	static const uint64_t one = 1;
	pthread_mutex_lock(&loop->lock);
	bool first = !loop->tasks;
	if (!task->link) {
		task->next = NULL;
		task->link = loop->last;
		*loop->last = task;
		loop->last = &task->next;
	}
	pthread_mutex_unlock(&loop->lock);
	if (first)
		(void)!write(loop->wake, &one, sizeof one);
}

void loop_withdraw(struct loop *loop, struct task *task)
{
	pthread_mutex_lock(&loop->lock);
	if (task->link)
		unlink_task(loop, task);
	pthread_mutex_unlock(&loop->lock);
}

static struct task *next_task(struct loop *loop)
{
	pthread_mutex_lock(&loop->lock);
	struct task *task = loop->tasks;
	if (task)
		unlink_task(loop, task);
	pthread_mutex_unlock(&loop->lock);
	return task;
}

static void run_tasks(int fd, short what, void *context)
{
	struct loop *loop = context;
	struct task *task;
	uint64_t count;
	(void)what;
	(void)!read(fd, &count, sizeof count);
	while ((task = next_task(loop)) != NULL)
		task->run(task);
}

static void tell_turning(int fd, short what, void *context)
{
	struct loop *loop = context;
	(void)fd;
	(void)what;
	pthread_mutex_lock(&loop->lock);
	loop->turns = true;
	pthread_cond_signal(&loop->turning);
	pthread_mutex_unlock(&loop->lock);
}

static void *turn(void *context)
{
	struct loop *loop = context;
	(void)pthread_setname_np(pthread_self(), loop->name);
	event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY);
	return NULL;
}

/* The thread inherits the signal mask: signals are the business of others. */
static bool start_thread(struct loop *loop)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	errno = pthread_attr_init(&attributes);
	if (errno != 0)
		return false;
	(void)pthread_attr_setstacksize(&attributes, STACK_SIZE);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = pthread_create(&loop->thread, &attributes, turn, loop);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	errno = error;
	return error == 0;
}

static bool set_up(struct loop *loop, size_t room_size)
{
	loop->room = malloc(room_size);
	struct event_config *config = event_config_new();
	if (!loop->room || !config)
		goto no_memory;
	/* A base is its own thread's alone. */
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
	loop->base = event_base_new_with_config(config);
	event_config_free(config);
	loop->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!loop->base || loop->wake < 0)
		return false;
	loop->woken = event_new(loop->base, loop->wake, EV_READ | EV_PERSIST, run_tasks, loop);
	if (loop->woken && event_add(loop->woken, NULL) == 0
	    && event_base_once(loop->base, -1, EV_TIMEOUT, tell_turning, loop, NULL) == 0)
		return true;
	errno = ENOMEM;
	return false;
no_memory:
	if (config)
		event_config_free(config);
	errno = ENOMEM;
	return false;
}

static void release(struct loop *loop)
{
	int error = errno;
	if (loop->woken)
		event_free(loop->woken);
	if (loop->base)
		event_base_free(loop->base);
	if (loop->wake >= 0)
		close(loop->wake);
	free(loop->room);
	pthread_mutex_destroy(&loop->lock);
	pthread_cond_destroy(&loop->turning);
	free(loop);
	errno = error;
}

struct loop *loop_start(const char *name, size_t room_size)
{
	struct loop *loop = calloc(1, sizeof *loop);
	if (!loop)
		return NULL;
	loop->wake = -1;
	loop->last = &loop->tasks;
	snprintf(loop->name, sizeof loop->name, "%s", name);
	pthread_mutex_init(&loop->lock, NULL);
	pthread_cond_init(&loop->turning, NULL);
	if (!set_up(loop, room_size) || !start_thread(loop)) {
		release(loop);
		return NULL;
	}
	pthread_mutex_lock(&loop->lock);
	while (!loop->turns)
		pthread_cond_wait(&loop->turning, &loop->lock);
	pthread_mutex_unlock(&loop->lock);
	return loop;
}

long long loop_now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct event_base *loop_base(struct loop *loop)
{
	return loop->base;
}

char *loop_room(struct loop *loop)
{
	return loop->room;
}

void loop_end(struct loop *loop)
{
	event_base_loopbreak(loop->base);
}

void loop_join(struct loop *loop)
{
	pthread_join(loop->thread, NULL);
}

void loop_free(struct loop *loop)
{
	release(loop);
}
