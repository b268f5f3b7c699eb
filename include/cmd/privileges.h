/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * privileges: the user as which the filter runs.
 */
#ifndef SFDC_CMD_PRIVILEGES_H
#define SFDC_CMD_PRIVILEGES_H

#include <stdbool.h>
#include <sys/types.h>

#define PRIVILEGES_TEXT_SIZE 256

struct privileges {
	bool change; /* whether there is anything to give up */
	uid_t uid;
	gid_t gid;
	char user[64];
};

/*
 * Find out what is to become of this process. False: there is no such user; text_r says so. True: text_r is a warning,
 * or empty. Who is not root stays who he is.
 */
bool privileges_find(const char *user, struct privileges *privileges_r, char text_r[PRIVILEGES_TEXT_SIZE]);

/* Become that user, for good. False: the system refused it; text_r says why. Before any thread exists. */
bool privileges_drop(const struct privileges *privileges, char text_r[PRIVILEGES_TEXT_SIZE]);

#endif
