/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cmd/notify.h"
#include "cmd/pidfile.h"

#define PAUSE_MIN_MS 100
#define PAUSE_MAX_MS 30000
#define ATTEND_MS 1000 /* between two tries to do what was left undone */
#define NEWS_READY 'r'
#define NEWS_RELOADED 'y'
#define NEWS_REFUSED 'n'
#define STEADY_MS 60000 /* a filter that ran this long starts again after the shortest pause */

struct supervisor {
	const struct supervision *supervision;
	sigset_t signals;
	pid_t parent;
	int tell;     /* where the invoking process waits for the exit code; -1 in the foreground */
	int pidfile;  /* descriptor, -1 = none */
	pid_t filter; /* 0: none runs */
	int news;     /* what the filter says of itself; -1 = none runs */
	bool stopping;
	long long started_ms;
	long long pause_ms;
	long long next_ms; /* when something is due: a start, or a kill; -1 = nothing */
};

static long long now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void streams_to_null(void)
{
	int fd = open("/dev/null", O_RDWR);
	if (fd < 0)
		return;
	for (int stream = 0; stream <= 2; stream++)
		dup2(fd, stream);
	if (fd > 2)
		close(fd);
}

void supervisor_ready(const struct start *start)
{
	static const char ready = NEWS_READY;
	if (start->detach)
		streams_to_null();
	(void)!write(start->news, &ready, 1);
}

void supervisor_reloaded(const struct start *start, bool in_force)
{
	const char news = in_force ? NEWS_RELOADED : NEWS_REFUSED;
	(void)!write(start->news, &news, 1);
}

bool supervisor_follow(const struct start *start)
{
#ifdef __linux__
	prctl(PR_SET_PDEATHSIG, SIGTERM);
#endif
	return getppid() == start->parent;
}

/* Run the filter in this process, which was forked for it; does not return. */
static void become_filter(struct supervisor *supervisor, int news)
{
	const struct supervision *supervision = supervisor->supervision;
	if (supervisor->tell >= 0)
		close(supervisor->tell);
	if (supervisor->pidfile >= 0)
		close(supervisor->pidfile);
	struct start start = { .news = news, .detach = !supervision->foreground, .parent = supervisor->parent };
	/* A group of its own: an interrupt typed at a terminal is for the parent alone. */
	setpgid(0, 0);
	/* What the parent waits for stays blocked; the filter's threads wait for what is theirs. */
	sigset_t unblocked;
	sigemptyset(&unblocked);
	sigaddset(&unblocked, SIGCHLD);
	sigprocmask(SIG_UNBLOCK, &unblocked, NULL);
	exit(supervision->filter(supervision->context, &start));
}

static bool start_filter(struct supervisor *supervisor)
{
	int ends[2];
	supervisor->started_ms = now_ms();
	if (pipe2(ends, O_CLOEXEC) != 0)
		return false;
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		close(ends[0]);
		become_filter(supervisor, ends[1]);
	}
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return false;
	}
	supervisor->filter = pid;
	supervisor->news = ends[0];
	return true;
}

static void complain(const struct supervisor *supervisor, const char *text)
{
	supervisor->supervision->complain(supervisor->supervision->context, text);
}

/* Try again later, later each time. */
static void schedule_start(struct supervisor *supervisor)
{
	long long now = now_ms();
	if (now - supervisor->started_ms >= STEADY_MS)
		supervisor->pause_ms = PAUSE_MIN_MS;
	supervisor->next_ms = now + supervisor->pause_ms;
	supervisor->pause_ms = supervisor->pause_ms * 2 < PAUSE_MAX_MS ? supervisor->pause_ms * 2 : PAUSE_MAX_MS;
}

static void restart(struct supervisor *supervisor)
{
	supervisor->next_ms = -1;
	if (!start_filter(supervisor)) {
		complain(supervisor, "the filter process cannot be started");
		schedule_start(supervisor);
		return;
	}
	fcntl(supervisor->news, F_SETFL, O_NONBLOCK);
}

/*
 * What the filter has said of its reloads until now. It may have been told of two at once: the last word counts, and is
 * about the file as it is now, or was a moment ago.
 */
