/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * peer: the MTA's side of one milter connection, as Postfix 3.7 speaks it: version 6 with everything offered, macros
 * before each step, no wait where the filter does not answer, writes collected in a buffer until there is something to
 * wait for. Not thread-safe; one peer belongs to one thread.
 */
#ifndef SFDC_BENCH_PEER_H
#define SFDC_BENCH_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "letter.h"

#define PEER_ERROR_SIZE 256
#define PEER_ADDED_SIZE 16384
#define PEER_STAGES 7
#define PEER_SYMBOLS_SIZE 512
#define STORY_MACROS_MAX 32

/* What the sessions of a run have in common. */
struct story {
	const char *client_name;
	const char *client_address; /* IPv4 */
	const char *helo;
	const char *sender;    /* with angle brackets, as typed */
	const char *recipient; /* likewise */
	struct {
		const char *name; /* as the MTA writes it: one letter, or {word} */
		const char *value;
	} macros[STORY_MACROS_MAX];
	size_t macro_count;
};

struct peer {
	const struct story *story;
	int fd;
	uint32_t steps;                               /* what was agreed on */
	char symbols[PEER_STAGES][PEER_SYMBOLS_SIZE]; /* macros to send at each stage */
	unsigned long serial;
	char *out;
	size_t out_length;
	size_t out_size;
	char in[65536 + 8];
	size_t in_length;
	size_t in_used;
	char added[PEER_ADDED_SIZE]; /* the header fields that the last message gained, a line each */
	size_t added_length;
	char error[PEER_ERROR_SIZE];
};

/*
 * Connect (unix:PATH or inet:PORT@ADDRESS), negotiate, and tell of the client up to HELO. serial: a number that no other
 * message of this run has; those sent by this peer count on from there. False: peer->error says why. In any case to be
 * closed with peer_close().
 */
bool peer_open(struct peer *peer, const char *socket, const struct story *story, unsigned long serial);

/* Send what is still in the buffer: where a step is not answered Postfix, too, waits until it needs an answer. */
bool peer_flush(struct peer *peer);

/* Send a message from MAIL to its end. False: it was not accepted unchanged but for added fields; see peer->error. */
bool peer_send(struct peer *peer, const struct letter *letter);

void peer_close(struct peer *peer);

#endif
