/* log: one write for one line, lines of threads do not mix, nothing is read as a format; syslog(3) is replaced. */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "observe/log.h"
#include "tap.h"

/* The linker puts these in place of the C library's functions (-Wl,--wrap). */
void __wrap_syslog(int priority, const char *format, ...) __attribute__((format(printf, 2, 3)));
void __wrap___syslog_chk(int priority, int flag, const char *format, ...) __attribute__((format(printf, 3, 4)));
void __wrap_openlog(const char *program, int options, int facility);
ssize_t __wrap_sendto(int socket, const void *bytes, size_t length, int flags, const struct sockaddr *to, socklen_t size);

static struct {
	unsigned calls;
	int priority;
	char format[16];
	char line[4096];
	char program[64];
	unsigned opened;
} seen;

static void see(int priority, const char *format, va_list arguments)
{
	seen.calls++;
	seen.priority = priority;
	snprintf(seen.format, sizeof seen.format, "%s", format);
	snprintf(seen.line, sizeof seen.line, "%s", va_arg(arguments, const char *));
}

void __wrap_syslog(int priority, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	see(priority, format, arguments);
	va_end(arguments);
}

void __wrap___syslog_chk(int priority, int flag, const char *format, ...)
{
	va_list arguments;
	(void)flag;
	va_start(arguments, format);
	see(priority, format, arguments);
	va_end(arguments);
}

void __wrap_openlog(const char *program, int options, int facility)
{
	(void)options;
	(void)facility;
	seen.opened++;
	snprintf(seen.program, sizeof seen.program, "%s", program);
}

/* What the journal was sent. */
static struct {
	bool refuses;
	unsigned calls;
	char path[108];
	size_t length;
	char datagram[RECORD_ENTRIES_MAX * RECORD_PRINTABLE_SIZE * 3];
} journal;

ssize_t __wrap_sendto(int socket, const void *bytes, size_t length, int flags, const struct sockaddr *to, socklen_t size)
{
	(void)flags;
	journal.calls++;
	if (journal.refuses || socket < 0 || length > sizeof journal.datagram || size < sizeof(struct sockaddr_un)) {
		errno = ECONNREFUSED;
		return -1;
	}
	snprintf(journal.path, sizeof journal.path, "%s", ((const struct sockaddr_un *)(const void *)to)->sun_path);
	memcpy(journal.datagram, bytes, length);
	journal.length = length;
	return (ssize_t)length;
}

/* Standard error becomes one end of a socket that keeps the boundaries of writes. */
static int saved_stderr = -1;
static int reader = -1;

static bool capture_begin(void)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) != 0)
		return false;
	saved_stderr = dup(STDERR_FILENO);
	dup2(pair[1], STDERR_FILENO);
	close(pair[1]);
	reader = pair[0];
	return true;
}

static void capture_end(void)
{
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	close(reader);
}

/* What the next single write brought; "" when there was none. */
static struct span next_write(char *buffer, size_t size)
{
	ssize_t got = recv(reader, buffer, size, MSG_DONTWAIT);
	return span_make(buffer, got > 0 ? (size_t)got : 0);
}

static void test_stderr(struct log *log)
{
	char buffer[8192];
	struct record record;
	record_init(&record);
	record_text(&record, "ev", span_of("verdict"));
	record_text(&record, "from", span_of("a\nb"));
	if (!ok(capture_begin(), "standard error is captured"))
		return;
	log_record(log, LOG_LEVEL_INFO, &record);
	struct span got = next_write(buffer, sizeof buffer);
	is_span(got, span_of("ev=verdict from=\"a\\x0ab\"\n"), "a record is one write of one line");
	log_record(log, LOG_LEVEL_DEBUG, &record);
	is_span(next_write(buffer, sizeof buffer), span_of(""), "what is below the level is not written");
	log_event(log, LOG_LEVEL_ERROR, "error", "cannot open %s: %d", "%n%s", 7);
	is_span(next_write(buffer, sizeof buffer), span_of("ev=error text=\"cannot open %n%s: 7\"\n"),
	        "L01 an event's arguments are no format");
	log_event(log, LOG_LEVEL_WARNING, "warning", "%s", "two\nlines");
	is_span(next_write(buffer, sizeof buffer), span_of("ev=warning text=\"two\\x0alines\"\n"), "L01 an event is one line");
	capture_end();
}

static void test_settings(struct log *log)
{
	char buffer[8192];
	struct settings settings = { 0 };
	settings.log.target = LOG_TARGET_STDERR;
	settings.log.format = LOG_FORMAT_JSON;
	settings.log.level = LOG_LEVEL_WARNING;
	log_configure(log, &settings);
	if (!capture_begin())
		return;
	log_event(log, LOG_LEVEL_INFO, "start", "ready");
	is_span(next_write(buffer, sizeof buffer), span_of(""), "the configured level is obeyed");
	log_event(log, LOG_LEVEL_WARNING, "warning", "mind the \"gap\"");
	is_span(next_write(buffer, sizeof buffer), span_of("{\"ev\":\"warning\",\"text\":\"mind the \\\"gap\\\"\"}\n"),
	        "the configured format is used");
	capture_end();
}