static void hear_news(struct supervisor *supervisor)
{
	const struct supervision *supervision = supervisor->supervision;
	char news[64];
	char last = '\0';
	ssize_t length;
	while (supervisor->news >= 0 && (length = read(supervisor->news, news, sizeof news)) > 0)
		for (ssize_t i = 0; i < length; i++)
			if (news[i] != NEWS_READY)
				last = news[i];
	if (last != '\0')
		supervision->settle(supervision->context, last == NEWS_RELOADED);
}

static void end_news(struct supervisor *supervisor)
{
	hear_news(supervisor);
	close(supervisor->news);
	supervisor->news = -1;
}

static void filter_ended(struct supervisor *supervisor, int status)
{
	char text[160];
	char how[60];
	supervisor->filter = 0;
	end_news(supervisor);
	if (WIFSIGNALED(status))
		snprintf(how, sizeof how, "was killed by signal %d", WTERMSIG(status));
	else
		snprintf(how, sizeof how, "ended with exit code %d", WEXITSTATUS(status));
	if (supervisor->stopping) {
		if (status != 0) {
			snprintf(text, sizeof text, "the filter process %s while it was being stopped", how);
			complain(supervisor, text);
		}
		return;
	}
	schedule_start(supervisor);
	snprintf(text, sizeof text, "the filter process %s; it is started again in %lld ms", how,
	         supervisor->next_ms - now_ms());
	complain(supervisor, text);
}

static void reap(struct supervisor *supervisor)
{
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == supervisor->filter)
			filter_ended(supervisor, status);
}

static void stop(struct supervisor *supervisor)
{
	const struct supervision *supervision = supervisor->supervision;
	if (supervisor->stopping)
		return;
	notify("STOPPING=1");
	hear_news(supervisor);
	supervisor->stopping = true;
	supervisor->next_ms = now_ms() + (long long)supervision->patience(supervision->context) * 1000;
	if (supervisor->filter != 0)
		kill(supervisor->filter, SIGUSR2);
}

static void reload(struct supervisor *supervisor)
{
	const struct supervision *supervision = supervisor->supervision;
	notify_reloading();
	hear_news(supervisor);
	supervision->reload(supervision->context);
	if (supervisor->filter != 0)
		kill(supervisor->filter, SIGUSR1);
	else
		supervision->settle(supervision->context, true);
	notify("READY=1");
}

/* Milliseconds to wait for a signal; -1: as long as it takes. */
static long long wait_ms(const struct supervisor *supervisor)
{
	const struct supervision *supervision = supervisor->supervision;
	long long left = supervisor->next_ms < 0 ? -1 : supervisor->next_ms - now_ms();
	if (supervisor->next_ms >= 0 && left < 0)
		left = 0;
	bool attends = supervision->attend && supervision->attend(supervision->context);
	return attends && (left < 0 || left > ATTEND_MS) ? ATTEND_MS : left;
}

/* The next signal, or 0 when something is due. */
static int await(const struct supervisor *supervisor)
{
	long long wait = wait_ms(supervisor);
	const struct timespec limit = { .tv_sec = (time_t)(wait / 1000), .tv_nsec = (long)(wait % 1000) * 1000000 };
	int signal = wait < 0 ? sigwaitinfo(&supervisor->signals, NULL) : sigtimedwait(&supervisor->signals, NULL, &limit);
	return signal > 0 ? signal : 0;
}

static void watch(struct supervisor *supervisor)
{
	while (!supervisor->stopping || supervisor->filter != 0) {
		switch (await(supervisor)) {
		case SIGCHLD:
			reap(supervisor);
			break;
		case SIGHUP:
		case SIGUSR1:
			if (!supervisor->stopping)
				reload(supervisor);
			break;
		case SIGTERM:
		case SIGINT:
			stop(supervisor);
			break;
		default:
			break;
		}
		if (supervisor->next_ms < 0 || now_ms() < supervisor->next_ms)
			continue;
		if (!supervisor->stopping) {
			restart(supervisor);
		} else if (supervisor->filter != 0) {
			kill(supervisor->filter, SIGKILL);
			supervisor->next_ms = -1;
		}
	}
}

