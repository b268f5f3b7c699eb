/*
 * command: whatever bytes come from the MTA, what is passed on is a series of packets each of which is sound when it is
 * looked at by simpler means; and no part of one is taken for a whole.
 */
#include "fuzz.h"
#include "mta/command.h"

const char fuzz_name[] = "command";

static size_t texts(struct span data)
{
	size_t count = 0;
	for (size_t i = 0; i < data.length; i++)
		count += data.at[i] == '\0';
	return count;
}

static void check_command(const struct command *command)
{
	struct span data = command->data;
	bool closed = data.length != 0 && data.at[data.length - 1] == '\0';
	must(data.length <= COMMAND_DATA_MAX);
	must(strchr("ABCDEHKLMNOQRTU", command->letter) && command->letter != '\0');
	if (command->letter == 'D')
		must(data.length == 1 || (closed && (texts(data) - (data.at[0] == '\0')) % 2 == 0));
	if (command->letter == 'L')
		must(closed && texts(data) == 2 && data.at[0] != '\0');
	if (command->letter == 'M' || command->letter == 'R')
		must(closed);
	if (command->letter == 'H' || command->letter == 'U')
		must(closed && texts(data) == 1);
	if (command->letter == 'O')
		must(data.length >= 12);
	if (command->letter == 'B')
		must(data.length != 0);
	if (command->letter == 'C')
		must(memchr(data.at, '\0', data.length - 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span bytes = fuzz_span(data, size);
	for (;;) {
		struct command command = { 0 };
		const char *fault = NULL;
		size_t needed = 0;
		enum command_status status = command_read(bytes, &command, &needed, &fault);
		if (status == COMMAND_UNSOUND) {
			must(fault && fault[0] != '\0');
			return 0;
		}
		if (status == COMMAND_PARTIAL) {
			must(needed > bytes.length && needed <= COMMAND_HEAD + COMMAND_DATA_MAX);
			return 0;
		}
		must(needed >= COMMAND_HEAD && needed <= bytes.length && command.data.length == needed - COMMAND_HEAD);
		check_command(&command);
		for (size_t length = 0; length < needed; length++) {
			size_t more = 0;
			must(command_read(span_slice(bytes, 0, length), &command, &more, &fault) == COMMAND_PARTIAL);
			must(more > length && more <= needed);
			/* Of long data only its ends. */
			if (length == COMMAND_HEAD + 64 && needed > COMMAND_HEAD + 128)
				length = needed - 64;
		}
		bytes = span_slice(bytes, needed, bytes.length);
	}
}