static void test_syslog(struct log *log)
{
	static const struct {
		enum log_level level;
		int priority;
	} levels[] = {
		{ LOG_LEVEL_ERROR, LOG_ERR },
		{ LOG_LEVEL_WARNING, LOG_WARNING },
		{ LOG_LEVEL_INFO, LOG_INFO },
		{ LOG_LEVEL_DEBUG, LOG_DEBUG },
	};
	char buffer[256];
	struct settings settings = { 0 };
	settings.log.target = LOG_TARGET_SYSLOG;
	settings.log.facility = LOG_LOCAL3;
	settings.log.level = LOG_LEVEL_DEBUG;
	log_configure(log, &settings);
	log_configure(log, &settings);
	ok(seen.opened == 1, "syslog is opened once");
	is_text(seen.program, "unit-log", "under the program's name");
	if (!capture_begin())
		return;
	for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
		log_event(log, levels[i].level, "event", "%s", "%s%n");
		ok(seen.calls == i + 1 && seen.priority == (LOG_LOCAL3 | levels[i].priority), "facility and priority of level %zu", i);
		is_text(seen.line, "ev=event text=\"%s%n\"", "the line");
		is_text(seen.format, "%s", "L01 the line is not the format");
	}
	is_span(next_write(buffer, sizeof buffer), span_of(""), "nothing goes to standard error");
	capture_end();
}

static void test_journal(struct log *log)
{
	char buffer[1024];
	struct record record;
	struct settings settings = { 0 };
	settings.log.target = LOG_TARGET_JOURNAL;
	settings.log.facility = LOG_MAIL;
	settings.log.level = LOG_LEVEL_INFO;
	log_configure(log, &settings);
	record_init(&record);
	record_text(&record, "ev", span_of("verdict"));
	record_number(&record, "rcpts", 2);
	record_text(&record, "r_tls", span_of("a\nPRIORITY=0\n\xff"));
	if (!capture_begin())
		return;
	log_record(log, LOG_LEVEL_WARNING, &record);
	is_span(span_make(journal.datagram, journal.length),
	        span_of("PRIORITY=4\nSYSLOG_FACILITY=2\nSYSLOG_IDENTIFIER=unit-log\n"
	                "MESSAGE=ev=verdict rcpts=2 r_tls=\"a\\x0aPRIORITY=0\\x0a\\xff\"\n"
	                "SFDC_EV=verdict\nSFDC_RCPTS=2\nSFDC_R_TLS=a\\x0aPRIORITY=0\\x0a\\xff\n"),
	        "L01 every key is a field of its own, no value starts another");
	is_text(journal.path, "/run/systemd/journal/socket", "it goes to the journal");
	is_span(next_write(buffer, sizeof buffer), span_of(""), "and nowhere else");
	log_record(log, LOG_LEVEL_DEBUG, &record);
	ok(journal.calls == 1, "what is below the level is not sent");
	journal.refuses = true;
	log_event(log, LOG_LEVEL_ERROR, "error", "lost");
	is_span(next_write(buffer, sizeof buffer), span_of("ev=error text=lost\n"), "what the journal refuses goes to standard error");
	journal.refuses = false;
	capture_end();

	char value[RECORD_VALUE_MAX];
	memset(value, '\n', sizeof value);
	record_init(&record);
	for (size_t i = 0; i < RECORD_ENTRIES_MAX; i++)
		record_text(&record, "a_key_that_is_as_long_as_a_key_can_be___", span_make(value, sizeof value));
	log_record(log, LOG_LEVEL_ERROR, &record);
	ok(journal.calls == 3 && journal.length > RECORD_ENTRIES_MAX * RECORD_VALUE_MAX * 4, "the largest record fits");
}

enum { THREADS = 4, LINES = 200, LONG = 40 };

static void *write_lines(void *context)
{
	struct log *log = context;
	char value[RECORD_VALUE_MAX];
	struct record record;
	memset(value, 'x', sizeof value);
	record_init(&record);
	for (size_t i = 0; i < LONG; i++)
		record_text(&record, "k", span_make(value, sizeof value));
	record_text(&record, "end", span_of("here"));
	for (size_t i = 0; i < LINES; i++)
		log_record(log, LOG_LEVEL_ERROR, &record);
	return NULL;
}

/* The lines are longer than a pipe takes at once, so the kernel alone would not keep them apart. */
static void test_threads(struct log *log)
{
	struct settings settings = { 0 };
	settings.log.target = LOG_TARGET_STDERR;
	log_configure(log, &settings);
	int ends[2];
	pthread_t threads[THREADS];
	if (!ok(pipe(ends) == 0, "a pipe"))
		return;
	saved_stderr = dup(STDERR_FILENO);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	for (size_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, write_lines, log);
	FILE *in = fdopen(ends[0], "r");
	char *line = NULL;
	size_t size = 0;
	size_t length = 0;
	unsigned whole = 0;
	unsigned lines = 0;
	for (; in && lines < THREADS * LINES; lines++) {
		ssize_t got = getline(&line, &size, in);
		if (got <= 0)
			break;
		if (lines == 0)
			length = (size_t)got;
		whole += (size_t)got == length && memcmp(line, "k=x", 3) == 0 && memcmp(line + got - 10, " end=here\n", 10) == 0;
	}
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	ok(lines == THREADS * LINES && whole == lines, "lines of %d threads do not mix (%u of %u whole)", THREADS, whole, lines);
	ok(length > 4096, "and they were longer than a pipe takes at once");
	free(line);
	if (in)
		fclose(in);
}

static void test_broken(struct log *log)
{
	saved_stderr = dup(STDERR_FILENO);
	close(STDERR_FILENO);
	log_event(log, LOG_LEVEL_ERROR, "error", "nobody reads this");
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	ok(true, "a record that cannot be written is dropped");
}

int main(void)
{
	struct log *log = log_new("unit-log");
	if (!ok(log != NULL, "a log"))
		return done_testing();
	test_stderr(log);
	test_settings(log);
	test_syslog(log);
	test_journal(log);
	test_threads(log);
	test_broken(log);
	log_free(log);
	log_free(NULL);
	return done_testing();
}
