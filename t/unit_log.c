/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * log: one write for one line, lines of threads do not mix, nothing is read as a format, and nobody who does not read the
 * log holds up those who write it. syslogd and the journal are sockets of the test's own, at whose places connect(2) finds
 * them.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "observe/log.h"
#include "tap.h"

/* The linker puts these in place of the C library's functions (-Wl,--wrap). */
int __wrap_connect(int socket, const struct sockaddr *address, socklen_t size);
extern int __real_connect(int socket, const struct sockaddr *address, socklen_t size);
void *__wrap_malloc(size_t size);
extern void *__real_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
extern void *__real_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
extern void *__real_realloc(void *block, size_t size);

static char folder[] = "/tmp/unit_log.XXXXXX";
static _Thread_local bool starved;

void *__wrap_malloc(size_t size)
{
	return starved ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return starved ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *block, size_t size)
{
	return starved ? NULL : __real_realloc(block, size);
}

static struct sockaddr_un place(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", folder, name);
	return address;
}

int __wrap_connect(int socket, const struct sockaddr *address, socklen_t size)
{
	const struct sockaddr_un *asked = (const struct sockaddr_un *)(const void *)address;
	struct sockaddr_un found = *asked;
	if (strcmp(asked->sun_path, "/dev/log") == 0)
		found = place("syslog");
	else if (strcmp(asked->sun_path, "/run/systemd/journal/socket") == 0)
		found = place("journal");
	return __real_connect(socket, (const struct sockaddr *)&found, size);
}

/* A socket at that name in the folder; one that streams takes connections. */
static int serve(const char *name, int type)
{
	struct sockaddr_un address = place(name);
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	unlink(address.sun_path);
	if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || (type != SOCK_DGRAM && listen(fd, 5) != 0)) {
		close(fd);
		return -1;
	}
	return fd;
}

static void end(int fd, const char *name)
{
	struct sockaddr_un address = place(name);
	close(fd);
	unlink(address.sun_path);
}

/* The next datagram; "" when none comes within a moment. */
static struct span receive(int fd, char *buffer, size_t size)
{
	struct pollfd one = { .fd = fd, .events = POLLIN };
	ssize_t got = poll(&one, 1, 20000) == 1 ? recv(fd, buffer, size, MSG_DONTWAIT) : -1;
	return span_make(buffer, got > 0 ? (size_t)got : 0);
}

static bool nothing_comes(int fd)
{
	char byte;
	return recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0;
}

static void configure(struct log *log, enum log_target target)
{
	struct settings settings = { 0 };
	settings.log.target = target;
	settings.log.facility = LOG_MAIL;
	settings.log.level = LOG_LEVEL_INFO;
	log_configure(log, &settings);
}

