/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * protocol: whatever bytes come from the MTA, what is passed on is a series of packets each of which is sound when it is
 * looked at by simpler means; and no part of one is taken for a whole.
 */
#include "fuzz.h"
#include "mta/protocol.h"

const char fuzz_name[] = "protocol";

static size_t texts(struct span data)
{
	size_t count = 0;
	for (size_t i = 0; i < data.length; i++)
		count += data.at[i] == '\0';
	return count;
}

static void check_packet(const struct packet *packet)
{
	struct span data = packet->data;
	bool closed = data.length != 0 && data.at[data.length - 1] == '\0';
	must(data.length <= PACKET_DATA_MAX);
	must(strchr("ABCDEHKLMNOQRTU", packet->letter) && packet->letter != '\0');
	if (packet->letter == 'D')
		must(data.length == 1 || (closed && (texts(data) - (data.at[0] == '\0')) % 2 == 0));
	if (packet->letter == 'L')
		must(closed && texts(data) == 2 && data.at[0] != '\0');
	if (packet->letter == 'M' || packet->letter == 'R')
		must(closed);
	if (packet->letter == 'H' || packet->letter == 'U')
		must(closed && texts(data) == 1);
	if (packet->letter == 'O')
		must(data.length >= 12);
	if (packet->letter == 'B')
		must(data.length != 0);
	if (packet->letter == 'C')
		must(memchr(data.at, '\0', data.length - 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span bytes = fuzz_span(data, size);
	for (;;) {
		struct packet packet = { 0 };
		const char *fault = NULL;
		size_t needed = 0;
		enum packet_status status = protocol_read(bytes, &packet, &needed, &fault);
		if (status == PACKET_UNSOUND) {
			must(fault && fault[0] != '\0');
			return 0;
		}
		if (status == PACKET_PARTIAL) {
			must(needed > bytes.length && needed <= PACKET_HEAD + PACKET_DATA_MAX);
			return 0;
		}
		must(needed >= PACKET_HEAD && needed <= bytes.length && packet.data.length == needed - PACKET_HEAD);
		check_packet(&packet);
		for (size_t length = 0; length < needed; length++) {
			size_t more = 0;
			must(protocol_read(span_slice(bytes, 0, length), &packet, &more, &fault) == PACKET_PARTIAL);
			must(more > length && more <= needed);
			/* Of long data only its ends. */
			if (length == PACKET_HEAD + 64 && needed > PACKET_HEAD + 128)
				length = needed - 64;
		}
		bytes = span_slice(bytes, needed, bytes.length);
	}
}
