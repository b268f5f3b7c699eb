/*
 * passage: what the MTA says reaches libmilter only through here, and only as whole and sound packets (protocol.h); what
 * libmilter says reaches the MTA as it is.
 *
 * Each MAIL and RCPT is given a number as its last argument, "M1", "R1" and so on, and the macros for it are given the
 * same number as the macro PASSAGE_NUMBER. libmilter keeps a list of macros until the next one comes, and drops one for
 * which it has no memory without a word. By the number a step knows whether the macros it is told are its own:
 * passage_owns(). A step for which the MTA tells no macros is given a list that holds the number alone.
 *
 * A packet that is not sound ends the passage: it is not passed on, and to libmilter the MTA then seems to have closed
 * the connection. So does want of memory. Not thread-safe; never blocks.
 */
#ifndef SFDC_MTA_PASSAGE_H
#define SFDC_MTA_PASSAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/span.h"
#include "mta/protocol.h"

#define PASSAGE_NUMBER "{sfdc_milter_number}"
#define PASSAGE_GROWTH 128 /* bytes by which a packet may grow here, those of one inserted before it included */

/* Bytes that wait. Zeroed: none. */
struct queue {
	char *bytes;
	size_t from;
	size_t to;
	size_t size;
};

/* Who speaks at one end. */
struct speaker {
	int fd;    /* a socket that does not block; belongs to the caller */
	bool mute; /* nothing more comes from there */
	bool deaf; /* takes nothing more */
};

/* Commands of one kind, and whether macros were told for the next one. */
struct numbered {
	unsigned long long count;
	bool told;
};

struct passage {
	struct speaker mta;
	struct speaker filter;
	struct queue begun;     /* a packet of the MTA that is not whole yet */
	struct queue to_filter; /* what the filter's socket has no room for */
	struct queue to_mta;
	struct numbered mail;
	struct numbered recipient;
	unsigned long long packets; /* of the MTA, the one at fault included */
	bool shut;                  /* the filter was told that nothing more comes */
	const char *fault;          /* of a packet that is not sound; NULL: there was none */
	bool starved;               /* the MTA is no longer listened to for want of memory */
};

/* What passages that are worked on one after the other share; large, and of no content between two calls. */
struct passage_room {
	char in[2 * (PACKET_HEAD + PACKET_DATA_MAX)];
	char out[2 * (PACKET_HEAD + PACKET_DATA_MAX)];
	size_t used;
};

/* At which ends something may have happened. */
struct passage_news {
	bool mta;
	bool filter;
};

/* Which of poll(2)'s events to wait for at each end; 0: for none, not even the end of the connection. */
struct passage_wish {
	short mta;
	short filter;
};

/* *passage_r begins between two connected sockets. */
void passage_begin(struct passage *passage_r, int mta, int filter);

/*
 * Pass on what can be passed on now. False: it is over, and both sockets are to be closed. Else *wish_r says what to
 * wait for before it is called again; what was waited for, or an error, is news then.
 */
bool passage_move(struct passage *passage, struct passage_room *room, struct passage_news news,
                  struct passage_wish *wish_r);

/* Release what it holds, but for the sockets. */
void passage_end(struct passage *passage);

/*
 * Whether the macros at hand belong to the MAIL or RCPT with these arguments (a list that ends in NULL). number is what
 * they hold as PASSAGE_NUMBER, absent if they do not.
 */
bool passage_owns(char *const *arguments, struct span number);

#endif
