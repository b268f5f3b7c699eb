/* SPDX-License-Identifier: BSD-2-Clause */
#include "mta/protocol.h"

#include <string.h>
#include <sys/un.h>

#define NUMBER sizeof(uint32_t)

static size_t count_nul(struct span data)
{
	size_t count = 0;
	for (size_t at = span_find(data, 0, '\0'); at < data.length; at = span_find(data, at + 1, '\0'))
		count++;
	return count;
}

static uint32_t number_at(struct span data, size_t at)
{
	uint32_t number = 0;
	for (size_t i = 0; i < NUMBER; i++)
		number = number << 8 | (unsigned char)data.at[at + i];
	return number;
}

/* Take the text up to the next NUL; *rest is what follows. */
static struct span take_text(struct span *rest)
{
	size_t end = span_find(*rest, 0, '\0');
	struct span text = span_slice(*rest, 0, end);
	*rest = span_slice(*rest, end + 1, rest->length);
	return text;
}

/* What is wrong with the data of a packet; NULL: nothing. */

/* One or more texts, each with a NUL at its end. */
static bool texts(struct span data)
{
	return data.length != 0 && data.at[data.length - 1] == '\0';
}

static bool one_text(struct span data)
{
	return texts(data) && span_find(data, 0, '\0') == data.length - 1;
}

static const char *fault_of_field(struct span data)
{
	bool sound = texts(data) && data.at[0] != '\0' && count_nul(data) == 2;
	return sound ? NULL : "a header field is not a name and a value";
}

/* The stage that the macros are for, and names and values in turn. */
static const char *fault_of_macros(struct span data)
{
	bool sound = data.length == 1 || (texts(data) && count_nul(span_slice(data, 1, data.length)) % 2 == 0);
	return sound ? NULL : "a list of macros is not names and values in turn";
}

/* Version, actions, protocol steps; newer ones may say more. */
static const char *fault_of_offer(struct span data)
{
	return data.length >= MILTER_OPTLEN ? NULL : "the negotiation is too short";
}

static bool read_address(char family, struct span text, struct address *address_r)
{
	bool colon = span_find(text, 0, ':') < text.length;
	return colon == (family == SMFIA_INET6) && address_parse(text, address_r);
}

/* A name, the family of the address, and but for an unknown one a port of two bytes and the address. */
static const char *fault_of_client(struct span data)
{
	static const char fault[] = "the client's name and address are not as they must be";
	size_t family = span_find(data, 0, '\0') + 1;
	if (family >= data.length)
		return fault;
	if (data.at[family] == SMFIA_UNKNOWN)
		return NULL;
	struct span text = span_slice(data, family + 3, data.length);
	if (data.length <= family + 3 || !one_text(text))
		return fault;
	text = take_text(&text);
	switch (data.at[family]) {
	case SMFIA_INET:
	case SMFIA_INET6:
		return NULL;
	case SMFIA_UNIX:
		return text.length < sizeof((struct sockaddr_un *)0)->sun_path ? NULL
		                                                               : "the client's path too long for a socket";
	default:
		return "the client's address is of no known family";
	}
}

static const char *fault_of_helo(struct span data)
{
	return one_text(data) ? NULL : "the name in HELO is not one text";
}

static const char *fault_of_sender(struct span data)
{
	return texts(data) ? NULL : "the arguments of MAIL are no texts";
}

static const char *fault_of_recipient(struct span data)
{
	return texts(data) ? NULL : "the arguments of RCPT are no texts";
}

static const char *fault_of_unknown(struct span data)
{
	return one_text(data) ? NULL : "an unknown SMTP command is not one text";
}

static const char *fault_of_body(struct span data)
{
	return data.length != 0 ? NULL : "a piece of the body is empty";
}

static const char *fault_of_nothing(struct span data)
{
	(void)data;
	return NULL;
}

static const struct kind {
	char letter;
	const char *(*check)(struct span data);
} kinds[] = {
	{ SMFIC_ABORT, fault_of_nothing },   { SMFIC_BODY, fault_of_body },       { SMFIC_CONNECT, fault_of_client },
	{ SMFIC_MACRO, fault_of_macros },    { SMFIC_BODYEOB, fault_of_nothing }, { SMFIC_HELO, fault_of_helo },
	{ SMFIC_QUIT_NC, fault_of_nothing }, { SMFIC_HEADER, fault_of_field },    { SMFIC_MAIL, fault_of_sender },
	{ SMFIC_EOH, fault_of_nothing },     { SMFIC_OPTNEG, fault_of_offer },    { SMFIC_QUIT, fault_of_nothing },
	{ SMFIC_RCPT, fault_of_recipient },  { SMFIC_DATA, fault_of_nothing },    { SMFIC_UNKNOWN, fault_of_unknown },
};

static const struct kind *kind_of(char letter)
{
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (kinds[i].letter == letter)
			return &kinds[i];
	return NULL;
}

static enum packet_status unsound(const char **fault_r, const char *fault)
{
	*fault_r = fault;
	return PACKET_UNSOUND;
}

static enum packet_status partial(size_t *size_r, size_t size)
{
	*size_r = size;
	return PACKET_PARTIAL;
}

