/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <netdb.h>
#include <pwd.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/inquiry.h"
#include "mta/protocol.h"

#define SECONDS 2

/* What the child tells. */
struct report {
	enum reach reach;
	int error;
};

/* Where to connect; looked up before the child may be in another root. */
struct target {
	struct sockaddr_storage address;
	socklen_t length;
	int family;
};

static bool copy_text(struct span text, char *to, size_t size)
{
	if (text.length >= size || memchr(text.at ? text.at : "", '\0', text.length))
		return false;
	memcpy(to, text.at ? text.at : "", text.length);
	to[text.length] = '\0';
	return true;
}

static bool unix_target(struct span path, struct target *target_r)
{
	struct sockaddr_un *address = (struct sockaddr_un *)&target_r->address;
	address->sun_family = AF_UNIX;
	target_r->family = AF_UNIX;
	target_r->length = sizeof *address;
	return copy_text(path, address->sun_path, sizeof address->sun_path);
}

/* "HOST:PORT" or "[HOST]:PORT" */
static bool inet_target(struct span place, struct target *target_r)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found = NULL;
	char host[256], port[32];
	size_t colon = span_last(place, ':');
	struct span name = span_slice(place, 0, colon);
	if (name.length >= 2 && name.at[0] == '[')
		name = span_slice(name, 1, name.length - 1);
	if (!copy_text(name, host, sizeof host) || !copy_text(span_slice(place, colon + 1, place.length), port, sizeof port)
	    || getaddrinfo(host, port, &hints, &found) != 0)
		return false;
	memcpy(&target_r->address, found->ai_addr, found->ai_addrlen);
	target_r->length = found->ai_addrlen;
	target_r->family = found->ai_family;
	freeaddrinfo(found);
	return true;
}

static bool find_target(struct span address, struct target *target_r)
{
	size_t colon = span_find(address, 0, ':');
	struct span kind = span_slice(address, 0, colon);
	struct span rest = span_slice(address, colon + 1, address.length);
	*target_r = (struct target) { .length = 0 };
	if (span_equal_nocase(kind, span_of("unix")) || span_equal_nocase(kind, span_of("local")))
		return unix_target(rest, target_r);
	return inet_target(rest, target_r);
}

/* As Postfix's chroot_uid() does: groups while they can be looked up, then the root, then the user. */
static enum reach become(const struct visit *visit)
{
	char user[256], folder[PATH_MAX];
	const struct passwd *entry = NULL;
	if (!copy_text(visit->user, user, sizeof user) || !copy_text(visit->folder, folder, sizeof folder))
		return REACH_NO_USER;
	if (user[0] != '\0') {
		entry = getpwnam(user);
		if (!entry || setgid(entry->pw_gid) != 0 || initgroups(user, entry->pw_gid) != 0)
			return REACH_NO_USER;
	}
	if (visit->chrooted && chroot(folder) != 0)
		return REACH_NO_CHROOT;
	if (chdir(visit->chrooted ? "/" : folder) != 0)
		return REACH_NO_CHROOT;
	if (entry && setuid(entry->pw_uid) != 0)
		return REACH_NO_USER;
	return REACH_GOOD;
}

static bool send_all(int fd, const struct buffer *out)
{
	struct span bytes = buffer_content(out);
	return !out->failed && send(fd, bytes.at, bytes.length, MSG_NOSIGNAL) == (ssize_t)bytes.length;
}

/* Await the answer to the offer; both have the same form. */
static bool await_agreement(int fd)
{
	char bytes[4096];
	size_t length = 0, size;
	struct packet packet;
	const char *fault;
	for (;;) {
		switch (protocol_read(span_make(bytes, length), &packet, &size, &fault)) {
		case PACKET_WHOLE:
			return packet.letter == SMFIC_OPTNEG;
		case PACKET_UNSOUND:
			return false;
		case PACKET_PARTIAL:
			break;
		}
		ssize_t got = length < sizeof bytes ? recv(fd, bytes + length, sizeof bytes - length, 0) : 0;
		if (got <= 0)
			return false;
		length += (size_t)got;
	}
}

/* Offer what Postfix and Sendmail offer, await the answer, and take leave. */
static enum reach agree(int fd)
{
	static const struct offer offer = { SMFI_PROT_VERSION, SMFI_CURR_ACTS, SMFI_CURR_PROT };
	struct buffer out = { .bytes = NULL };
	protocol_write_agreement(&out, &offer, NULL, 0);
	bool good = send_all(fd, &out) && await_agreement(fd);
	buffer_clear(&out);
	protocol_write(&out, SMFIC_QUIT);
	if (good)
		send_all(fd, &out);
	buffer_clear(&out);
	return good ? REACH_GOOD : REACH_NO_MILTER;
}

static struct report try_it(const struct visit *visit)
{
	struct target target;
	bool found = find_target(visit->address, &target);
	struct report report = { .reach = become(visit) };
	if (report.reach != REACH_GOOD)
		return report;
	int fd = found ? socket(target.family, SOCK_STREAM, 0) : -1;
	if (!found)
		errno = EADDRNOTAVAIL;
	if (fd < 0 || connect(fd, (const struct sockaddr *)&target.address, target.length) != 0)
		return (struct report) { REACH_REFUSED, errno };
	report.reach = agree(fd);
	close(fd);
	return report;
}

static _Noreturn void be_child(int pipe, const struct visit *visit)
{
	signal(SIGALRM, SIG_DFL);
	alarm(SECONDS);
	struct report report = try_it(visit);
	_exit(write(pipe, &report, sizeof report) == (ssize_t)sizeof report ? EXIT_SUCCESS : EXIT_FAILURE);
}

enum reach inquiry_reach(const struct visit *visit, int *error_r)
{
	struct report report = { .reach = REACH_LATE };
	int ends[2];
	if (geteuid() != 0)
		return REACH_UNTRIED;
	if (pipe(ends) != 0)
		return REACH_UNTRIED;
	fflush(NULL);
	pid_t child = fork();
	if (child == 0)
		be_child(ends[1], visit);
	close(ends[1]);
	bool told = child > 0 && read(ends[0], &report, sizeof report) == (ssize_t)sizeof report;
	close(ends[0]);
	while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
		continue;
	if (child < 0)
		return REACH_UNTRIED;
	*error_r = report.error;
	return told ? report.reach : REACH_LATE;
}
