/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * listener: the socket on which the MTA finds the filter.
 *
 *   unix:/PATH | inet:PORT@HOST | inet6:PORT@HOST      (HOST may be left out: every address; PORT is a number)
 *
 * To be used before any thread exists. Texts that are written are one line without newline.
 */
#ifndef SFDC_MTA_LISTENER_H
#define SFDC_MTA_LISTENER_H

#include <stdbool.h>
#include <stddef.h>

#define LISTENER_TEXT_SIZE 400

enum listener_status {
	LISTENER_OK,        /* the text is a warning, or empty */
	LISTENER_MALFORMED, /* socket, mode or group cannot be right: a matter of configuration */
	LISTENER_BUSY,      /* somebody else listens there */
	LISTENER_FAILED     /* the system refused it */
};

struct listener_options {
	const char *socket;
	unsigned mode;     /* of a unix socket */
	const char *group; /* of a unix socket; "" or NULL: that of the process, so that root's is left to root */
	const char *peril; /* what whoever reaches it can do; NULL: pose as the MTA */
};

/* Check the options without touching anything. *option_r names the option that the text is about. */
enum listener_status listener_check(const struct listener_options *options, char text_r[LISTENER_TEXT_SIZE],
                                    const char **option_r);

/*
 * Open the socket, which does not block; *fd_r belongs to the caller. A dead unix socket at that path is removed first;
 * one that somebody answers on is not. Connections to a TCP socket are accepted with TCP_NODELAY set: a milter's reply
 * comes in pieces, and each would wait for the delayed acknowledgement of the one before. So is SO_KEEPALIVE, for an MTA
 * whose machine is gone.
 */
enum listener_status listener_open(const struct listener_options *options, int *fd_r, char text_r[LISTENER_TEXT_SIZE]);

/*
 * Connect to where a listener is, waiting for it so many seconds at most. -1: errno says why, or with a text that is not empty
 * the name does.
 */
int listener_connect(const char *socket, unsigned seconds, char text_r[LISTENER_TEXT_SIZE]);

/* Remove a unix socket at the end. Harmless for others. */
void listener_remove(const char *socket);

#endif
