/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "mta/listener.h"

#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/socket_name.h"
#include "core/network.h"

#define BACKLOG 4096 /* connections of an MTA come in bursts; the system may have a limit of its own */

struct listener_name {
	enum socket_kind kind;
	const char *path; /* unix */
	bool has_host;    /* inet: an address other than "every" is named */
	char host[256];   /* inet: without the brackets of an IPv6 address */
	char port[8];
};

static enum listener_status say(char text_r[LISTENER_TEXT_SIZE], enum listener_status status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static enum listener_status say(char text_r[LISTENER_TEXT_SIZE], enum listener_status status, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text_r, LISTENER_TEXT_SIZE, format, arguments);
	va_end(arguments);
	return status;
}

static bool names_every_address(struct span host)
{
	static const struct span every[] = { SPAN_LITERAL("0.0.0.0"), SPAN_LITERAL("[0.0.0.0]"), SPAN_LITERAL("::"),
		                                 SPAN_LITERAL("[::]") };
	for (size_t i = 0; i < sizeof every / sizeof every[0]; i++)
		if (span_equal(host, every[i]))
			return true;
	return false;
}

static bool read_name(const char *socket, struct listener_name *name_r)
{
	struct socket_name name = socket_name_read(span_of(socket));
	memset(name_r, 0, sizeof *name_r);
	name_r->kind = name.kind;
	if (name.kind == SOCKET_NONE)
		return false;
	if (name.kind == SOCKET_UNIX) {
		name_r->path = name.path.at;
		return name_r->path[0] == '/' && name_r->path[1] != '\0'
		       && strlen(name_r->path) < sizeof((struct sockaddr_un *)0)->sun_path;
	}
	struct span host = name.host;
	if (name.port_number == 0 || (name.has_host && host.length == 0))
		return false;
	name_r->has_host = host.length != 0 && !names_every_address(host);
	host = socket_name_bare(host);
	struct address address;
	if (host.length >= sizeof name_r->host || (address_resembles(host) && !address_parse(host, &address)))
		return false;
	snprintf(name_r->host, sizeof name_r->host, "%.*s", (int)host.length, host.at ? host.at : "");
	snprintf(name_r->port, sizeof name_r->port, "%hu", (unsigned short)name.port_number);
	return true;
}

enum listener_status listener_check(const struct listener_options *options, char text_r[LISTENER_TEXT_SIZE],
                                    const char **option_r)
{
	text_r[0] = '\0';
	*option_r = "socket";
	const char *peril = options->peril ? options->peril : "pose as the MTA";
	struct listener_name name;
	if (!read_name(options->socket, &name))
		return say(text_r, LISTENER_MALFORMED,
		           "\"%s\" is not a socket; write unix:/PATH (at most %zu bytes), inet:PORT@HOST or inet6:PORT@HOST",
		           options->socket, sizeof((struct sockaddr_un *)0)->sun_path - 1);
	if (name.kind != SOCKET_UNIX) {
		if (!name.has_host)
			say(text_r, LISTENER_OK,
			    "%s listens on every address: whoever reaches it can %s; "
			    "name 127.0.0.1 as HOST, or keep others out with a firewall",
			    options->socket, peril);
		return LISTENER_OK;
	}
	*option_r = "socket_mode";
	if (options->mode & ~0777U)
		return say(text_r, LISTENER_MALFORMED, "socket_mode %o has bits that are no permissions; use 0660",
		           options->mode);
	if (options->mode & 0002)
		return say(text_r, LISTENER_MALFORMED,
		           "socket_mode %04o lets everybody on this machine %s; "
		           "use 0660 and socket_group",
		           options->mode, peril);
	*option_r = "socket_group";
	if (options->group && options->group[0] != '\0' && !getgrnam(options->group))
		return say(text_r, LISTENER_MALFORMED,
		           "socket_group: there is no group \"%s\"; create it (groupadd --system %s) or name "
		           "another",
		           options->group, options->group);
	return LISTENER_OK;
}

