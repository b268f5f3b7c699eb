/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/machine.h"

#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/privileges.h"

#define GROUPS_MAX 256

/* Somebody who wants to reach a socket. */
struct visitor {
	uid_t uid;
	gid_t groups[GROUPS_MAX];
	int group_count;
};

static const char *text_of(struct span span)
{
	return span.at ? span.at : "";
}

void machine_listener(const struct settings *settings, const char *socket, struct listener_options *options_r)
{
	options_r->socket = socket ? socket : text_of(settings->socket);
	options_r->mode = settings->socket_mode;
	options_r->group = text_of(settings->socket_group);
	options_r->peril = NULL;
}

bool machine_metrics_listener(const struct settings *settings, struct listener_options *options_r)
{
	options_r->socket = text_of(settings->metrics.listen);
	options_r->mode = settings->socket_mode;
	options_r->group = text_of(settings->socket_group);
	options_r->peril = "read what is counted";
	return settings->metrics.listen.length != 0;
}

static const char *place_of(const struct settings *settings, const char *socket, const char *option)
{
	if (strcmp(option, "socket_mode") == 0)
		return text_of(settings->places.socket_mode);
	if (strcmp(option, "socket_group") == 0)
		return text_of(settings->places.socket_group);
	return socket ? "-p" : text_of(settings->places.socket);
}

static void check_user(const struct settings *settings, bool here, struct problems *problems)
{
	struct privileges privileges;
	char text[PRIVILEGES_TEXT_SIZE];
	bool good = privileges_find(text_of(settings->user), &privileges, text);
	if (!good)
		problems_add(problems, PROBLEM_ERROR, "%s: %s", text_of(settings->places.user), text);
	else if (here && text[0] != '\0')
		problems_add(problems, PROBLEM_WARNING, "%s: %s", text_of(settings->places.user), text);
}

static bool find_visitor(const char *name, struct visitor *visitor_r)
{
	const struct passwd *entry = getpwnam(name);
	if (!entry)
		return false;
	visitor_r->uid = entry->pw_uid;
	visitor_r->group_count = GROUPS_MAX;
	/* Of one with more groups than that not all are known, and none is to be complained of. */
	return getgrouplist(name, entry->pw_gid, visitor_r->groups, &visitor_r->group_count) >= 0;
}

static bool is_member(const struct visitor *visitor, gid_t group)
{
	for (int i = 0; i < visitor->group_count; i++)
		if (visitor->groups[i] == group)
			return true;
	return false;
}

/* bit: S_IXOTH or S_IWOTH. Of owner, group and others the first that fits counts, as in the kernel. */
static bool may(const struct visitor *visitor, uid_t owner, gid_t group, mode_t mode, mode_t bit)
{
	if (visitor->uid == 0)
		return true;
	if (visitor->uid == owner)
		return (mode & (bit << 6)) != 0;
	if (is_member(visitor, group))
		return (mode & (bit << 3)) != 0;
	return (mode & bit) != 0;
}

static const char *group_name(gid_t group, char *to, size_t size)
{
	const struct group *entry = getgrgid(group);
	if (entry)
		snprintf(to, size, "%s", entry->gr_name);
	else
		snprintf(to, size, "number %lu", (unsigned long)group);
	return to;
}

/* The folders on the way; those that are not there yet are made by whoever starts the filter. */
static void check_folders(const char *path, const char *place, const struct visitor *visitor, struct problems *problems)
{
	char folder[PATH_MAX];
	for (size_t i = 1; path[i] != '\0' && i < sizeof folder; i++) {
		struct stat status;
		if (path[i] != '/')
			continue;
		memcpy(folder, path, i);
		folder[i] = '\0';
		if (stat(folder, &status) != 0)
			return;
		if (!may(visitor, status.st_uid, status.st_gid, status.st_mode, S_IXOTH)) {
			char name[64];
			problems_add(
				problems, PROBLEM_WARNING,
				"%s: socket: the MTA's user %s may not enter %s (mode %04o, group %s), and so cannot reach the socket; "
				"give the folder to a group that user is in, with mode 0750",
				place, MACHINE_MTA_USER, folder, (unsigned)(status.st_mode & 07777),
				group_name(status.st_gid, name, sizeof name));
			return;
		}
	}
}

/* The group a new socket gets without socket_group. */
static gid_t group_as_it_comes(const char *path, gid_t starter)
{
	char copy[PATH_MAX];
	struct stat status;
	snprintf(copy, sizeof copy, "%s", path);
	return stat(dirname(copy), &status) == 0 && (status.st_mode & S_ISGID) ? status.st_gid : starter;
}

