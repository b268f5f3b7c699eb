#include "mta/command.h"

#include <stdbool.h>
#include <stdint.h>

static size_t count_nul(struct span data)
{
	size_t count = 0;
	for (size_t at = span_find(data, 0, '\0'); at < data.length; at = span_find(data, at + 1, '\0'))
		count++;
	return count;
}

/* One or more, each with a NUL at its end. */
static bool texts(struct span data)
{
	return data.length != 0 && data.at[data.length - 1] == '\0';
}

static bool one_text(struct span data)
{
	return texts(data) && span_find(data, 0, '\0') == data.length - 1;
}

static bool field(struct span data)
{
	return texts(data) && data.at[0] != '\0' && count_nul(data) == 2;
}

/* The stage that the macros are for, and names and values in turn. */
static bool macros(struct span data)
{
	return data.length == 1 || (texts(data) && count_nul(span_slice(data, 1, data.length)) % 2 == 0);
}

/* Version, actions, protocol steps; newer ones may say more. */
static bool negotiation(struct span data)
{
	return data.length >= 3 * sizeof(uint32_t);
}

/* A name, the family of the address, and but for an unknown one a port of two bytes and the address. */
static bool client(struct span data)
{
	size_t family = span_find(data, 0, '\0') + 1;
	if (family >= data.length)
		return false;
	if (data.at[family] == 'U')
		return true;
	return data.length > family + 3 && one_text(span_slice(data, family + 3, data.length));
}

static bool some_bytes(struct span data)
{
	return data.length != 0;
}

static bool anything(struct span data)
{
	(void)data;
	return true;
}

static const struct kind {
	char letter;
	bool (*sound)(struct span data);
	const char *fault;
} kinds[] = {
	{ 'A', anything, "" },
	{ 'B', some_bytes, "a piece of the body is empty" },
	{ 'C', client, "the client's name and address are not as they must be" },
	{ 'D', macros, "a list of macros is not names and values in turn" },
	{ 'E', anything, "" },
	{ 'H', one_text, "the name in HELO is not one text" },
	{ 'K', anything, "" },
	{ 'L', field, "a header field is not a name and a value" },
	{ 'M', texts, "the arguments of MAIL are no texts" },
	{ 'N', anything, "" },
	{ 'O', negotiation, "the negotiation is too short" },
	{ 'Q', anything, "" },
	{ 'R', texts, "the arguments of RCPT are no texts" },
	{ 'T', anything, "" },
	{ 'U', one_text, "an unknown SMTP command is not one text" },
};

static const struct kind *kind_of(char letter)
{
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (kinds[i].letter == letter)
			return &kinds[i];
	return NULL;
}

static enum command_status unsound(const char **fault_r, const char *fault)
{
	*fault_r = fault;
	return COMMAND_UNSOUND;
}

static enum command_status partial(size_t *size_r, size_t size)
{
	*size_r = size;
	return COMMAND_PARTIAL;
}

enum command_status command_read(struct span bytes, struct command *command_r, size_t *size_r, const char **fault_r)
{
	uint32_t length = 0;
	if (bytes.length < sizeof length)
		return partial(size_r, COMMAND_HEAD);
	for (size_t i = 0; i < sizeof length; i++)
		length = length << 8 | (unsigned char)bytes.at[i];
	if (length == 0 || length - 1 > COMMAND_DATA_MAX)
		return unsound(fault_r, "its length is none that a packet of the milter protocol can have");
	if (bytes.length < COMMAND_HEAD)
		return partial(size_r, COMMAND_HEAD);
	const struct kind *kind = kind_of(bytes.at[COMMAND_HEAD - 1]);
	if (!kind)
		return unsound(fault_r, "it is none of the commands of the milter protocol");
	size_t size = sizeof length + length;
	if (bytes.length < size)
		return partial(size_r, size);
	struct span data = span_slice(bytes, COMMAND_HEAD, size);
	if (!kind->sound(data))
		return unsound(fault_r, kind->fault);
	command_r->letter = kind->letter;
	command_r->data = data;
	*size_r = size;
	return COMMAND_WHOLE;
}
