/*
 * command: one packet of the milter protocol as the MTA sends it, and whether it is sound.
 *
 *     length (4 bytes in network order, of all that follows)   letter   data (length - 1 bytes)
 *
 * libmilter believes its peer: a list of macros with a name and no value makes it read past the end of an array. So what
 * every packet holds is made sure of before libmilter sees it. Letters and data are those of Sendmail's
 * include/libmilter/mfdef.h (SMFIC_*) and of its libmilter/engine.c; the order of packets is libmilter's matter, and so
 * are versions and options. Pure and thread-safe.
 */
#ifndef SFDC_MTA_COMMAND_H
#define SFDC_MTA_COMMAND_H

#include <stddef.h>

#include "core/span.h"

#define COMMAND_HEAD 5         /* bytes of length and letter */
#define COMMAND_DATA_MAX 65535 /* bytes of data; MILTER_CHUNK_SIZE */

/* The letters that are of interest elsewhere. */
enum command_letter {
	COMMAND_CONNECT = 'C',
	COMMAND_HELO = 'H',
	COMMAND_MACROS = 'D', /* data begins with the letter of the command that the macros are for */
	COMMAND_MAIL = 'M',
	COMMAND_NEGOTIATE = 'O',
	COMMAND_QUIT_NEW = 'K', /* another session follows on the same connection */
	COMMAND_RECIPIENT = 'R'
};

struct command {
	char letter;
	struct span data; /* borrowed; stands right behind the packet's head */
};

enum command_status {
	COMMAND_PARTIAL, /* there are not enough bytes yet to tell */
	COMMAND_WHOLE,
	COMMAND_UNSOUND
};

/*
 * Read the packet at the beginning of bytes.
 *
 *   COMMAND_PARTIAL  *size_r: how many bytes there must be before it can be told more; always more than there are
 *   COMMAND_WHOLE    *size_r: the packet's bytes; *command_r is set
 *   COMMAND_UNSOUND  *fault_r: what is wrong, for an admin to read; a constant text that holds nothing of the packet.
 *                    Said as early as the bytes tell.
 */
enum command_status command_read(struct span bytes, struct command *command_r, size_t *size_r, const char **fault_r);

#endif