/* Start the first filter and wait until it is ready, or over. */
static int start_first(struct supervisor *supervisor)
{
	if (!start_filter(supervisor)) {
		complain(supervisor, "the filter process cannot be started");
		return STATUS_CANNOT;
	}
	char byte;
	ssize_t length;
	do
		length = read(supervisor->news, &byte, 1);
	while (length < 0 && errno == EINTR);
	if (length == 1) {
		fcntl(supervisor->news, F_SETFL, O_NONBLOCK);
		return STATUS_OK;
	}
	int status = 0;
	while (waitpid(supervisor->filter, &status, 0) < 0 && errno == EINTR)
		;
	supervisor->filter = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
		return WEXITSTATUS(status);
	complain(supervisor, "the filter process ended before it was ready");
	return STATUS_CANNOT;
}

static void block_signals(struct supervisor *supervisor)
{
	static const int held[] = { SIGHUP, SIGUSR1, SIGTERM, SIGINT, SIGCHLD };
	sigemptyset(&supervisor->signals);
	for (size_t i = 0; i < sizeof held / sizeof held[0]; i++)
		sigaddset(&supervisor->signals, held[i]);
	sigset_t blocked = supervisor->signals;
	/* For the filter, which inherits the mask: its parent may signal it before it has a thread to wait for it. */
	sigaddset(&blocked, SIGUSR2);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int open_pidfile(struct supervisor *supervisor, const char *path)
{
	char text[PIDFILE_TEXT_SIZE];
	supervisor->pidfile = pidfile_open(path, text);
	if (supervisor->pidfile >= 0)
		return STATUS_OK;
	complain(supervisor, text);
	return STATUS_CANNOT;
}

/* The parent's life. */
static int run(struct supervisor *supervisor)
{
	const struct supervision *supervision = supervisor->supervision;
	bool has_pidfile = supervision->pidfile && supervision->pidfile[0] != '\0';
	block_signals(supervisor);
	supervisor->parent = getpid();
	int status = has_pidfile ? open_pidfile(supervisor, supervision->pidfile) : STATUS_OK;
	if (status == STATUS_OK)
		status = start_first(supervisor);
	/* Before anybody hears of a start that failed, nothing of it is left. */
	if (status != STATUS_OK) {
		supervision->ended(supervision->context);
		if (has_pidfile)
			pidfile_close(supervision->pidfile, supervisor->pidfile);
	}
	if (supervisor->tell >= 0) {
		unsigned char code = (unsigned char)status;
		streams_to_null();
		(void)!write(supervisor->tell, &code, 1);
		close(supervisor->tell);
		supervisor->tell = -1;
	}
	if (status != STATUS_OK)
		return status;
	notify("READY=1");
	watch(supervisor);
	supervision->ended(supervision->context);
	if (has_pidfile)
		pidfile_close(supervision->pidfile, supervisor->pidfile);
	return status;
}

/* Wait for the exit code of the process that goes on in the background. */
static int hear(int fd)
{
	unsigned char code;
	ssize_t length;
	do
		length = read(fd, &code, 1);
	while (length < 0 && errno == EINTR);
	return length == 1 ? code : STATUS_CANNOT;
}

int supervise(const struct supervision *supervision)
{
	struct supervisor supervisor = { .supervision = supervision, .tell = -1, .pidfile = -1, .next_ms = -1, .news = -1 };
	supervisor.pause_ms = PAUSE_MIN_MS;
	if (supervision->foreground)
		return run(&supervisor);
	int ends[2];
	if (pipe(ends) != 0)
		return STATUS_CANNOT;
	fflush(NULL);
	pid_t pid = fork();
	if (pid < 0) {
		close(ends[0]);
		close(ends[1]);
		return STATUS_CANNOT;
	}
	if (pid > 0) {
		close(ends[1]);
		int status = hear(ends[0]);
		close(ends[0]);
		return status;
	}
	close(ends[0]);
	supervisor.tell = ends[1];
	setsid();
	(void)!chdir("/");
	return run(&supervisor);
}