static void log_verdict(struct log *log, const char *verdict, size_t number)
{
	struct log_entry entry;
	char pad[LOG_VALUE_MAX];
	memset(pad, 'x', sizeof pad);
	log_entry_init(&entry);
	log_entry_text(&entry, "ev", span_of("verdict"));
	log_entry_text(&entry, "verdict", span_of(verdict));
	log_entry_number(&entry, "n", (long long)number);
	for (size_t i = 0; i < 8; i++)
		log_entry_text(&entry, "pad", span_make(pad, sizeof pad));
	log_write(log, LOG_LEVEL_INFO, &entry);
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
	struct log_entry entry;
	log_entry_init(&entry);
	log_entry_text(&entry, "ev", span_of("verdict"));
	log_entry_text(&entry, "from", span_of("a\nb"));
	if (!ok(capture_begin(), "standard error is captured"))
		return;
	log_write(log, LOG_LEVEL_INFO, &entry);
	struct span got = next_write(buffer, sizeof buffer);
	is_span(got, span_of("ev=verdict from=\"a\\x0ab\"\n"), "a record is one write of one line");
	log_write(log, LOG_LEVEL_DEBUG, &entry);
	is_span(next_write(buffer, sizeof buffer), span_of(""), "what is below the level is not written");
	log_event(log, LOG_LEVEL_ERROR, "error", "cannot open %s: %d", "%n%s", 7);
	is_span(next_write(buffer, sizeof buffer), span_of("ev=error text=\"cannot open %n%s: 7\"\n"),
	        "L01 an event's arguments are no format");
	log_event(log, LOG_LEVEL_WARNING, "warning", "%s", "two\nlines");
	is_span(next_write(buffer, sizeof buffer), span_of("ev=warning text=\"two\\x0alines\"\n"),
	        "L01 an event is one line");
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

static void test_syslog(int type)
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
	const char *kind = type == SOCK_DGRAM ? "datagrams" : "a stream";
	char buffer[8192];
	char want[256];
	struct log *log = log_new("unit-log");
	struct settings settings = { 0 };
	settings.log.target = LOG_TARGET_SYSLOG;
	settings.log.facility = LOG_LOCAL3;
	settings.log.level = LOG_LEVEL_DEBUG;
	log_configure(log, &settings);
	int fd = serve("syslog", type);
	int from = fd;
	if (!capture_begin())
		return;
	for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
		time_t now = time(NULL);
		log_event(log, levels[i].level, "event", "%s", "%s%n");
		if (from == fd && type == SOCK_STREAM)
			from = accept(fd, NULL, NULL);
		struct span got = receive(from, buffer, sizeof buffer);
		char stamp[32];
		strftime(stamp, sizeof stamp, "%b %e %H:%M:%S", localtime(&now));
		snprintf(want, sizeof want, "<%d>%s unit-log[%ld]: ev=event text=\"%%s%%n\"", LOG_LOCAL3 | levels[i].priority,
		         stamp, (long)getpid());
		/* The second may have changed meanwhile. */
		struct span wanted = { want, strlen(want) + (type == SOCK_STREAM) };
		size_t seconds = (size_t)(strchr(want, ']') - want);
		ok(got.length == wanted.length && memcmp(got.at, want, 12) == 0
		       && memcmp(got.at + seconds, want + seconds, wanted.length - seconds) == 0,
		   "L01 a line of level %zu by %s: %s", i, kind, want);
	}
	if (from != fd)
		close(from);
	end(fd, "syslog");
	fd = serve("syslog", type);
	log_event(log, LOG_LEVEL_INFO, "event", "again");
	from = type == SOCK_STREAM ? accept(fd, NULL, NULL) : fd;
	struct span got = receive(from, buffer, sizeof buffer);
	ok(span_find(got, 0, '>') < got.length && memmem(got.at, got.length, "text=again", 10),
	   "a syslogd started again has it");
	end(fd, "syslog");
	if (from != fd)
		close(from);
	log_event(log, LOG_LEVEL_INFO, "event", "while it is gone");
	fd = serve("syslog", type);
	ok(!log_retry(log), "what came while there was none waits for the next one");
	from = type == SOCK_STREAM ? accept(fd, NULL, NULL) : fd;
	got = receive(from, buffer, sizeof buffer);
	ok(memmem(got.at, got.length, "while it is gone", 16) != NULL, "which has it then");
	is_span(next_write(buffer, sizeof buffer), span_of(""), "nothing goes to standard error");
	capture_end();
	log_free(log);
	if (from != fd)
		close(from);
	end(fd, "syslog");
}

