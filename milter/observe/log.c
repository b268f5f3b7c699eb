/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "observe/log.h"

#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>
#include <time.h>

#include "observe/format.h"
#include "observe/journal.h"
#include "observe/outlet.h"

#define EVENT_TEXT_MAX 1024
#define WAIT_MS 500   /* between two tries, where nothing tells when the next one makes sense */
#define TELL_MS 10000 /* a log that goes on, but does not catch up, tells of its losses after this time */
#define FAR_FUTURE_MS 0x7fffffffffffLL

/* What a reload may change. */
struct manner {
	enum log_target target;
	int facility;
	enum log_format format;
	enum log_level level;
};

struct log {
	char *program;
	pthread_mutex_t lock;  /* guards all but outlet */
	pthread_cond_t work;   /* there may be something for the thread to do */
	pthread_cond_t rested; /* nothing waits any more */
	struct manner manner;
	struct backlog backlog;
	struct line *current;      /* is being written, or was in part, or could not be: comes before the backlog */
	bool writing;              /* somebody uses outlet, and current is his */
	struct line_counts told;   /* losses of which a line was made */
	struct line_counts before; /* the same before the last such line */
	long long tell_ms;         /* when losses are told at the latest */
	bool has_thread;
	bool stopping; /* tell of losses without further delay */
	bool over;
	pthread_t thread;
	struct outlet outlet; /* of whoever sets writing */
};

static long long now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct log *log_new(const char *program)
{
	struct log *log = calloc(1, sizeof *log);
	if (!log)
		return NULL;
	log->program = strdup(program);
	if (!log->program) {
		free(log);
		return NULL;
	}
	log->manner.target = LOG_TARGET_STDERR;
	log->manner.facility = LOG_MAIL;
	log->manner.format = LOG_FORMAT_LOGFMT;
	log->manner.level = LOG_LEVEL_INFO;
	log->tell_ms = FAR_FUTURE_MS;
	outlet_init(&log->outlet, log->program);
	pthread_mutex_init(&log->lock, NULL);
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&log->work, &monotonic);
	pthread_cond_init(&log->rested, &monotonic);
	pthread_condattr_destroy(&monotonic);
	return log;
}

void log_free(struct log *log)
{
	if (!log)
		return;
	log_stop(log);
	if (log->has_thread)
		pthread_join(log->thread, NULL);
	line_free(log->current);
	outlet_close(&log->outlet);
	pthread_cond_destroy(&log->rested);
	pthread_cond_destroy(&log->work);
	pthread_mutex_destroy(&log->lock);
	free(log->program);
	free(log);
}

void log_configure(struct log *log, const struct settings *settings)
{
	pthread_mutex_lock(&log->lock);
	log->manner.target = settings->log.target;
	log->manner.facility = settings->log.facility;
	log->manner.format = settings->log.format;
	log->manner.level = settings->log.level;
	pthread_mutex_unlock(&log->lock);
}

static int priority_of(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_ERROR:
		return LOG_ERR;
	case LOG_LEVEL_WARNING:
		return LOG_WARNING;
	case LOG_LEVEL_INFO:
		return LOG_INFO;
	case LOG_LEVEL_DEBUG:
		return LOG_DEBUG;
	}
	return LOG_ERR;
}

/* The line of a entry; NULL without memory. */
static struct line *make_line(const struct manner *manner, enum log_level level, const struct log_entry *entry)
{
	size_t fields_length = 0;
	char *fields = NULL;
	if (manner->target == LOG_TARGET_JOURNAL) {
		fields = journal_fields(entry, &fields_length);
		if (!fields)
			return NULL;
	}
	struct line *line = line_new(entry, format_entry(manner->format, entry), fields, fields_length);
	if (!line)
		return NULL;
	line->facility = manner->facility;
	line->priority = priority_of(level);
	line->time = time(NULL);
	return line;
}

static unsigned long long untold(const struct log *log)
{
	return line_counts_total(&log->backlog.dropped) - line_counts_total(&log->told);
}

/* Whether the losses are to be told now: the log goes on, and has caught up or goes on for a while. */
static bool tell_due(const struct log *log)
{
	if (log->tell_ms == FAR_FUTURE_MS || untold(log) == 0)
		return false;
	return log->stopping || log->backlog.used <= BACKLOG_MAX / 2 || now_ms() >= log->tell_ms;
}

