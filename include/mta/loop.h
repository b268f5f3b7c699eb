/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * loop: an event loop (libevent) in a thread of its own, and what other threads hand to it.
 *
 * Nothing that runs in a loop may wait. But for loop_post() every function belongs to the loop's
 * thread, or to any when there is none.
 */
#ifndef SFDC_MTA_LOOP_H
#define SFDC_MTA_LOOP_H

#include <stdbool.h>
#include <stddef.h>

struct event_base;
struct loop;

/* Something to do, in the memory of whoever wants it done. Zeroed but for run: not posted. */
struct task {
	void (*run)(struct task *task);
	struct task *next;
	struct task **link; /* NULL: not posted */
};

/*
 * Start a loop, which turns when this returns. name is that of its thread, 15 characters at most. The thread takes no
 * signals. room_size bytes are kept for loop_room(). NULL: there is no thread, memory or descriptor for it (errno).
 */
struct loop *loop_start(const char *name, size_t room_size);

/* Have the task run in the loop. One that is posted already and has not run yet runs once. Thread-safe, never blocks. */
void loop_post(struct loop *loop, struct task *task);

/* Take a task back: once this has returned it does not run. It may be posted by other threads no longer, or again. */
void loop_withdraw(struct loop *loop, struct task *task);

/* Milliseconds of the clock that never goes back (CLOCK_MONOTONIC). Thread-safe. */
long long loop_now_ms(void);

/* For events of its own. */
struct event_base *loop_base(struct loop *loop);

/* Bytes that whoever runs may write to, of no content when something else has run. */
char *loop_room(struct loop *loop);

/* Let the loop end when what is running has returned. */
void loop_end(struct loop *loop);

/* From another thread: wait until it has ended. */
void loop_join(struct loop *loop);

/* Release what has ended; its events must be gone. Tasks that are still posted do not run. */
void loop_free(struct loop *loop);

#endif