static void test_journal(struct log *log)
{
	static char datagram[LOG_FIELDS_MAX * LOG_PRINTABLE_SIZE * 3];
	char buffer[1024];
	struct log_entry entry;
	int fd = serve("journal", SOCK_DGRAM);
	configure(log, LOG_TARGET_JOURNAL);
	log_entry_init(&entry);
	log_entry_text(&entry, "ev", span_of("verdict"));
	log_entry_number(&entry, "rcpts", 2);
	log_entry_text(&entry, "r_tls", span_of("a\nPRIORITY=0\n\xff"));
	if (!capture_begin())
		return;
	log_write(log, LOG_LEVEL_WARNING, &entry);
	is_span(receive(fd, datagram, sizeof datagram),
	        span_of("PRIORITY=4\nSYSLOG_FACILITY=2\nSYSLOG_IDENTIFIER=unit-log\n"
	                "MESSAGE=ev=verdict rcpts=2 r_tls=\"a\\x0aPRIORITY=0\\x0a\\xff\"\n"
	                "SFDC_EV=verdict\nSFDC_RCPTS=2\nSFDC_R_TLS=a\\x0aPRIORITY=0\\x0a\\xff\n"),
	        "L01 every key is a field of its own, no value starts another");
	is_span(next_write(buffer, sizeof buffer), span_of(""), "and nothing goes elsewhere");
	log_write(log, LOG_LEVEL_DEBUG, &entry);
	ok(nothing_comes(fd), "what is below the level is not sent");

	char value[LOG_VALUE_MAX];
	memset(value, '\n', sizeof value);
	log_entry_init(&entry);
	for (size_t i = 0; i < LOG_FIELDS_MAX; i++)
		log_entry_text(&entry, "a_key_that_is_as_long_as_a_key_can_be___", span_make(value, sizeof value));
	log_write(log, LOG_LEVEL_ERROR, &entry);
	ok(receive(fd, datagram, sizeof datagram).length > LOG_FIELDS_MAX * LOG_VALUE_MAX * 4, "the largest record fits");
	end(fd, "journal");
	log_event(log, LOG_LEVEL_ERROR, "error", "lost");
	is_span(next_write(buffer, sizeof buffer), span_of("ev=error text=lost\n"),
	        "where there is no journal, standard error has it");
	capture_end();
}

enum { THREADS = 4, LINES = 200, LONG = 40 };

static void *write_lines(void *context)
{
	struct log *log = context;
	char value[LOG_VALUE_MAX];
	struct log_entry entry;
	memset(value, 'x', sizeof value);
	log_entry_init(&entry);
	for (size_t i = 0; i < LONG; i++)
		log_entry_text(&entry, "k", span_make(value, sizeof value));
	log_entry_text(&entry, "end", span_of("here"));
	for (size_t i = 0; i < LINES; i++)
		log_write(log, LOG_LEVEL_ERROR, &entry);
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
	if (!ok(pipe(ends) == 0 && log_start(log), "a pipe"))
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
		whole +=
			(size_t)got == length && memcmp(line, "k=x", 3) == 0 && memcmp(line + got - 10, " end=here\n", 10) == 0;
	}
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	log_stop(log);
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	ok(lines == THREADS * LINES && whole == lines, "lines of %d threads do not mix (%u of %u whole)", THREADS, whole,
	   lines);
	ok(length > 4096, "and they were longer than a pipe takes at once");
	free(line);
	if (in)
		fclose(in);
}

static void test_broken(void)
{
	struct log *log = log_new("unit-log");
	struct line_counts dropped;
	saved_stderr = dup(STDERR_FILENO);
	close(STDERR_FILENO);
	log_event(log, LOG_LEVEL_ERROR, "error", "nobody reads this");
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	log_dropped(log, &dropped);
	ok(dropped.events == 1, "a record that cannot be written is dropped and counted");
	log_free(log);
}

/* Where lines can be read again that were left unread. */
struct unread {
	const char *name;
	enum log_target target;
	int fd; /* read end, or listening socket */
};

static void begin_unread(struct unread *unread)
{
	int ends[2];
	switch (unread->target) {
	case LOG_TARGET_SYSLOG:
		unread->fd = serve("syslog", strcmp(unread->name, "syslog by stream") == 0 ? SOCK_STREAM : SOCK_DGRAM);
		break;
	case LOG_TARGET_JOURNAL:
		unread->fd = serve("journal", SOCK_DGRAM);
		break;
	case LOG_TARGET_STDERR:
		if (pipe(ends) != 0)
			return;
		dup2(ends[1], STDERR_FILENO);
		close(ends[1]);
		unread->fd = ends[0];
		break;
	}
}

