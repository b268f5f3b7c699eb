/* SPDX-License-Identifier: BSD-2-Clause */
/* listener: which sockets are taken, and what becomes of them. Each opening is in a process of its own. */
#include "config.h"

#include <errno.h>
#include <grp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mta/listener.h"
#include "tap.h"

static void test_check(void)
{
	static const struct {
		const char *socket;
		unsigned mode;
		const char *group;
		enum listener_status status;
		const char *text; /* a part of it; "" = none at all */
	} cases[] = {
		{ "unix:/run/x.sock", 0660, "", LISTENER_OK, "" },
		{ "unix:/run/x.sock", 0600, NULL, LISTENER_OK, "" },
		{ "inet:8891@127.0.0.1", 0660, "", LISTENER_OK, "" },
		{ "inet:1@localhost", 0660, "", LISTENER_OK, "" },
		{ "inet6:65535@[::1]", 0660, "", LISTENER_OK, "" },
		{ "inet:8891", 0660, "", LISTENER_OK, "every address" },
		{ "inet:8891@0.0.0.0", 0660, "", LISTENER_OK, "every address" },
		{ "inet6:8891@[::]", 0660, "", LISTENER_OK, "every address" },
		{ "", 0660, "", LISTENER_MALFORMED, "not a socket" },
		{ "/run/x.sock", 0660, "", LISTENER_MALFORMED, "not a socket" },
		{ "unix:", 0660, "", LISTENER_MALFORMED, "not a socket" },
		{ "unix:/", 0660, "", LISTENER_MALFORMED, "not a socket" },
		{ "unix:x.sock", 0660, "", LISTENER_MALFORMED, "not a socket" },
		{ "tcp:8891@127.0.0.1", 0660, "", LISTENER_MALFORMED, "not a socket" },
		{ "inet:", 0660, "", LISTENER_MALFORMED, "not a socket" },
		{ "inet:0@127.0.0.1", 0660, "", LISTENER_MALFORMED, "not a socket" },
		{ "inet:65536@127.0.0.1", 0660, "", LISTENER_MALFORMED, "not a socket" },
		{ "inet:88x@127.0.0.1", 0660, "", LISTENER_MALFORMED, "not a socket" },
		{ "inet:8891@0", 0660, "", LISTENER_MALFORMED, "not a socket" },
		{ "inet:8891@127.1", 0660, "", LISTENER_MALFORMED, "not a socket" },
		{ "inet:8891@0x7f000001", 0660, "", LISTENER_MALFORMED, "not a socket" },
		{ "inet:8891@010.0.0.1", 0660, "", LISTENER_MALFORMED, "not a socket" },
		{ "inet:smtp@127.0.0.1", 0660, "", LISTENER_MALFORMED, "not a socket" },
		{ "inet:8891@", 0660, "", LISTENER_MALFORMED, "not a socket" },
		{ "inet:@127.0.0.1", 0660, "", LISTENER_MALFORMED, "not a socket" },
		{ "unix:/run/x.sock", 0666, "", LISTENER_MALFORMED, "everybody" },
		{ "unix:/run/x.sock", 0662, "", LISTENER_MALFORMED, "everybody" },
		{ "unix:/run/x.sock", 01660, "", LISTENER_MALFORMED, "no permissions" },
		{ "unix:/run/x.sock", 0660, "no-such-group", LISTENER_MALFORMED, "no group" },
		{ "unix:/"
		  "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
		  "0123456789",
		  0660, "", LISTENER_MALFORMED, "not a socket" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct listener_options options = { cases[i].socket, cases[i].mode, cases[i].group, NULL };
		char text[LISTENER_TEXT_SIZE];
		const char *option;
		enum listener_status status = listener_check(&options, text, &option);
		ok(status == cases[i].status && (cases[i].text[0] ? strstr(text, cases[i].text) != NULL : text[0] == '\0'),
		   "check \"%s\" mode %o: %d \"%s\"", cases[i].socket, cases[i].mode, (int)status, text);
	}
}

/* Open in this process, which was forked for it. */
static enum listener_status open_here(const char *socket, unsigned mode, const char *group, int *fd_r, char *text)
{
	struct listener_options options = { socket, mode, group, NULL };
	return listener_open(&options, fd_r, text);
}

/* The status of an opening in another process. */
static int open_there(const char *socket, unsigned mode)
{
	int status = 0;
	pid_t pid = fork();
	if (pid == 0) {
		char text[LISTENER_TEXT_SIZE];
		int fd;
		_exit((int)open_here(socket, mode, "", &fd, text));
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The same as a user who may do little. */
static int open_as_nobody(const char *socket, const char *group)
{
	int status = 0;
	pid_t pid = fork();
	if (pid == 0) {
		char text[LISTENER_TEXT_SIZE];
		int fd;
		if (geteuid() == 0 && (setgroups(0, NULL) != 0 || setgid(65534) != 0 || setuid(65534) != 0))
			_exit(99);
		_exit((int)open_here(socket, 0660, group, &fd, text));
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool is_on(int fd, int level, int option)
{
	int on = 0;
	socklen_t length = sizeof on;
	return getsockopt(fd, level, option, &on, &length) == 0 && on != 0;
}

static bool nodelay(int fd)
{
	return is_on(fd, IPPROTO_TCP, TCP_NODELAY);
}

/* A port of 127.0.0.1 nobody listens on; the socket that finds it out is closed again. */
static unsigned free_port(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0
	    || getsockname(fd, (struct sockaddr *)&address, &length) != 0)
		return 0;
	close(fd);
	return ntohs(address.sin_port);
}

/* What the child found out, as bits. */
#define OPENED 1
#define LISTENS 2
#define LISTENER_NODELAY 4
#define ACCEPTED_NODELAY 8
#define WAITS_FOR_NOBODY 16
#define ACCEPTED_KEEPALIVE 32

static int probe_inet(unsigned port)
{
	char socket_name[64];
	char text[LISTENER_TEXT_SIZE];
	int found = 0;
	int fd = -1;
	snprintf(socket_name, sizeof socket_name, "inet:%u@127.0.0.1", port);
	if (open_here(socket_name, 0660, "", &fd, text) != LISTENER_OK || text[0] != '\0')
		return found;
	found |= OPENED | (is_on(fd, SOL_SOCKET, SO_ACCEPTCONN) ? LISTENS : 0) | (nodelay(fd) ? LISTENER_NODELAY : 0);
	found |= accept(fd, NULL, NULL) < 0 && errno == EAGAIN ? WAITS_FOR_NOBODY : 0;
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	address.sin_port = htons((uint16_t)port);
	int client = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(client, (struct sockaddr *)&address, sizeof address) != 0)
		return found;
	int accepted = accept(fd, NULL, NULL);
	found |= accepted >= 0 && nodelay(accepted) ? ACCEPTED_NODELAY : 0;
	return found | (accepted >= 0 && is_on(accepted, SOL_SOCKET, SO_KEEPALIVE) ? ACCEPTED_KEEPALIVE : 0);
}

static void test_inet(void)
{
	unsigned port = free_port();
	int status = 0;
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0)
		_exit(probe_inet(port));
	waitpid(pid, &status, 0);
	int found = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
	ok(found & OPENED, "inet: opened");
	ok(found & LISTENS, "inet: listens");
	ok(found & WAITS_FOR_NOBODY, "inet: does not block");
	ok(found & LISTENER_NODELAY, "inet: TCP_NODELAY on the listening socket");
	ok(found & ACCEPTED_NODELAY, "inet: TCP_NODELAY on an accepted connection");
	ok(found & ACCEPTED_KEEPALIVE, "inet: SO_KEEPALIVE on an accepted connection");

	char name[64];
	snprintf(name, sizeof name, "inet:%u@127.0.0.1", port);
	int taken = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	address.sin_port = htons((uint16_t)port);
	int reuse = 1;
	setsockopt(taken, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse);
	bool listens = bind(taken, (struct sockaddr *)&address, sizeof address) == 0 && listen(taken, 1) == 0;
	fflush(stdout);
	int answer = open_there(name, 0660);
	ok(listens && answer == LISTENER_BUSY, "inet: a taken port is refused (%d)", answer);
	char text[LISTENER_TEXT_SIZE];
	int fd;
	ok(open_here("inet:1@192.0.2.1", 0660, "", &fd, text) == LISTENER_FAILED && strstr(text, "address of this machine"),
	   "inet: another machine's address is refused: %s", text);
	close(taken);
}

static int bind_unix(const char *path, bool listening)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	memcpy(address.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || (listening && listen(fd, 4) != 0)) {
		close(fd);
		return -1;
	}
	return fd;
}

static unsigned mode_of(const char *path)
{
	struct stat status;
	return lstat(path, &status) == 0 && S_ISSOCK(status.st_mode) ? status.st_mode & 07777U : 0;
}

static void test_unix(void)
{
	char folder[] = "/tmp/unit_listener.XXXXXX";
	if (!mkdtemp(folder)) {
		ok(false, "a folder can be made");
		return;
	}
	char path[64];
	char name[80];
	snprintf(path, sizeof path, "%s/s", folder);
	snprintf(name, sizeof name, "unix:%s", path);
	fflush(stdout);

	ok(open_there(name, 0640) == LISTENER_OK, "unix: opened");
	ok(mode_of(path) == 0640, "unix: mode %o", mode_of(path));
	fflush(stdout);
	ok(open_there(name, 0600) == LISTENER_OK && mode_of(path) == 0600, "unix: a dead socket is replaced");

	listener_remove(name);
	ok(access(path, F_OK) != 0, "unix: removed at the end");
	int dead = bind_unix(path, false);
	ok(dead >= 0 && open_there(name, 0660) == LISTENER_OK, "unix: one that nobody listens on is dead");
	close(dead);
	listener_remove(name);

	/* A group that the process may not give the socket to. */
	chmod(folder, 0777);
	int answer = open_as_nobody(name, "root");
	ok(answer == LISTENER_FAILED && access(path, F_OK) != 0, "unix: one that cannot be given away is removed (%d)",
	   answer);

	int living = bind_unix(path, true);
	fflush(stdout);
	ok(living >= 0 && open_there(name, 0660) == LISTENER_BUSY, "unix: one that somebody listens on is left alone");
	listener_remove(name);
	ok(access(path, F_OK) == 0, "unix: and not removed");
	close(living);
	unlink(path);

	FILE *file = fopen(path, "w");
	if (file)
		fclose(file);
	fflush(stdout);
	ok(open_there(name, 0660) == LISTENER_FAILED && access(path, F_OK) == 0, "unix: a file is not removed");
	unlink(path);
	rmdir(folder);
	char text[LISTENER_TEXT_SIZE];
	int fd;
	ok(open_here(name, 0660, "", &fd, text) == LISTENER_FAILED && strstr(text, "create its folder"),
	   "unix: a folder that is not there: %s", text);
}

int main(void)
{
	test_check();
	test_inet();
	test_unix();
	return done_testing();
}