/* What to do about an error of the system, as the end of a sentence. */
static const char *remedy(int error)
{
	switch (error) {
	case EADDRINUSE:
		return "; end what listens there, or name another";
	case ENOENT:
		return "; create its folder (systemd: RuntimeDirectory)";
	case ENOTDIR:
		return "; name a path below a folder";
	case EACCES:
	case EPERM:
		return "; start as root, or name a socket that this user may open";
	case EROFS:
		return "; name a folder that can be written to (systemd: ReadWritePaths)";
	case ENOSPC:
	case EDQUOT:
		return "; make room on that file system";
	case EMFILE:
	case ENFILE:
		return "; raise the limit of open files (systemd: LimitNOFILE)";
	case EADDRNOTAVAIL:
		return "; name an address of this machine";
	case EAFNOSUPPORT:
		return "; name an address of a family that this machine has";
	default:
		return "; correct socket, or what is in its way";
	}
}

/* Whether somebody answers on the socket at path; unsure counts as yes. */
static bool answered(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t length = strlen(path);
	if (length >= sizeof address.sun_path)
		return true;
	memcpy(address.sun_path, path, length + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return true;
	bool refused =
		connect(fd, (struct sockaddr *)&address, sizeof address) != 0 && (errno == ECONNREFUSED || errno == ENOENT);
	close(fd);
	return !refused;
}

static enum listener_status make_room(const char *path, char text_r[LISTENER_TEXT_SIZE])
{
	struct stat status;
	if (lstat(path, &status) != 0)
		return errno == ENOENT ? LISTENER_OK
		                       : say(text_r, LISTENER_FAILED, "%s: %s%s", path, strerror(errno), remedy(errno));
	if (!S_ISSOCK(status.st_mode))
		return say(text_r, LISTENER_FAILED, "%s exists and is not a socket; remove it or name another path", path);
	if (answered(path))
		return say(text_r, LISTENER_BUSY,
		           "%s: somebody listens there already; if that is the filter, stop it first, else "
		           "name another socket",
		           path);
	if (unlink(path) != 0)
		return say(text_r, LISTENER_FAILED, "%s: the dead socket cannot be removed: %s%s", path, strerror(errno),
		           remedy(errno));
	return LISTENER_OK;
}

static enum listener_status set_access(const char *path, const struct listener_options *options,
                                       char text_r[LISTENER_TEXT_SIZE])
{
	if (options->group && options->group[0] != '\0') {
		const struct group *group = getgrnam(options->group);
		if (!group)
			return say(text_r, LISTENER_MALFORMED, "socket_group: there is no group \"%s\"; create it or name another",
			           options->group);
		if (lchown(path, (uid_t)-1, group->gr_gid) != 0)
			return say(text_r, LISTENER_FAILED,
			           "%s cannot be given to group %s: %s; start as root, or as a member of it", path, options->group,
			           strerror(errno));
	}
	if (chmod(path, (mode_t)options->mode) != 0)
		return say(text_r, LISTENER_FAILED, "%s cannot be given mode %04o: %s%s", path, options->mode, strerror(errno),
		           remedy(errno));
	return LISTENER_OK;
}

/* What became of a system call on the socket, which is closed when it failed. */
static enum listener_status failed(const char *socket, int fd, char text_r[LISTENER_TEXT_SIZE])
{
	int error = errno;
	if (fd >= 0)
		close(fd);
	return say(text_r, error == EADDRINUSE ? LISTENER_BUSY : LISTENER_FAILED, "%s: cannot listen there: %s%s", socket,
	           strerror(error), remedy(error));
}

static enum listener_status open_unix(const char *path, const struct listener_options *options, int *fd_r,
                                      char text_r[LISTENER_TEXT_SIZE])
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	memcpy(address.sun_path, path, strlen(path) + 1);
	enum listener_status status = make_room(path, text_r);
	if (status != LISTENER_OK)
		return status;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t before = umask(0177);
	bool bound = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
	umask(before);
	if (!bound)
		return failed(options->socket, fd, text_r);
	if (listen(fd, BACKLOG) != 0) {
		status = failed(options->socket, fd, text_r);
		unlink(path);
		return status;
	}
	status = set_access(path, options, text_r);
	if (status == LISTENER_OK) {
		*fd_r = fd;
	} else {
		close(fd);
		unlink(path);
	}
	return status;
}

