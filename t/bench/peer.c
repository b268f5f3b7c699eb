/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define VERSION_OFFERED 6
#define ACTIONS_OFFERED 0x1ffu
#define STEPS_OFFERED 0x1fffffu
#define LEADING_SPACE 0x100000u
#define CHUNK_MAX 65535
#define TIMEOUT_MS 300000

/* What Postfix collects before it writes: its stream's buffer, which is twice the segment size on TCP. */
#define BUFFER_UNIX 4096
#define BUFFER_INET 131072

/* The steps: the letter, the bits that keep the step or its answer from being sent, and the usual macros. */
struct step {
	char letter;
	uint32_t omitted;
	uint32_t unanswered;
	const char *symbols;
};

enum stage { STAGE_CONNECT, STAGE_HELO, STAGE_MAIL, STAGE_RCPT, STAGE_DATA, STAGE_END, STAGE_HEADER_END };

/* In the order of the stages of SMFIR_SETSYMLIST. */
static const struct step steps[PEER_STAGES] = {
	{ 'C', 0x01, 0x1000, "j {daemon_name} {daemon_addr} v _" },
	{ 'H', 0x02, 0x2000, "{tls_version} {cipher} {cipher_bits} {cert_subject} {cert_issuer}" },
	{ 'M', 0x04, 0x4000, "{auth_type} {auth_authen} {auth_author} {mail_addr} {mail_host} {mail_mailer}" },
	{ 'R', 0x08, 0x8000, "i {rcpt_addr} {rcpt_host} {rcpt_mailer}" },
	{ 'T', 0x200, 0x10000, "i" },
	{ 'E', 0, 0, "i" },
	{ 'N', 0x40, 0x40000, "i" },
};
static const struct step field_step = { 'L', 0x20, 0x80, "" };
static const struct step body_step = { 'B', 0x10, 0x80000, "" };

