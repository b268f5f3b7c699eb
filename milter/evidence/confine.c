/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "evidence/confine.h"

#include <fcntl.h>
#include <grp.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <sys/resource.h>
#include <unistd.h>

#define CPU_SECONDS 10 /* bounds a child whose parent is gone */
#define MEMORY_MAX ((rlim_t)256 << 20)
#define NOBODY 65534 /* of user and group; no look-up, which would load libraries */

/* The memory that sanitizers reserve is beyond any bound. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED
#endif
#endif

static bool limit(unsigned resource, rlim_t most)
{
	const struct rlimit limits = { most, most };
	return setrlimit(resource, &limits) == 0;
}

/* Root, its groups and all that a program could give back are gone for good. */
static bool give_up_root(void)
{
	if (geteuid() == 0
	    && (setgroups(0, NULL) != 0 || setresgid(NOBODY, NOBODY, NOBODY) != 0 || setresuid(NOBODY, NOBODY, NOBODY) != 0
	        || setuid(0) == 0))
		return false;
#ifdef __linux__
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
#else
	return true;
#endif
}

/* The only descriptors left are the conversation with the parent, and standard streams that lead nowhere. */
static bool close_all_but(int fd)
{
	int null = open("/dev/null", O_RDWR);
	if (null < 0)
		return false;
	for (int stream = 0; stream <= STDERR_FILENO; stream++)
		if (stream != fd && dup2(null, stream) < 0)
			return false;
	unsigned above = (unsigned)(fd > STDERR_FILENO ? fd : STDERR_FILENO);
	return (fd <= STDERR_FILENO + 1 || close_range(STDERR_FILENO + 1, above - 1, 0) == 0)
	       && close_range(above + 1, ~0U, 0) == 0;
}

bool confine(int fd)
{
	bool bounded = limit(RLIMIT_CORE, 0) && limit(RLIMIT_CPU, CPU_SECONDS) && limit(RLIMIT_FSIZE, 0);
#ifndef SANITIZED
	bounded = bounded && limit(RLIMIT_DATA, MEMORY_MAX);
#endif
	return bounded && close_all_but(fd) && give_up_root() && limit(RLIMIT_NPROC, 0) && limit(RLIMIT_NOFILE, 0);
}
