/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Preloaded into the daemon by t/nomem.t: makes allocations fail in the threads of the event loops, where messages are
 * judged.
 *
 * NOMEM_CONTROL names a file that the test and the daemon share; it holds struct control. From the moment fail_at is
 * set, allocations are counted, and the one whose number it is fails; with from_then_on those after it, too. live counts
 * the bytes in use, of all threads. With NOMEM_FROM_START in the environment the threads that start the daemon are
 * watched, too, in the supervisor and in the filter.
 */
#define _GNU_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct control {
	_Atomic uint64_t fail_at; /* 0: none fails, none is counted */
	_Atomic uint64_t from_then_on;
	_Atomic uint64_t count;
	_Atomic uint64_t live;
};

/* What the C library's own functions are also called; those without the prefix are defined here. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void __libc_free(void *block);

static struct control nobody;
static struct control *control = &nobody;
static _Thread_local bool watched;

__attribute__((constructor)) static void attach(void)
{
	const char *path = getenv("NOMEM_CONTROL");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	if (fd < 0)
		return;
	void *shared = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (shared == MAP_FAILED)
		return;
	control = shared;
	watched = getenv("NOMEM_FROM_START") != NULL;
}

static bool fails(void)
{
	uint64_t fail_at = watched ? atomic_load(&control->fail_at) : 0;
	if (fail_at == 0)
		return false;
	uint64_t count = atomic_fetch_add(&control->count, 1) + 1;
	if (count != fail_at && !(count > fail_at && atomic_load(&control->from_then_on)))
		return false;
	errno = ENOMEM;
	return true;
}

static void *taken(void *block)
{
	if (block)
		atomic_fetch_add(&control->live, malloc_usable_size(block));
	return block;
}

static void given(void *block)
{
	if (block)
		atomic_fetch_sub(&control->live, malloc_usable_size(block));
}

void *malloc(size_t size)
{
	return fails() ? NULL : taken(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
	return fails() ? NULL : taken(__libc_calloc(count, size));
}

void *realloc(void *block, size_t size)
{
	if (fails())
		return NULL;
	size_t before = block ? malloc_usable_size(block) : 0;
	void *moved = taken(__libc_realloc(block, size));
	if (moved || size == 0)
		atomic_fetch_sub(&control->live, before);
	return moved;
}

void free(void *block)
{
	int error = errno;
	given(block);
	__libc_free(block);
	errno = error;
}

/* A loop's thread is known by the name it gives itself. */
int pthread_setname_np(pthread_t thread, const char *name)
{
	int (*set_name)(pthread_t, const char *);
	*(void **)&set_name = dlsym(RTLD_NEXT, "pthread_setname_np");
	watched = watched || (pthread_equal(thread, pthread_self()) && strncmp(name, "loop-", 5) == 0);
	return set_name(thread, name);
}
