/*
 * door: the socket on which libmilter listens, and which nobody but this process can find. It has no name in the file
 * system: it is reached through a descriptor, by way of /proc/self/fd (Linux, proc(5)).
 */
#ifndef SFDC_MTA_DOOR_H
#define SFDC_MTA_DOOR_H

#include <stdbool.h>

#define DOOR_TEXT_SIZE 200

struct door {
	int place; /* refers to the socket's inode */
};

/*
 * Let libmilter, in which a filter must be registered, open its socket. To be used once, before any thread exists. It
 * stays usable after a change of user. False: the text is a line that says why.
 */
bool door_open(struct door *door_r, char text_r[DOOR_TEXT_SIZE]);

/* A connection to libmilter, which does not block; -1 when there is none to be had now (errno). Thread-safe. */
int door_connect(const struct door *door);

#endif