static enum listener_status listen_at(const struct addrinfo *place, const char *socket_name, int *fd_r,
                                      char text_r[LISTENER_TEXT_SIZE])
{
	const int on = 1;
	int fd = socket(place->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0
	    || setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on) != 0
	    || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0
	    || bind(fd, place->ai_addr, place->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0)
		return failed(socket_name, fd, text_r);
	*fd_r = fd;
	return LISTENER_OK;
}

static enum listener_status open_inet(const struct listener_name *name, const char *socket_name, int *fd_r,
                                      char text_r[LISTENER_TEXT_SIZE])
{
	const struct addrinfo hints = { .ai_family = name->kind == SOCKET_INET ? AF_INET : AF_INET6,
		                            .ai_socktype = SOCK_STREAM,
		                            .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	struct addrinfo *places;
	int error = getaddrinfo(name->has_host ? name->host : NULL, name->port, &hints, &places);
	if (error != 0)
		return say(text_r, LISTENER_FAILED, "%s: cannot listen there: %s; name an address of this machine", socket_name,
		           error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error));
	enum listener_status status = listen_at(places, socket_name, fd_r, text_r);
	freeaddrinfo(places);
	return status;
}

enum listener_status listener_open(const struct listener_options *options, int *fd_r, char text_r[LISTENER_TEXT_SIZE])
{
	const char *option;
	enum listener_status status = listener_check(options, text_r, &option);
	struct listener_name name;
	if (status != LISTENER_OK || !read_name(options->socket, &name))
		return status;
	if (name.kind == SOCKET_UNIX)
		return open_unix(name.path, options, fd_r, text_r);
	return open_inet(&name, options->socket, fd_r, text_r);
}

static int connect_to(const struct sockaddr *address, socklen_t length, unsigned seconds)
{
	const struct timeval patience = { .tv_sec = (time_t)seconds };
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* It bounds connect(2), too (socket(7)). */
	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0
	    && connect(fd, address, length) == 0)
		return fd;
	int error = errno;
	if (fd >= 0)
		close(fd);
	errno = error;
	return -1;
}

int listener_connect(const char *socket, unsigned seconds, char text_r[LISTENER_TEXT_SIZE])
{
	struct listener_name name;
	struct addrinfo *places;
	text_r[0] = '\0';
	if (!read_name(socket, &name)) {
		say(text_r, LISTENER_MALFORMED, "this is not a socket");
		return -1;
	}
	if (name.kind == SOCKET_UNIX) {
		struct sockaddr_un address = { .sun_family = AF_UNIX };
		memcpy(address.sun_path, name.path, strlen(name.path) + 1);
		return connect_to((struct sockaddr *)&address, sizeof address, seconds);
	}
	/* Without AI_PASSIVE and a host this machine is meant. */
	const struct addrinfo hints = { .ai_family = name.kind == SOCKET_INET ? AF_INET : AF_INET6,
		                            .ai_socktype = SOCK_STREAM,
		                            .ai_flags = AI_NUMERICSERV };
	int error = getaddrinfo(name.has_host ? name.host : NULL, name.port, &hints, &places);
	if (error != 0) {
		say(text_r, LISTENER_FAILED, "%s", error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error));
		return -1;
	}
	int fd = connect_to(places->ai_addr, places->ai_addrlen, seconds);
	error = errno;
	freeaddrinfo(places);
	errno = error;
	return fd;
}

void listener_remove(const char *socket)
{
	struct listener_name name;
	struct stat status;
	if (!read_name(socket, &name) || name.kind != SOCKET_UNIX)
		return;
	if (lstat(name.path, &status) == 0 && S_ISSOCK(status.st_mode) && !answered(name.path))
		unlink(name.path);
}
