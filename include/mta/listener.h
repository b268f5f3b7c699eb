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
	const char *group; /* of a unix socket; "" or NULL: as it comes */
};

/* Check the options without touching anything. */
enum listener_status listener_check(const struct listener_options *options, char text_r[LISTENER_TEXT_SIZE]);

/*
 * Open the socket through libmilter, in which a filter must be registered. A dead unix socket at that path is removed
 * first; one that somebody answers on is not.
 */
enum listener_status listener_open(const struct listener_options *options, char text_r[LISTENER_TEXT_SIZE]);

/* Remove a unix socket at the end. Harmless for others. */
void listener_remove(const char *socket);

/*
 * Turn on TCP_NODELAY on every listening TCP socket of this process; accepted connections inherit it. libmilter writes
 * a reply in pieces, and each would wait for the delayed acknowledgement of the one before. Returns how many there are.
 */
unsigned listener_set_nodelay(void);

#endif
