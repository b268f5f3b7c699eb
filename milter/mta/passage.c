#include "mta/passage.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define QUEUE_MIN 512 /* bytes */
#define LARGE 8192    /* bytes of a packet */

static size_t waiting(const struct queue *queue)
{
	return queue->to - queue->from;
}

static void queue_clear(struct queue *queue)
{
	free(queue->bytes);
	memset(queue, 0, sizeof *queue);
}

/* Room for more bytes behind those that wait. */
static bool queue_reserve(struct queue *queue, size_t more)
{
	if (queue->size - queue->to >= more)
		return true;
	size_t size = queue->size < QUEUE_MIN ? QUEUE_MIN : queue->size;
	while (size - queue->to < more)
		size *= 2;
	char *bytes = realloc(queue->bytes, size);
	if (!bytes)
		return false;
	queue->bytes = bytes;
	queue->size = size;
	return true;
}

static bool queue_put(struct queue *queue, const char *bytes, size_t length)
{
	if (!queue_reserve(queue, length))
		return false;
	memcpy(queue->bytes + queue->to, bytes, length);
	queue->to += length;
	return true;
}

/* How many of the bytes the socket took. */
static size_t tell(struct speaker *speaker, const char *bytes, size_t length)
{
	size_t told = 0;
	while (!speaker->deaf && told < length) {
		ssize_t sent = send(speaker->fd, bytes + told, length - told, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent >= 0)
			told += (size_t)sent;
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
			break;
		else if (errno != EINTR)
			speaker->deaf = true;
	}
	return told;
}

/* How many bytes came; 0: none now, or none any more. */
static size_t hear(struct speaker *speaker, char *bytes, size_t size)
{
	for (;;) {
		ssize_t length = recv(speaker->fd, bytes, size, MSG_DONTWAIT);
		if (length > 0)
			return (size_t)length;
		if (length < 0 && errno == EINTR)
			continue;
		if (length == 0 || (errno != EAGAIN && errno != EWOULDBLOCK))
			speaker->mute = true;
		return 0;
	}
}

/* What was begun is released later: it may be what is being passed on. */
static void starve(struct passage *passage)
{
	passage->starved = true;
	passage->mta.mute = true;
}

/* Tell one end what waits for it; what it will never take is dropped. */
static void drain(struct speaker *speaker, struct queue *queue)
{
	queue->from += tell(speaker, queue->bytes + queue->from, waiting(queue));
	if (waiting(queue) == 0 || speaker->deaf)
		queue_clear(queue);
}

/* Tell one end these bytes, behind those that wait for it. False: there is no memory for what it has no room for. */
static bool pass(struct speaker *speaker, struct queue *queue, const char *bytes, size_t length)
{
	size_t told = waiting(queue) == 0 ? tell(speaker, bytes, length) : 0;
	return speaker->deaf || told == length || queue_put(queue, bytes + told, length - told);
}

/* These bytes go to the filter; once some had to be dropped, none behind them. */
static void give(struct passage *passage, const char *bytes, size_t length)
{
	if (!passage->starved && !pass(&passage->filter, &passage->to_filter, bytes, length))
		starve(passage);
}

/* What was written into the room goes to the filter. */
static void flush(struct passage *passage, struct passage_room *room)
{
	give(passage, room->out, room->used);
	room->used = 0;
}

static void write_bytes(struct passage_room *room, const char *bytes, size_t length)
{
	memcpy(room->out + room->used, bytes, length);
	room->used += length;
}

static void write_head(struct passage_room *room, char letter, size_t data_length)
{
	uint32_t length = (uint32_t)data_length + 1;
	const char head[PACKET_HEAD] = { (char)(length >> 24), (char)(length >> 16 & 0xff), (char)(length >> 8 & 0xff),
		                          (char)(length & 0xff), letter };
	write_bytes(room, head, sizeof head);
}

/*
 * A number as text, its NUL included in *length_r. The stage is part of it, since libmilter looks for a macro in the
 * lists of earlier stages as well.
 */
static void format_number(char stage, unsigned long long number, char text_r[24], size_t *length_r)
{
	*length_r = (size_t)snprintf(text_r, 24, "%c%llu", stage, number) + 1;
}

/* The macros of a stage, with their number before all others, since the first of a name counts. */
static void write_macros(struct passage_room *room, char stage, struct span macros, unsigned long long number)
{
	char text[24];
	size_t length;
	format_number(stage, number, text, &length);
	write_head(room, SMFIC_MACRO, 1 + sizeof PASSAGE_NUMBER + length + macros.length);
	write_bytes(room, &stage, 1);
	write_bytes(room, PASSAGE_NUMBER, sizeof PASSAGE_NUMBER);
	write_bytes(room, text, length);
	write_bytes(room, macros.at, macros.length);
}

static void pass_macros(struct passage_room *room, struct numbered *numbered, const struct packet *command)
{
	write_macros(room, command->data.at[0], span_slice(command->data, 1, command->data.length), numbered->count + 1);
	numbered->told = true;
}

static void pass_numbered(struct passage_room *room, struct numbered *numbered, const struct packet *command)
{
	char text[24];
	size_t length;
	numbered->count++;
	if (!numbered->told)
		write_macros(room, command->letter, span_make("", 0), numbered->count);
	numbered->told = false;
	format_number(command->letter, numbered->count, text, &length);
	write_head(room, command->letter, command->data.length + length);
	write_bytes(room, command->data.at, command->data.length);
	write_bytes(room, text, length);
}

