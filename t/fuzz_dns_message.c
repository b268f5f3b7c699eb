/* SPDX-License-Identifier: BSD-2-Clause */
/* dns_message: any bytes are read within bounds, and what is read can be asked again. Input: a name, LF, a DNS message. */
#include "evidence/dns_message.h"
#include "fuzz.h"

const char fuzz_name[] = "dns_message";

static void check_name(struct span name)
{
	must(!span_absent(name) && name.length <= 253 * 4);
	for (size_t i = 0; i < name.length; i++)
		must(name.at[i] > 0x20 && name.at[i] < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct span packet = fuzz_span(data, size);
	struct question question = { RECORD_A, fuzz_line(&packet) };

	for (int type = RECORD_A; type <= RECORD_TXT; type++) {
		struct answer answer = { .status = ANSWER_PENDING };
		arena_init(&arena, 0);
		question.type = (enum record_type)type;
		if (dns_message_parse(packet.at ? packet.at : "", packet.length, &question, &arena, &answer)) {
			must((answer.status == ANSWER_FOUND) == (answer.count != 0));
			must(answer.status == ANSWER_FOUND || answer.status == ANSWER_NODATA);
			must(answer.chain_count <= PACKET_CHAIN_MAX);
			for (size_t i = 0; i < answer.chain_count; i++)
				check_name(answer.chain[i]);
			for (size_t i = 0; i < answer.count; i++) {
				if (type == RECORD_MX || type == RECORD_PTR)
					check_name(answer.records[i].text);
				must(type != RECORD_TXT
				     || (!span_absent(answer.records[i].text) && answer.records[i].text.length < packet.length));
				must(type != RECORD_A || answer.records[i].address.family == ADDRESS_IPV4);
			}
		}
		arena_clear(&arena);
	}
	return 0;
}