static bool fail(struct peer *peer, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool fail(struct peer *peer, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(peer->error, sizeof peer->error, format, arguments);
	va_end(arguments);
	return false;
}

static uint32_t get_number(const char *from)
{
	uint32_t number;
	memcpy(&number, from, sizeof number);
	return ntohl(number);
}

static void put_number(char *to, uint32_t number)
{
	number = htonl(number);
	memcpy(to, &number, sizeof number);
}

/*
 * Wait as Postfix does, which has time limits, and not in read or write: the kernel would wake the thread each time the
 * filter takes something off the socket, at the filter's expense.
 */
static bool await_event(struct peer *peer, short event)
{
	struct pollfd entry = { .fd = peer->fd, .events = event };
	int count = poll(&entry, 1, TIMEOUT_MS);
	return count > 0 || fail(peer, "%s", count == 0 ? "the filter does not answer" : strerror(errno));
}

static bool flush(struct peer *peer)
{
	for (size_t sent = 0; sent < peer->out_length;) {
		if (!await_event(peer, POLLOUT))
			return false;
		ssize_t count = send(peer->fd, peer->out + sent, peer->out_length - sent, MSG_NOSIGNAL);
		if (count < 0)
			return fail(peer, "write: %s", strerror(errno));
		sent += (size_t)count;
	}
	peer->out_length = 0;
	return true;
}

static bool put(struct peer *peer, const char *data, size_t length)
{
	while (length > 0) {
		size_t room = peer->out_size - peer->out_length;
		size_t part = length < room ? length : room;
		memcpy(peer->out + peer->out_length, data, part);
		peer->out_length += part;
		data += part;
		length -= part;
		if (peer->out_length == peer->out_size && !flush(peer))
			return false;
	}
	return true;
}

static bool put_packet(struct peer *peer, char letter, const char *data, size_t length)
{
	char head[5];
	put_number(head, (uint32_t)length + 1);
	head[4] = letter;
	return put(peer, head, sizeof head) && put(peer, data, length);
}

/* One answer; its data follow its letter and are valid until the next. */
static bool get_packet(struct peer *peer, char *letter_r, const char **data_r, size_t *length_r)
{
	if (!flush(peer))
		return false;
	memmove(peer->in, peer->in + peer->in_used, peer->in_length - peer->in_used);
	peer->in_length -= peer->in_used;
	peer->in_used = 0;
	for (;;) {
		size_t length = peer->in_length >= 4 ? get_number(peer->in) : 0;
		if (peer->in_length >= 4 && (length == 0 || length > sizeof peer->in - 5))
			return fail(peer, "an answer of %zu bytes", length);
		if (peer->in_length >= 4 && peer->in_length >= 4 + length) {
			peer->in_used = 4 + length;
			*letter_r = peer->in[4];
			*data_r = peer->in + 5;
			*length_r = length - 1;
			return true;
		}
		if (!await_event(peer, POLLIN))
			return false;
		ssize_t count = read(peer->fd, peer->in + peer->in_length, sizeof peer->in - 1 - peer->in_length);
		if (count <= 0)
			return fail(peer, "read: %s", count < 0 ? strerror(errno) : "the filter closed the connection");
		peer->in_length += (size_t)count;
	}
}

/* A packet under construction, of strings mostly. */
struct parcel {
	size_t length;
	bool overflow;
	char data[CHUNK_MAX];
};

static void parcel_start(struct parcel *parcel)
{
	parcel->length = 0;
	parcel->overflow = false;
}

static void parcel_add(struct parcel *parcel, const char *data, size_t length)
{
	if (length > sizeof parcel->data - parcel->length) {
		parcel->overflow = true;
		return;
	}
	memcpy(parcel->data + parcel->length, data, length);
	parcel->length += length;
}

static void parcel_text(struct parcel *parcel, const char *text)
{
	parcel_add(parcel, text, strlen(text) + 1);
}

/* "v" and "{v}" are the same. */
static bool same_macro(const char *a, const char *b)
{
	size_t a_length = strlen(a);
	size_t b_length = strlen(b);
	if (a_length == 3 && a[0] == '{' && b_length == 1)
		return a[1] == b[0];
	return strcmp(a, b) == 0;
}

/* The value of a macro; NULL: the MTA has none. */
static const char *macro_value(const struct peer *peer, const char *name, char queue_id[32])
{
	if (strcmp(name, "i") == 0) {
		snprintf(queue_id, 32, "4Q%08lX", peer->serial);
		return queue_id;
	}
	for (size_t i = 0; i < peer->story->macro_count; i++)
		if (same_macro(name, peer->story->macros[i].name))
			return peer->story->macros[i].value;
	return NULL;
}

/* Before every step, that step's or another stage's, and be there none. The queue file is not there at MAIL yet. */
static bool put_macros(struct peer *peer, const struct step *step, enum stage stage)
{
	struct parcel parcel;
	char list[PEER_SYMBOLS_SIZE];
	char *rest = NULL;

	parcel_start(&parcel);
	parcel_add(&parcel, &step->letter, 1);
	snprintf(list, sizeof list, "%s", peer->symbols[stage]);
	for (char *name = strtok_r(list, " ", &rest); name; name = strtok_r(NULL, " ", &rest)) {
		char queue_id[32];
		const char *value = macro_value(peer, name, queue_id);
		if (!value || (stage == STAGE_MAIL && strcmp(name, "i") == 0))
			continue;
		parcel_text(&parcel, name);
		parcel_text(&parcel, value);
	}
	return put_packet(peer, 'D', parcel.data, parcel.length);
}

/* What may be answered to a step before the end: to go on. */
static bool await(struct peer *peer, const struct step *step, char *letter_r)
{
	const char *data;
	size_t length;

	do {
		if (!get_packet(peer, letter_r, &data, &length))
			return false;
	} while (*letter_r == 'p');
	if (*letter_r == 'c' || (*letter_r == 's' && step->letter == 'B'))
		return true;
	return fail(peer, "the answer to %c is %c %.*s", step->letter, *letter_r, (int)length, data);
}

static bool take(struct peer *peer, const struct step *step, const char *data, size_t length, char *letter_r)
{
	*letter_r = 'c';
	if (peer->steps & step->omitted)
		return true;
	if (!put_packet(peer, step->letter, data, length))
		return false;
	return (peer->steps & step->unanswered) != 0 || await(peer, step, letter_r);
}

static bool take_parcel(struct peer *peer, const struct step *step, const struct parcel *parcel)
{
	char answer;
	if (parcel->overflow)
		return fail(peer, "a packet is too long");
	return take(peer, step, parcel->data, parcel->length, &answer);
}

static bool take_stage(struct peer *peer, enum stage stage, const struct parcel *parcel)
{
	return put_macros(peer, &steps[stage], stage) && take_parcel(peer, &steps[stage], parcel);
}

/* A stage with one string, or with none. */
static bool take_text(struct peer *peer, enum stage stage, const char *text)
{
	struct parcel parcel;
	parcel_start(&parcel);
	if (text)
		parcel_text(&parcel, text);
	return take_stage(peer, stage, &parcel);
}

/* A filter may choose its macros, stage by stage. */
static bool take_symbols(struct peer *peer, const char *data, size_t length)
{
	while (length > 4) {
		uint32_t stage = get_number(data);
		size_t size = strnlen(data + 4, length - 4);
		if (stage >= PEER_STAGES || size == length - 4 || size >= PEER_SYMBOLS_SIZE)
			return fail(peer, "a malformed list of macros");
		memcpy(peer->symbols[stage], data + 4, size + 1);
		data += 4 + size + 1;
		length -= 4 + size + 1;
	}
	return true;
}

static bool negotiate(struct peer *peer)
{
	char offer[12];
	char letter;
	const char *data;
	size_t length;

	for (size_t i = 0; i < PEER_STAGES; i++)
		snprintf(peer->symbols[i], sizeof peer->symbols[i], "%s", steps[i].symbols);
	put_number(offer, VERSION_OFFERED);
	put_number(offer + 4, ACTIONS_OFFERED);
	put_number(offer + 8, STEPS_OFFERED);
	if (!put_packet(peer, 'O', offer, sizeof offer) || !get_packet(peer, &letter, &data, &length))
		return false;
	if (letter != 'O' || length < 12 || get_number(data) > VERSION_OFFERED)
		return fail(peer, "negotiation failed");
	peer->steps = get_number(data + 8);
	return take_symbols(peer, data + 12, length - 12);
}

static bool greet(struct peer *peer)
{
	struct parcel client;
	parcel_start(&client);
	parcel_text(&client, peer->story->client_name);
	parcel_add(&client, "4\x9c\x40", 3); /* IPv4, port 40000 */
	parcel_text(&client, peer->story->client_address);
	return take_stage(peer, STAGE_CONNECT, &client) && take_text(peer, STAGE_HELO, peer->story->helo);
}

/* inet:PORT@ADDRESS */
static bool parse_inet(const char *socket, struct sockaddr_in *address_r)
{
	char host[64];
	unsigned short port;
	memset(address_r, 0, sizeof *address_r);
	if (sscanf(socket, "inet:%hu@%63s", &port, host) != 2 || inet_pton(AF_INET, host, &address_r->sin_addr) != 1)
		return false;
	address_r->sin_family = AF_INET;
	address_r->sin_port = htons(port);
	return true;
}

static bool dial(struct peer *peer, const char *where)
{
	struct sockaddr_un local = { .sun_family = AF_UNIX };
	struct sockaddr_in inet;
	const struct sockaddr *address = (const struct sockaddr *)&local;
	socklen_t size = sizeof local;

	if (strncmp(where, "unix:", 5) == 0) {
		if (strlen(where + 5) >= sizeof local.sun_path)
			return fail(peer, "the path of the socket is too long");
		snprintf(local.sun_path, sizeof local.sun_path, "%s", where + 5);
	} else if (parse_inet(where, &inet)) {
		address = (const struct sockaddr *)&inet;
		size = sizeof inet;
	} else {
		return fail(peer, "%s is neither unix:PATH nor inet:PORT@ADDRESS", where);
	}
	peer->out_size = address->sa_family == AF_UNIX ? BUFFER_UNIX : BUFFER_INET;
	peer->out = malloc(peer->out_size);
	peer->fd = socket(address->sa_family, SOCK_STREAM, 0);
	if (!peer->out || peer->fd < 0 || connect(peer->fd, address, size) != 0)
		return fail(peer, "%s: %s", where, strerror(errno));
	return true;
}

bool peer_open(struct peer *peer, const char *socket, const struct story *story, unsigned long serial)
{
	memset(peer, 0, sizeof *peer);
	peer->fd = -1;
	peer->story = story;
	peer->serial = serial;
	return dial(peer, socket) && negotiate(peer) && greet(peer);
}

bool peer_flush(struct peer *peer)
{
	return flush(peer);
}

void peer_close(struct peer *peer)
{
	if (peer->fd >= 0) {
		if (peer->error[0] == '\0' && put_packet(peer, 'Q', "", 0))
			(void)flush(peer);
		close(peer->fd);
	}
	free(peer->out);
	peer->out = NULL;
	peer->fd = -1;
}

static bool send_envelope(struct peer *peer)
{
	return take_text(peer, STAGE_MAIL, peer->story->sender) && take_text(peer, STAGE_RCPT, peer->story->recipient)
	       && take_text(peer, STAGE_DATA, NULL);
}

static bool send_header(struct peer *peer, const struct letter *letter)
{
	for (size_t i = 0; i < letter->field_count; i++) {
		struct parcel parcel;
		const char *value = letter->fields[i].value;
		parcel_start(&parcel);
		parcel_text(&parcel, letter->fields[i].name);
		parcel_text(&parcel, value + ((peer->steps & LEADING_SPACE) == 0 && value[0] == ' '));
		if (!put_macros(peer, &field_step, STAGE_HEADER_END) || !take_parcel(peer, &field_step, &parcel))
			return false;
	}
	return take_text(peer, STAGE_HEADER_END, NULL);
}

static bool send_body(struct peer *peer, const struct letter *letter)
{
	char answer = 'c';
	for (size_t at = 0; at < letter->body_length && answer == 'c';) {
		size_t rest = letter->body_length - at;
		size_t length = rest < CHUNK_MAX ? rest : CHUNK_MAX;
		if (!put_macros(peer, &body_step, STAGE_END) || !take(peer, &body_step, letter->body + at, length, &answer))
			return false;
		at += length;
	}
	return true;
}

/* A field that is added (h) or inserted (i): after an index, name and value, each ending in NUL. */
static bool note_added(struct peer *peer, char letter, const char *data, size_t length)
{
	size_t skip = letter == 'i' ? 4 : 0;
	size_t room = sizeof peer->added - peer->added_length;

	if (length < skip + 2 || data[length - 1] != '\0')
		return fail(peer, "a malformed header field is added");
	const char *name = data + skip;
	const char *value = memchr(name, '\0', length - skip - 1);
	if (!value)
		return fail(peer, "a malformed header field is added");
	int written = snprintf(peer->added + peer->added_length, room, "%s:%s\n", name, value + 1);
	if (written < 0 || (size_t)written >= room)
		return fail(peer, "too many header fields are added");
	peer->added_length += (size_t)written;
	return true;
}

static bool send_end(struct peer *peer)
{
	char letter;
	const char *data;
	size_t length;

	peer->added_length = 0;
	peer->added[0] = '\0';
	if (!put_macros(peer, &steps[STAGE_END], STAGE_END) || !put_packet(peer, 'E', "", 0))
		return false;
	for (;;) {
		if (!get_packet(peer, &letter, &data, &length))
			return false;
		if (letter == 'c' || letter == 'a')
			return true;
		if (letter == 'p' || letter == 'm') /* in progress; a field is changed or removed */
			continue;
		if (letter != 'h' && letter != 'i')
			return fail(peer, "the message is not accepted: %c %.*s", letter, (int)length, data);
		if (!note_added(peer, letter, data, length))
			return false;
	}
}

bool peer_send(struct peer *peer, const struct letter *letter)
{
	if (!send_envelope(peer) || !send_header(peer, letter) || !send_body(peer, letter) || !send_end(peer))
		return false;
	peer->serial++;
	/* Postfix resets its milters after each message; it goes out with what is sent next. */
	return put_packet(peer, 'A', "", 0);
}
