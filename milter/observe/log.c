#include "config.h"

#include "observe/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>
#include <unistd.h>

#include "observe/format.h"
#include "observe/journal.h"

#define EVENT_TEXT_MAX 1024

/* What a reload may change, read in one piece under the lock. */
struct manner {
	enum log_target target;
	int facility;
	enum log_format format;
	enum log_level level;
};

struct log {
	char *program; /* syslog(3) keeps a pointer to it */
	bool opened;   /* openlog() was called */
	int journal;   /* socket, -1 = none */
	struct manner manner;
	pthread_mutex_t manner_lock;
	pthread_mutex_t write_lock; /* a line longer than PIPE_BUF takes the pipe in pieces */
};

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
	log->journal = -1;
	log->manner.target = LOG_TARGET_STDERR;
	log->manner.facility = LOG_MAIL;
	log->manner.format = LOG_FORMAT_LOGFMT;
	log->manner.level = LOG_LEVEL_INFO;
	pthread_mutex_init(&log->manner_lock, NULL);
	pthread_mutex_init(&log->write_lock, NULL);
	return log;
}

void log_free(struct log *log)
{
	if (!log)
		return;
	if (log->opened)
		closelog();
	if (log->journal >= 0)
		close(log->journal);
	pthread_mutex_destroy(&log->write_lock);
	pthread_mutex_destroy(&log->manner_lock);
	free(log->program);
	free(log);
}

void log_configure(struct log *log, const struct settings *settings)
{
	pthread_mutex_lock(&log->manner_lock);
	log->manner.target = settings->log.target;
	log->manner.facility = settings->log.facility;
	log->manner.format = settings->log.format;
	log->manner.level = settings->log.level;
	if (log->manner.target == LOG_TARGET_SYSLOG && !log->opened) {
		openlog(log->program, LOG_PID | LOG_NDELAY, log->manner.facility);
		log->opened = true;
	}
	if (log->manner.target == LOG_TARGET_JOURNAL && log->journal < 0)
		log->journal = journal_open();
	pthread_mutex_unlock(&log->manner_lock);
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

static void write_whole(const char *text, size_t length)
{
	while (length != 0) {
		ssize_t written = write(STDERR_FILENO, text, length);
		if (written < 0 && errno != EINTR)
			return;
		if (written > 0) {
			text += written;
			length -= (size_t)written;
		}
	}
}

/* line has room for the newline in place of its NUL. */
static void write_line(struct log *log, char *line)
{
	size_t length = strlen(line);
	line[length] = '\n';
	pthread_mutex_lock(&log->write_lock);
	write_whole(line, length + 1);
	pthread_mutex_unlock(&log->write_lock);
}

static struct manner manner_now(struct log *log)
{
	pthread_mutex_lock(&log->manner_lock);
	struct manner manner = log->manner;
	pthread_mutex_unlock(&log->manner_lock);
	return manner;
}

void log_record(struct log *log, enum log_level level, const struct record *record)
{
	struct manner manner = manner_now(log);
	if (level > manner.level)
		return;
	char *line = format_record(manner.format, record);
	if (!line)
		return;
	switch (manner.target) {
	case LOG_TARGET_SYSLOG:
		syslog(manner.facility | priority_of(level), "%s", line);
		break;
	case LOG_TARGET_JOURNAL:
		if (!journal_send(log->journal, log->program, manner.facility, priority_of(level), line, record))
			write_line(log, line);
		break;
	case LOG_TARGET_STDERR:
		write_line(log, line);
		break;
	}
	free(line);
}

void log_event(struct log *log, enum log_level level, const char *event, const char *format, ...)
{
	char text[EVENT_TEXT_MAX];
	struct record record;
	va_list arguments;

	va_start(arguments, format);
	int length = vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	if (length < 0)
		return;
	record_init(&record);
	record_text(&record, "ev", span_of(event));
	record_text(&record, "text", span_of(text));
	log_record(log, level, &record);
}