static void check_reach(const struct settings *settings, const struct listener_options *options, const char *place,
                        bool here, struct problems *problems)
{
	const char *path = options->socket + strlen("unix:");
	bool root = !here || geteuid() == 0;
	uid_t owner = root ? 0 : geteuid();
	const struct group *entry = options->group[0] != '\0' ? getgrnam(options->group) : NULL;
	gid_t group = entry ? entry->gr_gid : group_as_it_comes(path, root ? 0 : getegid());
	struct visitor visitor;
	char name[64];
	bool known = find_visitor(MACHINE_MTA_USER, &visitor);

	group_name(group, name, sizeof name);
	if (!entry && root && group == 0)
		problems_add(
			problems, PROBLEM_WARNING,
			"%s: socket_group: is empty, which leaves the socket to root: an MTA that connects as another user cannot "
			"reach it; name a group that user is in, as in socket_group: postfix",
			text_of(settings->places.socket_group));
	else if (known && !may(&visitor, owner, group, options->mode, S_IWOTH) && is_member(&visitor, group))
		problems_add(
			problems, PROBLEM_WARNING,
			"%s: socket_mode: %04o does not let the group %s write, and the MTA's user %s cannot reach the socket; use 0660",
			text_of(settings->places.socket_mode), options->mode, name, MACHINE_MTA_USER);
	else if (known && !may(&visitor, owner, group, options->mode, S_IWOTH))
		problems_add(
			problems, PROBLEM_WARNING,
			"%s: socket_group: the MTA's user %s is not in the group %s, and cannot reach the socket; make it a member "
			"(usermod -aG %s %s) and restart the MTA, or name another group",
			text_of(settings->places.socket_group), MACHINE_MTA_USER, name, name, MACHINE_MTA_USER);
	if (known)
		check_folders(path, place, &visitor, problems);
}

/* Of an address that is named, whether others than this machine may reach it. */
static bool is_wide(const char *socket)
{
	struct span name = span_of(socket);
	size_t at = span_find(name, 0, '@');
	struct span host = span_slice(name, at < name.length ? at + 1 : at, name.length);
	struct address address;
	if (strncmp(socket, "unix:", strlen("unix:")) == 0 || span_equal_nocase(host, span_of("localhost")))
		return false;
	if (host.length > 2 && host.at[0] == '[')
		host = span_slice(host, 1, host.length - 1);
	return !address_parse(host, &address) || !address_is_loopback(&address);
}

static void check_metrics(const struct settings *settings, struct problems *problems)
{
	struct listener_options options;
	char text[LISTENER_TEXT_SIZE];
	const char *option;
	const char *place = text_of(settings->places.listen);
	if (!machine_metrics_listener(settings, &options))
		return;
	/* What is wrong with socket_mode and socket_group is told of the socket that they are for. */
	enum listener_status status = listener_check(&options, text, &option);
	if (status == LISTENER_MALFORMED && strcmp(option, "socket") == 0)
		problems_add(problems, PROBLEM_ERROR, "%s: metrics.listen: %s", place, text);
	else if (strcmp(options.socket, text_of(settings->socket)) == 0)
		problems_add(problems, PROBLEM_ERROR, "%s: metrics.listen: is what socket is; name another", place);
	else if (is_wide(options.socket))
		problems_add(
			problems, PROBLEM_WARNING,
			"%s: metrics.listen: others than this machine may reach %s, where nobody is asked for a password; name "
			"127.0.0.1 or a unix socket, or keep all but your Prometheus out with a firewall",
			place, options.socket);
}

void machine_check(const struct settings *settings, const char *socket, bool here, struct problems *problems)
{
	struct listener_options options;
	char text[LISTENER_TEXT_SIZE];
	const char *option;

	check_user(settings, here, problems);
#ifndef HAVE_HIREDIS
	if (settings->limits.store.length != 0)
		problems_add(
			problems, PROBLEM_ERROR,
			"%s: limits.store: this program was built without hiredis and can use no store; remove it, or build with hiredis",
			text_of(settings->places.store));
#endif
	machine_listener(settings, socket, &options);
	enum listener_status status = listener_check(&options, text, &option);
	const char *place = place_of(settings, socket, option);
	if (text[0] != '\0')
		problems_add(problems, status == LISTENER_OK ? PROBLEM_WARNING : PROBLEM_ERROR, "%s: %s", place, text);
	if (status == LISTENER_OK && strncmp(options.socket, "unix:", strlen("unix:")) == 0)
		check_reach(settings, &options, place_of(settings, socket, "socket"), here, problems);
	check_metrics(settings, problems);
}