static void end_unread(struct unread *unread)
{
	end(unread->fd, unread->target == LOG_TARGET_JOURNAL ? "journal" : "syslog");
}

/* What was read of a log: lines by verdict, and whether their numbers rise. */
struct readings {
	struct line_counts lines;
	struct line_counts told;
	unsigned warnings;
	bool in_order;
	long long last;
};

static long long number_after(const char *line, const char *key)
{
	const char *at = strstr(line, key);
	return at ? strtoll(at + strlen(key), NULL, 10) : -1;
}

static void add_told(struct line_counts *told, const char *line)
{
	for (size_t i = 0; i < VERDICTS; i++) {
		char key[40];
		snprintf(key, sizeof key, " dropped_%s=", verdict_name((enum verdict)i));
		if (number_after(line, key) > 0)
			told->verdicts[i] += (unsigned long long)number_after(line, key);
	}
	if (number_after(line, " dropped_events=") > 0)
		told->events += (unsigned long long)number_after(line, " dropped_events=");
}

static void read_line(struct readings *readings, const char *line)
{
	const char *verdict = strstr(line, " verdict=");
	if (strstr(line, "dropped=")) {
		readings->warnings++;
		readings->lines.events++;
		add_told(&readings->told, line);
		return;
	}
	long long number = number_after(line, " n=");
	readings->in_order = readings->in_order && (number < 0 || number > readings->last);
	readings->last = number > readings->last ? number : readings->last;
	for (size_t i = 0; verdict && i < VERDICTS; i++) {
		const char *name = verdict_name((enum verdict)i);
		if (strncmp(verdict + 9, name, strlen(name)) == 0 && verdict[9 + strlen(name)] == ' ')
			readings->lines.verdicts[i]++;
	}
	if (!verdict)
		readings->lines.events++;
}

/* Until there are none and no more will come. */
static void read_datagrams(int fd, const atomic_bool *over, struct readings *readings)
{
	static char buffer[65536];
	struct pollfd one = { .fd = fd, .events = POLLIN };
	for (;;) {
		bool last = atomic_load(over);
		if (poll(&one, 1, last ? 0 : 10) != 1) {
			if (last)
				break;
			continue;
		}
		ssize_t got = recv(fd, buffer, sizeof buffer - 1, 0);
		if (got <= 0)
			break;
		buffer[got] = '\0';
		char *message = strstr(buffer, "MESSAGE=");
		if (message)
			*strchr(message, '\n') = '\0';
		read_line(readings, message ? message : buffer);
	}
}

static void read_stream(int fd, char separator, struct readings *readings)
{
	FILE *in = fdopen(fd, "r");
	char *line = NULL;
	size_t size = 0;
	while (in && getdelim(&line, &size, separator, in) > 0)
		read_line(readings, line);
	free(line);
	if (in)
		fclose(in);
}

struct reading_task {
	const struct unread *unread;
	struct readings readings;
	atomic_bool over;
};

static void *read_again(void *context)
{
	struct reading_task *task = context;
	const struct unread *unread = task->unread;
	if (unread->target == LOG_TARGET_STDERR)
		read_stream(dup(unread->fd), '\n', &task->readings);
	else if (strcmp(unread->name, "syslog by stream") == 0)
		read_stream(accept(unread->fd, NULL, NULL), '\0', &task->readings);
	else
		read_datagrams(unread->fd, &task->over, &task->readings);
	return NULL;
}

/* Until nothing waits any more. */
static void await_rest(struct log *log)
{
	while (log_retry(log))
		poll(NULL, 0, 1);
}

enum { REFUSALS = 6000, ACCEPTED = 1500, EVENTS = 50 };

/* More than 8 MB of lines, of which some come before others. */
static void write_much(struct log *log)
{
	size_t number = 0;
	for (size_t i = 0; i < REFUSALS; i++) {
		log_verdict(log, i % 2 ? "reject" : "tempfail", number++);
		if (i % (REFUSALS / ACCEPTED) == 0)
			log_verdict(log, "accept", number++);
		if (i % (REFUSALS / EVENTS) == 0)
			log_event(log, LOG_LEVEL_INFO, "event", "%zu", i);
	}
}

