/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "evidence/openssl_memory.h"

#include <openssl/crypto.h>
#include <stddef.h>
#include <stdlib.h>

static _Thread_local unsigned long refusals;

static void *openssl_malloc(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	void *block = size != 0 ? malloc(size) : NULL;
	refusals += !block && size != 0;
	return block;
}

static void openssl_free(void *block, const char *file, int line)
{
	(void)file;
	(void)line;
	free(block);
}

static void *openssl_realloc(void *block, size_t size, const char *file, int line)
{
	if (!block)
		return openssl_malloc(size, file, line);
	if (size == 0) {
		free(block);
		return NULL;
	}
	void *moved = realloc(block, size);
	refusals += !moved;
	return moved;
}

void openssl_memory_watch(void)
{
	(void)CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free);
}

unsigned long openssl_memory_refusals(void)
{
	return refusals;
}