/* The line that tells of them; NULL without memory, when it is tried again later. */
static struct line *tell_line(struct log *log)
{
	static const char text[] = "lines of this log were lost: it was not read in time, or there was no memory; see that "
							   "what reads it runs and keeps up";
	char keys[VERDICTS][40];
	struct log_entry entry;
	const struct line_counts *dropped = &log->backlog.dropped;
	log_entry_init(&entry);
	log_entry_text(&entry, "ev", span_of("warning"));
	log_entry_text(&entry, "text", span_of(text));
	log_entry_number(&entry, "dropped", (long long)untold(log));
	for (size_t i = 0; i < VERDICTS; i++) {
		unsigned long long lost = dropped->verdicts[i] - log->told.verdicts[i];
		snprintf(keys[i], sizeof keys[i], "dropped_%s", verdict_name((enum verdict)i));
		log_entry_number(&entry, keys[i], lost != 0 ? (long long)lost : -1);
	}
	if (dropped->aborts != log->told.aborts)
		log_entry_number(&entry, "dropped_abort", (long long)(dropped->aborts - log->told.aborts));
	if (dropped->events != log->told.events)
		log_entry_number(&entry, "dropped_events", (long long)(dropped->events - log->told.events));
	struct line *line = make_line(&log->manner, LOG_LEVEL_WARNING, &entry);
	if (!line)
		return NULL;
	line->tells = true;
	log->before = log->told;
	log->told = *dropped;
	log->tell_ms = FAR_FUTURE_MS;
	return line;
}

/* Count a line as lost; one that tells of losses leaves them untold. */
static void lose(struct log *log, struct line *line)
{
	if (line->tells) {
		log->told = log->before;
		line_free(line);
	} else {
		line_lose(&log->backlog.dropped, line);
	}
}

static bool rests(const struct log *log)
{
	return !log->current && backlog_empty(&log->backlog) && !tell_due(log);
}

/* Choose the line to write next. False: there is none. */
static bool choose(struct log *log)
{
	if (!log->current && tell_due(log))
		log->current = tell_line(log);
	if (!log->current)
		log->current = backlog_take(&log->backlog);
	return log->current != NULL;
}

/*
 * Try to write the current line, with the lock held on entry and on return, but not meanwhile. False: its target does not
 * take it now.
 */
static bool write_current(struct log *log)
{
	enum log_target target = log->manner.target;
	struct line *line = log->current;
	log->writing = true;
	pthread_mutex_unlock(&log->lock);
	enum outlet_status status = outlet_put(&log->outlet, target, line);
	pthread_mutex_lock(&log->lock);
	log->writing = false;
	if (status == OUTLET_WAIT)
		return false;
	log->current = NULL;
	if (status == OUTLET_TAKEN) {
		line_free(line);
		if (untold(log) != 0 && log->tell_ms == FAR_FUTURE_MS)
			log->tell_ms = now_ms() + TELL_MS;
	} else {
		lose(log, line);
	}
	return true;
}

/* The same for all that waits, as long as it is taken. With the lock held. */
static void write_waiting(struct log *log)
{
	while (choose(log) && write_current(log))
		continue;
}

static void *run(void *argument)
{
	struct log *log = argument;
	size_t written = 0; /* of the current line */
	(void)pthread_setname_np(pthread_self(), "log");
	pthread_mutex_lock(&log->lock);
	while (!log->over) {
		if (log->writing || !choose(log)) {
			pthread_cond_wait(&log->work, &log->lock);
		} else if (write_current(log)) {
			written = 0;
			if (rests(log))
				pthread_cond_broadcast(&log->rested);
		} else if (!log->over) {
			int descriptor = outlet_descriptor(&log->outlet, log->manner.target);
			bool went_on = log->current->written != written;
			written = log->current->written;
			pthread_mutex_unlock(&log->lock);
			outlet_wait(descriptor, WAIT_MS);
			/* Some say that they take something and then do not. */
			if (!went_on)
				outlet_wait(-1, 1);
			pthread_mutex_lock(&log->lock);
		}
	}
	pthread_mutex_unlock(&log->lock);
	return NULL;
}

void log_forked(struct log *log)
{
	outlet_close(&log->outlet);
	line_free(log->current);
	log->current = NULL;
	backlog_clear(&log->backlog, false);
	memset(&log->backlog, 0, sizeof log->backlog);
	memset(&log->told, 0, sizeof log->told);
	log->tell_ms = FAR_FUTURE_MS;
}

