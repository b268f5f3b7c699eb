/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * protocol: the packets of the milter protocol, in both directions, as <libmilter/mfdef.h> defines them.
 *
 *     length (4 bytes in network order, of all that follows)   letter   data (length - 1 bytes)
 *
 * What the MTA sends is read here and nowhere else, and only what is sound is handed on; the order of packets is the
 * dialogue's matter (dialogue.h). Letters and data are those of version 6 of the protocol, which holds those of 2 to 5;
 * <libmilter/mfdef.h> names them and Sendmail's libmilter/engine.c says what the data are. Pure: no socket, no clock.
 * Thread-safe.
 */
#ifndef SFDC_MTA_PROTOCOL_H
#define SFDC_MTA_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libmilter/mfdef.h>

#include "core/network.h"
#include "core/reply.h"
#include "core/span.h"
#include "mta/buffer.h"

#define PACKET_HEAD 5                     /* bytes of length and letter */
#define PACKET_DATA_MAX MILTER_CHUNK_SIZE /* bytes of data */
#define PACKET_MAX (PACKET_HEAD + PACKET_DATA_MAX)
#define PROTOCOL_VERSION_MIN 2

struct packet {
	char letter;      /* one of SMFIC_* */
	struct span data; /* borrowed; stands right behind the packet's head */
};

enum packet_status {
	PACKET_PARTIAL, /* there are not enough bytes yet to tell */
	PACKET_WHOLE,
	PACKET_UNSOUND
};

/*
 * Read the packet at the beginning of bytes.
 *
 *   PACKET_PARTIAL  *size_r: how many bytes there must be before it can be told more; always more than there are
 *   PACKET_WHOLE    *size_r: the packet's bytes; *packet_r is set, and what the functions below take apart is sound
 *   PACKET_UNSOUND  *fault_r: what is wrong, for an admin to read; a constant text that holds nothing of the packet.
 *                   Said as early as the bytes tell.
 */
enum packet_status protocol_read(struct span bytes, struct packet *packet_r, size_t *size_r, const char **fault_r);

/* What is in the data of a whole packet. Every span is borrowed from it. */

/* SMFIC_OPTNEG: what the MTA has and can do. */
struct offer {
	uint32_t version;
	uint32_t actions; /* SMFIF_*, of <libmilter/mfapi.h> */
	uint32_t steps;   /* SMFIP_* */
};
struct offer protocol_offer(struct span data);

/*
 * SMFIC_CONNECT: the client's name, and its address; of a local or unknown client none, nor where it is no address as
 * inet_pton(3) reads them.
 */
struct span protocol_client(struct span data, struct address *address_r);

/* The first text: HELO's name, the sender or recipient with what surrounds it. */
struct span protocol_text(struct span data);

/* SMFIC_HEADER: name and value. */
void protocol_field(struct span data, struct span *name_r, struct span *value_r);

/* SMFIC_MACRO: the command that the macros are for, and the macros as a list for protocol_macro(). */
char protocol_macros(struct span data, struct span *list_r);

/*
 * The value of a macro, absent if it is not in the list; the first of a name counts. A name of one letter is the same with
 * braces and without ("i" and "{i}").
 */
struct span protocol_macro(struct span list, const char *name);

/*
 * What the filter says. Each appends one packet to out, which notes want of memory (buffer.h). Texts must not hold NUL.
 */

/* A letter alone: SMFIR_CONTINUE, SMFIR_SKIP, SMFIR_PROGRESS, SMFIR_REJECT, SMFIR_TEMPFAIL. */
void protocol_write(struct buffer *out, char letter);

/* Macros to send with a step (SMFIM_* of <libmilter/mfapi.h>), separated by spaces. */
struct symbols {
	uint32_t stage;
	const char *macros;
};

/* SMFIC_OPTNEG: what is agreed on. symbols may be NULL. */
void protocol_write_agreement(struct buffer *out, const struct offer *agreed, const struct symbols *symbols,
                              size_t count);

/*
 * SMFIR_REPLYCODE: the SMTP reply in place of the MTA's own. MTAs take it for a format, so "%" is doubled. It must be
 * printable, in one line.
 */
void protocol_write_reply(struct buffer *out, const struct reply *reply);

/* SMFIR_CHGHEADER: remove the field of that name and 1-based index. */
void protocol_write_removal(struct buffer *out, struct span name, uint32_t index);

/* SMFIR_INSHEADER: put a field in front of all; space: the white space that the MTA wants before the value. */
void protocol_write_insertion(struct buffer *out, struct span name, struct span space, struct span value);

/* SMFIR_QUARANTINE: hold the message. */
void protocol_write_quarantine(struct buffer *out, struct span reason);

#endif
