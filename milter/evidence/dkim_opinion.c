/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "evidence/dkim_opinion.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <opendkim/dkim.h>

#include "evidence/confine.h"

#define PIECE_SIZE 16384
#define EXIT_MEMORY 2

/* What the child writes: that many, then a byte for each. */
struct told {
	uint32_t count;
	unsigned char passes[DKIM_OPINIONS_MAX];
};

static long long now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static DKIM_CBSTAT find_key(DKIM *dkim, DKIM_SIGINFO *signature, u_char *buffer, size_t size)
{
	const struct dkim_opinion_input *input = dkim_get_user_context(dkim);
	char name[1024];
	snprintf(name, sizeof name, "%s._domainkey.%s", (const char *)dkim_sig_getselector(signature),
	         (const char *)dkim_sig_getdomain(signature));
	for (size_t i = 0; i < input->key_count; i++) {
		const struct dkim_opinion_key *key = &input->keys[i];
		if (!span_equal_nocase(key->name, span_of(name)))
			continue;
		if (key->text.length == 0 || key->text.length > DKIM_OPINION_KEY_MAX || key->text.length >= size
		    || memchr(key->text.at, '\0', key->text.length))
			break;
		memcpy(buffer, key->text.at, key->text.length);
		buffer[key->text.length] = '\0';
		return DKIM_CBSTAT_CONTINUE;
	}
	return DKIM_CBSTAT_NOTFOUND;
}

/* On the wire, where it was signed, every line ended in CRLF. */
static void give_field(DKIM *dkim, const struct field *field)
{
	size_t length = 0;
	u_char *line = malloc(field->raw_name.length + 2 + 2 * field->value.length + 1);
	if (!line)
		_exit(EXIT_MEMORY);
	memcpy(line, field->raw_name.at, field->raw_name.length);
	length = field->raw_name.length;
	line[length++] = ':';
	if (!field->leading_space)
		line[length++] = ' ';
	for (size_t i = 0; i < field->value.length; i++) {
		if (field->value.at[i] == '\n' && (i == 0 || field->value.at[i - 1] != '\r'))
			line[length++] = '\r';
		line[length++] = (u_char)field->value.at[i];
	}
	(void)dkim_header(dkim, line, length);
	free(line);
}

static void give_body(DKIM *dkim, struct span body)
{
	u_char piece[PIECE_SIZE];
	size_t length = 0;
	for (size_t i = 0; i < body.length; i++) {
		if (body.at[i] == '\n' && (i == 0 || body.at[i - 1] != '\r'))
			piece[length++] = '\r';
		piece[length++] = (u_char)body.at[i];
		if (length >= sizeof piece - 3) {
			(void)dkim_body(dkim, piece, length);
			length = 0;
		}
	}
	if (body.length != 0 && body.at[body.length - 1] != '\n') {
		piece[length++] = '\r';
		piece[length++] = '\n';
	}
	if (length != 0)
		(void)dkim_body(dkim, piece, length);
}

static bool passes(DKIM_SIGINFO *signature)
{
	return (dkim_sig_getflags(signature) & DKIM_SIGFLAG_PASSED) != 0 && dkim_sig_getbh(signature) == DKIM_SIGBH_MATCH
	       && dkim_sig_geterror(signature) == DKIM_SIGERROR_OK;
}

static void evaluate(const struct dkim_opinion_input *input, struct told *told_r)
{
	unsigned flags = DKIM_LIBFLAGS_BADSIGHANDLES;
	DKIM_STAT status;
	DKIM_SIGINFO **signatures = NULL;
	int count = 0;
	DKIM_LIB *library = dkim_init(NULL, NULL);
	if (!library || dkim_options(library, DKIM_OP_SETOPT, DKIM_OPTS_FLAGS, &flags, sizeof flags) != DKIM_STAT_OK
	    || dkim_set_key_lookup(library, find_key) != DKIM_STAT_OK)
		_exit(EXIT_MEMORY);
	DKIM *dkim = dkim_verify(library, (const u_char *)"message", NULL, &status);
	if (!dkim || dkim_set_user_context(dkim, (void *)(uintptr_t)input) != DKIM_STAT_OK)
		_exit(EXIT_MEMORY);
	/* Without a name it aborts. */
	for (const struct field *field = input->header->first; field; field = field->next)
		if (field->raw_name.length != 0)
			give_field(dkim, field);
	(void)dkim_eoh(dkim);
	give_body(dkim, input->body);
	(void)dkim_eom(dkim, NULL);
	(void)dkim_getsiglist(dkim, &signatures, &count);
	for (int i = 0; i < count && i < DKIM_OPINIONS_MAX; i++)
		told_r->passes[told_r->count++] = passes(signatures[i]);
}

static _Noreturn void child(int fd, const struct dkim_opinion_input *input)
{
	struct told told = { .count = 0 };
	if (!confine(fd))
		_exit(EXIT_FAILURE);
	evaluate(input, &told);
	_exit(write(fd, &told, sizeof told) == (ssize_t)sizeof told ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* How many bytes came until the end of the pipe, or the deadline. */
static size_t receive(int fd, struct told *told_r, long long deadline_ms, bool *late_r)
{
	char *at = (char *)told_r;
	size_t length = 0;
	while (length < sizeof *told_r) {
		struct pollfd poller = { .fd = fd, .events = POLLIN };
		long long left = deadline_ms - now_ms();
		*late_r = left <= 0;
		if (*late_r)
			break;
		int count = poll(&poller, 1, left > 60000 ? 60000 : (int)left);
		if (count == 0 || (count < 0 && errno == EINTR))
			continue;
		ssize_t got = count > 0 ? read(fd, at + length, sizeof *told_r - length) : -1;
		if (got <= 0 && !(got < 0 && errno == EINTR))
			break;
		length += got > 0 ? (size_t)got : 0;
	}
	return length;
}

static enum secondopinion_status conclude(const struct told *told, size_t length, bool late, int status)
{
	if (late || (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU))
		return SECONDOPINION_LATE;
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_MEMORY)
		return SECONDOPINION_FAILED;
	bool whole = length == sizeof *told && WIFEXITED(status) && WEXITSTATUS(status) == 0;
	return whole && told->count <= DKIM_OPINIONS_MAX ? SECONDOPINION_GIVEN : SECONDOPINION_CRASHED;
}

void dkim_opinion_get(const struct dkim_opinion_input *input, long long deadline_ms, struct dkim_opinion *opinion_r)
{
	struct told told = { .count = 0 };
	bool late = false;
	int ends[2];
	int status = 0;

	memset(opinion_r, 0, sizeof *opinion_r);
	if (pipe(ends) != 0)
		return;
	pid_t pid = fork();
	if (pid == 0) {
		close(ends[0]);
		child(ends[1], input);
	}
	close(ends[1]);
	if (pid > 0) {
		size_t length = receive(ends[0], &told, deadline_ms, &late);
		if (late)
			kill(pid, SIGKILL);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		opinion_r->status = conclude(&told, length, late, status);
	}
	close(ends[0]);
	if (opinion_r->status != SECONDOPINION_GIVEN)
		return;
	opinion_r->count = told.count;
	for (size_t i = 0; i < told.count; i++)
		opinion_r->passes[i] = told.passes[i] != 0;
}