bool log_start(struct log *log)
{
	sigset_t all;
	sigset_t before;
	/* Signals are for the threads that wait for them. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	log->has_thread = pthread_create(&log->thread, NULL, run, log) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return log->has_thread;
}

bool log_retry(struct log *log)
{
	pthread_mutex_lock(&log->lock);
	if (!log->has_thread && !log->writing)
		write_waiting(log);
	bool waits = !rests(log);
	pthread_mutex_unlock(&log->lock);
	return waits;
}

/* Wait for the thread, or without one write ourselves, until nothing is left or the time is up. With the lock held. */
static void wait_for_rest(struct log *log)
{
	long long limit = now_ms() + LOG_STOP_MS;
	const struct timespec end = { .tv_sec = (time_t)(limit / 1000), .tv_nsec = (long)(limit % 1000) * 1000000 };
	while ((log->writing || !rests(log)) && now_ms() < limit) {
		if (log->has_thread) {
			pthread_cond_signal(&log->work);
			(void)pthread_cond_timedwait(&log->rested, &log->lock, &end);
		} else {
			write_waiting(log);
			if (!rests(log)) {
				outlet_wait(outlet_descriptor(&log->outlet, log->manner.target), WAIT_MS / 10);
				outlet_wait(-1, 1);
			}
		}
	}
}

/* Whoever writes is done with it in a moment, unless a disk holds him up. With the lock held. */
static void wait_for_writer(struct log *log)
{
	for (int tries = 0; log->writing && tries < WAIT_MS; tries++) {
		pthread_mutex_unlock(&log->lock);
		outlet_wait(-1, 1);
		pthread_mutex_lock(&log->lock);
	}
}

/* Count what is left, and tell of it where somebody may still read that. With the lock held. */
static void give_up(struct log *log)
{
	wait_for_writer(log);
	if (log->current && !log->writing) {
		lose(log, log->current);
		log->current = NULL;
	}
	backlog_clear(&log->backlog, true);
	struct line *line = untold(log) != 0 && !log->writing ? tell_line(log) : NULL;
	if (!line)
		return;
	if (log->manner.target != LOG_TARGET_STDERR) {
		line->text[line->length] = '\0';
		outlet_say(line->text);
		line->text[line->length] = '\n';
	}
	log->current = line;
	if (!write_current(log)) {
		lose(log, log->current);
		log->current = NULL;
	}
}

void log_stop(struct log *log)
{
	pthread_mutex_lock(&log->lock);
	if (!log->over) {
		log->stopping = true;
		wait_for_rest(log);
		log->over = true;
		pthread_cond_broadcast(&log->work);
		give_up(log);
	}
	pthread_mutex_unlock(&log->lock);
}

/* Write a line if that can be done now; else it waits, or is lost. With the lock held. */
static void put(struct log *log, struct line *line)
{
	if (!log->writing && !log->current && backlog_empty(&log->backlog)) {
		log->current = line;
		if (!write_current(log) && log->over) {
			lose(log, log->current);
			log->current = NULL;
		}
	} else if (log->over) {
		lose(log, line);
	} else {
		backlog_put(&log->backlog, line);
	}
}

void log_write(struct log *log, enum log_level level, const struct log_entry *entry)
{
	pthread_mutex_lock(&log->lock);
	struct manner manner = log->manner;
	pthread_mutex_unlock(&log->lock);
	if (level > manner.level)
		return;
	struct line *line = make_line(&manner, level, entry);
	pthread_mutex_lock(&log->lock);
	if (line)
		put(log, line);
	else
		line_count_entry(&log->backlog.dropped, entry);
	if (!log->has_thread && !log->writing && !log->over)
		write_waiting(log);
	else if (log->has_thread && !rests(log))
		pthread_cond_signal(&log->work);
	else if (log->stopping)
		pthread_cond_broadcast(&log->rested);
	pthread_mutex_unlock(&log->lock);
}

void log_event(struct log *log, enum log_level level, const char *event, const char *format, ...)
{
	char text[EVENT_TEXT_MAX];
	struct log_entry entry;
	va_list arguments;

	va_start(arguments, format);
	int length = vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	if (length < 0)
		return;
	log_entry_init(&entry);
	log_entry_text(&entry, "ev", span_of(event));
	log_entry_text(&entry, "text", span_of(text));
	log_write(log, level, &entry);
}

void log_dropped(struct log *log, struct line_counts *counts_r)
{
	pthread_mutex_lock(&log->lock);
	*counts_r = log->backlog.dropped;
	pthread_mutex_unlock(&log->lock);
}
