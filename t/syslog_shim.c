/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Preloaded into the daemon by tests: what goes to syslog(3), such as libmilter's own complaints, goes to standard
 * error instead, as one line each that begins with "syslog: ".
 */
#define _GNU_SOURCE
/* The fortified headers make macros of the functions that are defined here. */
#undef _FORTIFY_SOURCE

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syslog.h>
#include <unistd.h>

void __vsyslog_chk(int priority, int flag, const char *format, va_list arguments) __attribute__((format(printf, 3, 0)));
void __syslog_chk(int priority, int flag, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void say(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));

static void say(const char *format, va_list arguments)
{
	int error = errno;
	char line[2048] = "syslog: ";
	size_t used = strlen(line);
	int length = vsnprintf(line + used, sizeof line - used - 1, format, arguments);
	if (length < 0)
		return;
	strcat(line, "\n");
	(void)!write(STDERR_FILENO, line, strlen(line));
	errno = error;
}

void vsyslog(int priority, const char *format, va_list arguments)
{
	(void)priority;
	say(format, arguments);
}

void __vsyslog_chk(int priority, int flag, const char *format, va_list arguments)
{
	(void)priority;
	(void)flag;
	say(format, arguments);
}

void syslog(int priority, const char *format, ...)
{
	va_list arguments;
	(void)priority;
	va_start(arguments, format);
	say(format, arguments);
	va_end(arguments);
}

void __syslog_chk(int priority, int flag, const char *format, ...)
{
	va_list arguments;
	(void)priority;
	(void)flag;
	va_start(arguments, format);
	say(format, arguments);
	va_end(arguments);
}
