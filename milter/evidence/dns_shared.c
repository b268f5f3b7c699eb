/* SPDX-License-Identifier: BSD-2-Clause */
#include "evidence/dns_shared.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct dns_shared {
	atomic_uint references;
	size_t size;
	struct answer answer;
	_Alignas(max_align_t) unsigned char block[]; /* records, chain, then the bytes of the texts */
};

static size_t text_bytes(const struct answer *answer)
{
	size_t bytes = 0;
	for (size_t i = 0; i < answer->count; i++)
		bytes += answer->records[i].text.length;
	for (size_t i = 0; i < answer->chain_count; i++)
		bytes += answer->chain[i].length;
	return bytes;
}

static struct span copy_text(struct span text, unsigned char **at)
{
	if (span_absent(text))
		return text;
	struct span copy = span_make((const char *)*at, text.length);
	if (text.length != 0)
		memcpy(*at, text.at, text.length);
	*at += text.length;
	return copy;
}

struct dns_shared *dns_shared_new(const struct answer *answer)
{
	size_t records_size = answer->count * sizeof *answer->records;
	size_t chain_size = answer->chain_count * sizeof *answer->chain;
	/* One byte more, so that an empty text at the very end still has an address of its own. */
	size_t size = sizeof(struct dns_shared) + records_size + chain_size + text_bytes(answer) + 1;
	struct dns_shared *response = malloc(size);
	if (!response)
		return NULL;
	struct answer_record *records = (struct answer_record *)(void *)response->block;
	struct span *chain = (struct span *)(void *)(response->block + records_size);
	unsigned char *texts = response->block + records_size + chain_size;

	atomic_init(&response->references, 1);
	response->size = size;
	response->answer = *answer;
	response->answer.records = records;
	response->answer.chain = chain;
	for (size_t i = 0; i < answer->count; i++) {
		records[i] = answer->records[i];
		records[i].text = copy_text(answer->records[i].text, &texts);
	}
	for (size_t i = 0; i < answer->chain_count; i++)
		chain[i] = copy_text(answer->chain[i], &texts);
	return response;
}

struct dns_shared *dns_shared_take(struct dns_shared *response)
{
	atomic_fetch_add_explicit(&response->references, 1, memory_order_relaxed);
	return response;
}

void dns_shared_drop(struct dns_shared *response)
{
	if (response && atomic_fetch_sub_explicit(&response->references, 1, memory_order_acq_rel) == 1)
		free(response);
}

const struct answer *dns_shared_answer(const struct dns_shared *response)
{
	return &response->answer;
}

size_t dns_shared_size(const struct dns_shared *response)
{
	return response->size;
}