/* L05: nothing that is logged waits for the reader; what was lost is what the log says was lost. */
static void test_unread(struct unread unread)
{
	struct log *log = log_new("unit-log");
	struct line_counts dropped;
	configure(log, unread.target);
	saved_stderr = dup(STDERR_FILENO);
	begin_unread(&unread);
	ok(log_start(log), "L05 %s that is not read", unread.name);
	write_much(log);
	log_dropped(log, &dropped);
	ok(dropped.verdicts[VERDICT_REJECT] > 500 && dropped.verdicts[VERDICT_TEMPFAIL] > 500,
	   "refusals are dropped (%llu)", dropped.verdicts[VERDICT_REJECT]);
	ok(dropped.verdicts[VERDICT_ACCEPT] == 0 && dropped.events == 0, "and nothing else, as long as there are any");

	struct reading_task task = { .unread = &unread, .readings = { .in_order = true, .last = -1 } };
	pthread_t thread;
	pthread_create(&thread, NULL, read_again, &task);
	await_rest(log);
	log_free(log);
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	atomic_store(&task.over, true);
	pthread_join(thread, NULL);
	const struct readings *seen = &task.readings;
	ok(seen->in_order, "what is left comes in its order");
	ok(seen->warnings == 1, "one line tells of the rest (%u)", seen->warnings);
	ok(memcmp(&seen->told, &dropped, sizeof dropped) == 0, "with the numbers of what was lost");
	ok(seen->lines.verdicts[VERDICT_REJECT] + dropped.verdicts[VERDICT_REJECT] == REFUSALS / 2
	       && seen->lines.verdicts[VERDICT_TEMPFAIL] + dropped.verdicts[VERDICT_TEMPFAIL] == REFUSALS / 2
	       && seen->lines.verdicts[VERDICT_ACCEPT] == ACCEPTED && seen->lines.events == EVENTS + 1,
	   "and exactly those are missing");
	end_unread(&unread);
}

/* Of lines that all are events, the oldest go. */
static void test_all_events(void)
{
	struct log *log = log_new("unit-log");
	struct line_counts dropped;
	struct unread unread = { "standard error", LOG_TARGET_STDERR, -1 };
	char text[LOG_VALUE_MAX];
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	configure(log, LOG_TARGET_STDERR);
	saved_stderr = dup(STDERR_FILENO);
	begin_unread(&unread);
	log_start(log);
	for (size_t i = 0; i < 24000; i++)
		log_event(log, LOG_LEVEL_ERROR, "error", "%s", text);
	log_verdict(log, "accept", 1);
	log_dropped(log, &dropped);
	ok(dropped.events > 1000 && dropped.events < 12000, "events are bounded, too (%llu dropped)", dropped.events);
	ok(dropped.verdicts[VERDICT_ACCEPT] == 1, "and no message's line takes the place of one");
	log_stop(log);
	log_dropped(log, &dropped);
	ok(dropped.events > 20000, "a stop does not wait for a reader: the rest is dropped and counted (%llu)",
	   dropped.events);
	log_free(log);
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	close(unread.fd);
}

/* The parent has no thread, and forks. */
static void test_fork(void)
{
	struct log *log = log_new("unit-log");
	struct unread unread = { "standard error", LOG_TARGET_STDERR, -1 };
	configure(log, LOG_TARGET_STDERR);
	saved_stderr = dup(STDERR_FILENO);
	begin_unread(&unread);
	int capacity = fcntl(unread.fd, F_SETPIPE_SZ, 4096);
	for (size_t i = 0; i < 1000; i++)
		log_event(log, LOG_LEVEL_INFO, "parent", "line %zu", i);
	ok(log_retry(log), "without a thread lines wait as well");
	pid_t child = fork();
	if (child == 0) {
		log_forked(log);
		if (!log_start(log))
			_exit(2);
		log_event(log, LOG_LEVEL_INFO, "child", "line");
		log_free(log);
		_exit(0);
	}
	struct reading_task task = { .unread = &unread, .readings = { .in_order = true, .last = -1 } };
	pthread_t thread;
	pthread_create(&thread, NULL, read_again, &task);
	int status = -1;
	waitpid(child, &status, 0);
	await_rest(log);
	log_free(log);
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	pthread_join(thread, NULL);
	ok(capacity > 0 && status == 0 && task.readings.lines.events == 1001,
	   "and are written once, by the process whose they are (%llu)", task.readings.lines.events);
	close(unread.fd);
}

