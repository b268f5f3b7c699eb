/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool privileges_find(const char *user, struct privileges *privileges_r, char text_r[PRIVILEGES_TEXT_SIZE])
{
	memset(privileges_r, 0, sizeof *privileges_r);
	text_r[0] = '\0';
	const struct passwd *entry = getpwnam(user);
	if (!entry || strlen(user) >= sizeof privileges_r->user) {
		snprintf(text_r, PRIVILEGES_TEXT_SIZE,
		         "user: there is no user \"%s\"; create it (useradd --system --no-create-home) "
		         "or name another",
		         user);
		return false;
	}
	privileges_r->uid = entry->pw_uid;
	privileges_r->gid = entry->pw_gid;
	snprintf(privileges_r->user, sizeof privileges_r->user, "%s", user);
	privileges_r->change = geteuid() == 0 && entry->pw_uid != 0;
	if (geteuid() != 0 && geteuid() != entry->pw_uid)
		snprintf(text_r, PRIVILEGES_TEXT_SIZE,
		         "not started as root: the filter runs as user number %lu, not as the configured %s",
		         (unsigned long)geteuid(), privileges_r->user);
	return true;
}

bool privileges_drop(const struct privileges *privileges, char text_r[PRIVILEGES_TEXT_SIZE])
{
	if (!privileges->change)
		return true;
	const char *step = "initgroups";
	if (initgroups(privileges->user, privileges->gid) == 0) {
		step = "setgid";
		if (setgid(privileges->gid) == 0) {
			step = "setuid";
			if (setuid(privileges->uid) == 0) {
				step = "giving up root for good";
				errno = EPERM;
				/* If root can be had back, nothing was given up. */
				if (setuid(0) != 0 && geteuid() == privileges->uid && getegid() == privileges->gid)
					return true;
			}
		}
	}
	snprintf(text_r, PRIVILEGES_TEXT_SIZE,
	         "cannot become user %s: %s: %s; start as root with the right to change the user (systemd: no User=)",
	         privileges->user, step, strerror(errno));
	return false;
}