enum packet_status protocol_read(struct span bytes, struct packet *packet_r, size_t *size_r, const char **fault_r)
{
	if (bytes.length < NUMBER)
		return partial(size_r, PACKET_HEAD);
	uint32_t length = number_at(bytes, 0);
	if (length == 0 || length - 1 > PACKET_DATA_MAX)
		return unsound(fault_r, "its length is none that a packet of the milter protocol can have");
	if (bytes.length < PACKET_HEAD)
		return partial(size_r, PACKET_HEAD);
	const struct kind *kind = kind_of(bytes.at[PACKET_HEAD - 1]);
	if (!kind)
		return unsound(fault_r, "it is none of the commands of the milter protocol");
	size_t size = NUMBER + length;
	if (bytes.length < size)
		return partial(size_r, size);
	struct span data = span_slice(bytes, PACKET_HEAD, size);
	const char *fault = kind->check(data);
	if (fault)
		return unsound(fault_r, fault);
	packet_r->letter = kind->letter;
	packet_r->data = data;
	*size_r = size;
	return PACKET_WHOLE;
}

struct offer protocol_offer(struct span data)
{
	struct offer offer = { number_at(data, 0), number_at(data, NUMBER), number_at(data, 2 * NUMBER) };
	return offer;
}

struct span protocol_client(struct span data, struct address *address_r)
{
	struct span rest = data;
	struct span name = take_text(&rest);
	memset(address_r, 0, sizeof *address_r);
	char family = rest.at[0];
	if (family == SMFIA_INET || family == SMFIA_INET6) {
		struct span text = span_slice(rest, 3, rest.length);
		(void)read_address(family, take_text(&text), address_r);
	}
	return name;
}

struct span protocol_text(struct span data)
{
	return take_text(&data);
}

void protocol_field(struct span data, struct span *name_r, struct span *value_r)
{
	*name_r = take_text(&data);
	*value_r = take_text(&data);
}

char protocol_macros(struct span data, struct span *list_r)
{
	*list_r = span_slice(data, 1, data.length);
	return data.at[0];
}

/* The letter of a macro whose name is one, with braces or without; NUL for others. */
static char single(struct span name)
{
	if (name.length == 1)
		return name.at[0];
	return name.length == 3 && name.at[0] == '{' && name.at[2] == '}' ? name.at[1] : '\0';
}

struct span protocol_macro(struct span list, const char *name)
{
	struct span wanted = span_of(name);
	char letter = single(wanted);
	while (list.length != 0) {
		struct span found = take_text(&list);
		struct span value = take_text(&list);
		if (span_equal(found, wanted) || (letter != '\0' && single(found) == letter))
			return value;
	}
	return span_make(NULL, 0);
}

static void add_number(struct buffer *out, uint32_t number)
{
	const char bytes[NUMBER] = { (char)(number >> 24), (char)(number >> 16 & 0xff), (char)(number >> 8 & 0xff),
		                         (char)(number & 0xff) };
	buffer_add(out, bytes, sizeof bytes);
}

static void add_head(struct buffer *out, char letter, size_t data_length)
{
	add_number(out, (uint32_t)data_length + 1);
	buffer_add(out, &letter, 1);
}

static void add_text(struct buffer *out, struct span text)
{
	buffer_add(out, text.at, text.length);
	buffer_add(out, "", 1);
}

void protocol_write(struct buffer *out, char letter)
{
	add_head(out, letter, 0);
}

void protocol_write_agreement(struct buffer *out, const struct offer *agreed, const struct symbols *symbols,
                              size_t count)
{
	size_t length = MILTER_OPTLEN;
	for (size_t i = 0; i < count; i++)
		length += NUMBER + strlen(symbols[i].macros) + 1;
	add_head(out, SMFIC_OPTNEG, length);
	add_number(out, agreed->version);
	add_number(out, agreed->actions);
	add_number(out, agreed->steps);
	for (size_t i = 0; i < count; i++) {
		add_number(out, symbols[i].stage);
		add_text(out, span_of(symbols[i].macros));
	}
}

/* Returns the length, NUL included. */
static size_t format_reply(const struct reply *reply, char *to)
{
	const char *const parts[] = { reply->code, " ", reply->enhanced, " ", reply->text };
	size_t used = 0;
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
		for (const char *from = parts[i]; *from != '\0'; from++) {
			if (*from == '%')
				to[used++] = '%';
			to[used++] = *from;
		}
	to[used++] = '\0';
	return used;
}

void protocol_write_reply(struct buffer *out, const struct reply *reply)
{
	char text[2 * sizeof *reply];
	size_t length = format_reply(reply, text);
	add_head(out, SMFIR_REPLYCODE, length);
	buffer_add(out, text, length);
}

void protocol_write_removal(struct buffer *out, struct span name, uint32_t index)
{
	add_head(out, SMFIR_CHGHEADER, NUMBER + name.length + 2);
	add_number(out, index);
	add_text(out, name);
	add_text(out, span_make("", 0));
}

void protocol_write_insertion(struct buffer *out, struct span name, struct span space, struct span value)
{
	add_head(out, SMFIR_INSHEADER, NUMBER + name.length + space.length + value.length + 2);
	add_number(out, 0);
	add_text(out, name);
	buffer_add(out, space.at, space.length);
	add_text(out, value);
}

void protocol_write_quarantine(struct buffer *out, struct span reason)
{
	add_head(out, SMFIR_QUARANTINE, reason.length + 1);
	add_text(out, reason);
}