/* A packet as it came. A large one is not copied to where it is sent from. */
static void pass_as_it_is(struct passage *passage, struct passage_room *room, const struct packet *command)
{
	const char *packet = command->data.at - PACKET_HEAD;
	size_t size = PACKET_HEAD + command->data.length;
	if (size < LARGE) {
		write_bytes(room, packet, size);
		return;
	}
	flush(passage, room);
	give(passage, packet, size);
}

/* Pass on one packet. With each command libmilter forgets the macros of those that come after it in a session. */
static void pass_command(struct passage *passage, struct passage_room *room, const struct packet *command)
{
	struct numbered *numbered = NULL;
	switch (command->letter) {
	case SMFIC_MACRO:
		if (command->data.at[0] == SMFIC_MAIL)
			numbered = &passage->mail;
		else if (command->data.at[0] == SMFIC_RCPT)
			numbered = &passage->recipient;
		if (numbered) {
			pass_macros(room, numbered, command);
			return;
		}
		break;
	case SMFIC_MAIL:
		pass_numbered(room, &passage->mail, command);
		passage->recipient.told = false;
		return;
	case SMFIC_RCPT:
		pass_numbered(room, &passage->recipient, command);
		return;
	case SMFIC_CONNECT:
	case SMFIC_HELO:
	case SMFIC_OPTNEG:
	case SMFIC_QUIT_NC:
		passage->mail.told = passage->recipient.told = false;
		break;
	}
	pass_as_it_is(passage, room, command);
}

/* Pass on the packets that are whole; how many bytes they took. */
static size_t pass_commands(struct passage *passage, struct passage_room *room, struct span bytes)
{
	size_t used = 0;
	while (!passage->mta.mute) {
		struct packet command;
		const char *fault;
		size_t size;
		switch (protocol_read(span_slice(bytes, used, bytes.length), &command, &size, &fault)) {
		case PACKET_PARTIAL:
			return used;
		case PACKET_UNSOUND:
			passage->packets++;
			flush(passage, room);
			passage->fault = fault;
			passage->mta.mute = true;
			break;
		case PACKET_WHOLE:
			if (sizeof room->out - room->used < size + PASSAGE_GROWTH)
				flush(passage, room);
			pass_command(passage, room, &command);
			passage->packets++;
			used += size;
			break;
		}
	}
	return used;
}

/* Take more of a packet of which a part is there, and nothing of what follows it. */
static void hear_rest(struct passage *passage, struct passage_room *room)
{
	struct queue *begun = &passage->begun;
	struct packet command;
	const char *fault;
	size_t size;
	if (protocol_read(span_make(begun->bytes, begun->to), &command, &size, &fault) != PACKET_PARTIAL)
		size = begun->to;
	/* No more memory than was paid for with bytes: a head alone must not take that of a whole packet. */
	size_t more = size - begun->to;
	if (more > begun->to + QUEUE_MIN)
		more = begun->to + QUEUE_MIN;
	if (!queue_reserve(begun, more)) {
		starve(passage);
		return;
	}
	begun->to += hear(&passage->mta, begun->bytes + begun->to, more);
	if (pass_commands(passage, room, span_make(begun->bytes, begun->to)) != 0)
		queue_clear(begun);
}

static void hear_mta(struct passage *passage, struct passage_room *room)
{
	if (passage->begun.to != 0) {
		hear_rest(passage, room);
	} else {
		size_t length = hear(&passage->mta, room->in, sizeof room->in);
		size_t used = pass_commands(passage, room, span_make(room->in, length));
		if (!passage->mta.mute && used < length && !queue_put(&passage->begun, room->in + used, length - used))
			starve(passage);
	}
	flush(passage, room);
}

static void hear_filter(struct passage *passage, struct passage_room *room)
{
	size_t length = hear(&passage->filter, room->in, sizeof room->in);
	if (!pass(&passage->mta, &passage->to_mta, room->in, length)) {
		starve(passage);
		passage->mta.deaf = true;
	}
}

void passage_begin(struct passage *passage_r, int mta, int filter)
{
	memset(passage_r, 0, sizeof *passage_r);
	passage_r->mta.fd = mta;
	passage_r->filter.fd = filter;
}

bool passage_move(struct passage *passage, struct passage_room *room, struct passage_news news,
                  struct passage_wish *wish_r)
{
	if (news.filter)
		drain(&passage->filter, &passage->to_filter);
	if (news.mta && !passage->mta.mute && waiting(&passage->to_filter) == 0)
		hear_mta(passage, room);
	if (passage->filter.deaf)
		passage->mta.mute = true;
	if (passage->mta.mute)
		queue_clear(&passage->begun);
	if (passage->mta.mute && waiting(&passage->to_filter) == 0 && !passage->shut) {
		shutdown(passage->filter.fd, SHUT_WR);
		passage->shut = true;
	}
	if (news.mta)
		drain(&passage->mta, &passage->to_mta);
	if (news.filter && !passage->filter.mute && waiting(&passage->to_mta) == 0)
		hear_filter(passage, room);
	bool takes = waiting(&passage->to_filter) == 0;
	bool gives = waiting(&passage->to_mta) == 0;
	wish_r->mta = (short)((takes && !passage->mta.mute ? POLLIN : 0) | (gives ? 0 : POLLOUT));
	wish_r->filter = (short)((gives && !passage->filter.mute ? POLLIN : 0) | (takes ? 0 : POLLOUT));
	return !passage->mta.deaf && !(passage->filter.mute && gives);
}

void passage_end(struct passage *passage)
{
	queue_clear(&passage->begun);
	queue_clear(&passage->to_filter);
	queue_clear(&passage->to_mta);
}

bool passage_owns(char *const *arguments, struct span number)
{
	const char *last = NULL;
	for (size_t i = 0; arguments[i]; i++)
		last = i == 0 ? NULL : arguments[i];
	return last && span_equal(span_of(last), number);
}