/* A reload to a target that is read sets the log going again. */
static void test_retarget(void)
{
	struct log *log = log_new("unit-log");
	struct unread before = { "syslog", LOG_TARGET_SYSLOG, -1 };
	struct unread after = { "journal", LOG_TARGET_JOURNAL, -1 };
	struct reading_task task = { .unread = &after, .readings = { .in_order = true, .last = -1 } };
	pthread_t thread;
	configure(log, before.target);
	begin_unread(&before);
	begin_unread(&after);
	log_start(log);
	for (size_t i = 0; i < 2000; i++)
		log_verdict(log, "accept", i);
	configure(log, after.target);
	pthread_create(&thread, NULL, read_again, &task);
	await_rest(log);
	atomic_store(&task.over, true);
	pthread_join(thread, NULL);
	unsigned long long there = task.readings.lines.verdicts[VERDICT_ACCEPT];
	task.unread = &before;
	read_again(&task);
	ok(there > 500 && task.readings.lines.verdicts[VERDICT_ACCEPT] == 2000,
	   "what waits goes to where a reload sends it (%llu)", there);
	log_free(log);
	end_unread(&before);
	end_unread(&after);
}

static void test_no_memory(void)
{
	struct log *log = log_new("unit-log");
	struct line_counts dropped;
	char buffer[8192];
	if (!capture_begin())
		return;
	starved = true;
	log_verdict(log, "accept", 1);
	log_verdict(log, "reject", 2);
	log_event(log, LOG_LEVEL_ERROR, "error", "text");
	starved = false;
	log_dropped(log, &dropped);
	ok(dropped.verdicts[VERDICT_ACCEPT] == 1 && dropped.verdicts[VERDICT_REJECT] == 1 && dropped.events == 1,
	   "lines for which there is no memory are counted");
	log_event(log, LOG_LEVEL_ERROR, "error", "next");
	is_span(next_write(buffer, sizeof buffer), span_of("ev=error text=next\n"), "the next one is written");
	struct span told = next_write(buffer, sizeof buffer);
	ok(memmem(told.at, told.length, " dropped=3 dropped_accept=1 dropped_reject=1 dropped_events=1\n", 61) != NULL,
	   "and then how many are missing");
	capture_end();
	log_free(log);
}

int main(void)
{
	static const struct unread unread[] = {
		{ "syslog", LOG_TARGET_SYSLOG, -1 },
		{ "syslog by stream", LOG_TARGET_SYSLOG, -1 },
		{ "journal", LOG_TARGET_JOURNAL, -1 },
		{ "standard error", LOG_TARGET_STDERR, -1 },
	};
	struct log *log = log_new("unit-log");
	if (!ok(log != NULL && mkdtemp(folder), "a log"))
		return done_testing();
	/* Before there were any threads, as in the parent. */
	test_fork();
	test_stderr(log);
	test_settings(log);
	test_syslog(SOCK_DGRAM);
	test_syslog(SOCK_STREAM);
	test_journal(log);
	test_threads(log);
	test_broken();
	for (size_t i = 0; i < sizeof unread / sizeof unread[0]; i++)
		test_unread(unread[i]);
	test_all_events();
	test_retarget();
	test_no_memory();
	log_free(log);
	log_free(NULL);
	rmdir(folder);
	return done_testing();
}
