#include "config.h"

#include "evidence/reserve.h"

#include <openssl/crypto.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

struct reserve {
	bool touched;
	size_t used;
	alignas(max_align_t) unsigned char block[RESERVE_SIZE];
};

static _Thread_local unsigned long refusals;

struct reserve *reserve_new(void)
{
	struct reserve *reserve = malloc(sizeof *reserve);
	if (!reserve)
		return NULL;
	reserve->touched = false;
	reserve->used = 0;
	return reserve;
}

void reserve_free(struct reserve *reserve)
{
	free(reserve);
}

bool reserve_touched(const struct reserve *reserve)
{
	return reserve->touched;
}

static void *help_out(struct reserve *reserve, size_t size)
{
	size_t step = alignof(max_align_t);
	reserve->touched = true;
	if (size > RESERVE_SIZE - reserve->used)
		return NULL;
	void *block = reserve->block + reserve->used;
	size_t rounded = (size + step - 1) / step * step;
	reserve->used = rounded < RESERVE_SIZE - reserve->used ? reserve->used + rounded : RESERVE_SIZE;
	return block;
}

void *reserve_allocate(void *closure, size_t size)
{
	void *block = malloc(size);
	return block || !closure ? block : help_out(closure, size);
}

void reserve_release(void *closure, void *block)
{
	const struct reserve *reserve = closure;
	uintptr_t place = (uintptr_t)block;
	if (!reserve || place < (uintptr_t)reserve->block || place >= (uintptr_t)(reserve->block + RESERVE_SIZE))
		free(block);
}

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

void reserve_watch_openssl(void)
{
	(void)CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free);
}

unsigned long reserve_openssl_refusals(void)
{
	return refusals;
}
