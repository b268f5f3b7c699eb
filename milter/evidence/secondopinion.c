/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "evidence/secondopinion.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "secondopinion_private.h"

#define MEMORY_MAX ((size_t)32 << 20) /* bytes one opinion may take */
#define REAP_MS 2                     /* between two looks whether the child has ended */

/* How a conversation with the child ended. */
enum end {
	END_RESULT,
	END_CLOSED,   /* it is gone */
	END_NONSENSE, /* it says what no child of ours would say */
	END_LATE,
	END_WITHHELD, /* it asked for what it must not have */
	END_MEMORY
};

struct talk {
	struct arena *arena;
	const struct secondopinion_source *source;
	long long deadline_ms;
	int fd;
	struct secondopinion_message message; /* the last one that came */
	struct secondopinion_trace trace;
	struct secondopinion *opinion;
};

static const char *const malformed = "it is only given records that are well-formed";
static const char *const holds_nul = "a record holds a NUL byte, and it would only see what stands before";

static long long now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Wait until the socket is ready. False: the deadline has passed. */
static bool ready(const struct talk *talk, short events)
{
	struct pollfd poller = { .fd = talk->fd, .events = events };
	for (;;) {
		long long left = talk->deadline_ms - now_ms();
		if (left <= 0)
			return false;
		int count = poll(&poller, 1, left > 60000 ? 60000 : (int)left);
		if (count > 0)
			return true;
		if (count < 0 && errno != EINTR)
			return false;
	}
}

static enum end receive(struct talk *talk)
{
	char *at = (char *)&talk->message;
	size_t left = sizeof talk->message;
	while (left != 0) {
		if (!ready(talk, POLLIN))
			return END_LATE;
		ssize_t got = recv(talk->fd, at, left, MSG_DONTWAIT);
		if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN))
			return END_CLOSED;
		if (got > 0) {
			at += got;
			left -= (size_t)got;
		}
	}
	return END_RESULT;
}

static enum end transmit(struct talk *talk, const char *at, size_t left)
{
	while (left != 0) {
		if (!ready(talk, POLLOUT))
			return END_LATE;
		ssize_t put = send(talk->fd, at, left, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (put < 0 && errno != EINTR && errno != EAGAIN)
			return END_CLOSED;
		if (put > 0) {
			at += put;
			left -= (size_t)put;
		}
	}
	return END_RESULT;
}

/* Whether the child may have a TXT record that claims to be an SPF record; what it is given is kept for the reason. */
static enum end admit(struct talk *talk, struct span text)
{
	struct spf_policy policy;
	if (text.length != 0 && memchr(text.at, '\0', text.length)) {
		talk->opinion->because = holds_nul;
		return END_WITHHELD;
	}
	spf_parse(talk->arena, text, &policy);
	if (policy.status != SPF_POLICY_RECORD) {
		talk->opinion->because = malformed;
		return policy.status == SPF_POLICY_BROKEN ? END_WITHHELD : END_MEMORY;
	}
	struct secondopinion_record *record = arena_alloc(talk->arena, sizeof *record);
	if (!record)
		return END_MEMORY;
	record->record = policy.record;
	record->text = text;
	record->next = talk->trace.records;
	talk->trace.records = record;
	return END_RESULT;
}

/* The bytes of a record as the child gets them; absent: it does not get this one. */
static struct span record_bytes(enum record_type type, const struct answer_record *record)
{
	switch (type) {
	case RECORD_A:
		return span_make((const char *)record->address.bytes, 4);
	case RECORD_AAAA:
		return span_make((const char *)record->address.bytes, 16);
	case RECORD_MX:
	case RECORD_PTR:
		/* As core/spf.h does: a name with odd bytes is none. */
		return answer_name_plain(record->text) ? record->text : span_make(NULL, 0);
	case RECORD_TXT:
		return spf_is_record(record->text) ? record->text : span_make(NULL, 0);
	}
	return span_make(NULL, 0);
}

static void note(struct secondopinion_trace *trace, const struct question *question, const struct answer *answer)
{
	trace->many_names |= question->type == RECORD_PTR && answer->count > SPF_NAMES_MAX;
	trace->many_hosts |= question->type == RECORD_MX && answer->count > SPF_NAMES_MAX;
	trace->ptr_failed |= question->type == RECORD_PTR && answer_failed(answer);
	trace->failed |= answer_failed(answer);
	trace->one_label |= question->type == RECORD_TXT && !memchr(question->name.at, '.', question->name.length);
}

static enum end reply_with(struct talk *talk, enum record_type type, const struct answer *answer)
{
	struct secondopinion_reply reply = { .status = answer_failed(answer) ? ANSWER_TEMPFAIL : (int32_t)answer->status };
	size_t size = sizeof reply;
	for (size_t i = 0; i < answer->count; i++)
		size += sizeof(uint32_t) + record_bytes(type, &answer->records[i]).length;
	char *buffer = arena_alloc(talk->arena, size);
	if (!buffer)
		return END_MEMORY;
	size_t used = sizeof reply;
	for (size_t i = 0; i < answer->count; i++) {
		struct span bytes = record_bytes(type, &answer->records[i]);
		uint32_t length = (uint32_t)bytes.length;
		if (span_absent(bytes))
			continue;
		enum end end = type == RECORD_TXT ? admit(talk, bytes) : END_RESULT;
		if (end != END_RESULT)
			return end;
		memcpy(buffer + used, &length, sizeof length);
		memcpy(buffer + used + sizeof length, bytes.at, bytes.length);
		used += sizeof length + bytes.length;
		reply.count++;
	}
	if (reply.status == ANSWER_FOUND && reply.count == 0)
		reply.status = ANSWER_NODATA;
	memcpy(buffer, &reply, sizeof reply);
	return transmit(talk, buffer, used);
}

/* Answer a question of the child. */
static enum end answer(struct talk *talk)
{
	static const struct answer failed = { .status = ANSWER_TEMPFAIL };
	struct span name = span_make(talk->message.name, strnlen(talk->message.name, sizeof talk->message.name));
	struct question question = { .type = (enum record_type)talk->message.type, .name = name };
	const struct answer *found = &failed;

	if (talk->message.type < RECORD_A || talk->message.type > RECORD_TXT || name.length == 0
	    || name.length == sizeof talk->message.name)
		return END_NONSENSE;
	if (talk->opinion->lookups < SECONDOPINION_LOOKUPS_MAX) {
		talk->opinion->lookups++;
		found = talk->source->answer(talk->source->context, &question, talk->deadline_ms);
		if (!found)
			return END_LATE;
		note(&talk->trace, &question, found);
	} else {
		talk->trace.stopped = true;
	}
	return reply_with(talk, question.type, found);
}

static enum end converse(struct talk *talk)
{
	for (;;) {
		enum end end = receive(talk);
		if (end != END_RESULT)
			return end;
		if (talk->message.kind == SECONDOPINION_RESULT)
			break;
		end = talk->message.kind == SECONDOPINION_LOOKUP ? answer(talk) : END_NONSENSE;
		if (end != END_RESULT)
			return end;
	}
	return talk->message.result > SPF_PENDING && talk->message.result < SPF_RESULTS ? END_RESULT : END_NONSENSE;
}

/* The child's end. One that neither ends nor was told to end in time is killed. */
static int reap(const struct talk *talk, pid_t child, bool kill_now)
{
	const struct timespec pause = { 0, REAP_MS * 1000000L };
	int status = 0;
	if (kill_now)
		kill(child, SIGKILL);
	for (;;) {
		pid_t got = waitpid(child, &status, kill_now ? 0 : WNOHANG);
		if (got == child)
			return status;
		if (got < 0 && errno != EINTR)
			return 0;
		if (!kill_now && now_ms() >= talk->deadline_ms) {
			kill(child, SIGKILL);
			kill_now = true;
		}
		if (got == 0 && !kill_now)
			nanosleep(&pause, NULL);
	}
}

static void conclude(struct talk *talk, enum end end, int status)
{
	struct secondopinion *opinion = talk->opinion;
	bool ended_well = WIFEXITED(status) && WEXITSTATUS(status) == 0;

	switch (end) {
	case END_RESULT:
		opinion->status = ended_well ? SECONDOPINION_GIVEN : SECONDOPINION_CRASHED;
		break;
	case END_CLOSED:
		opinion->status = SECONDOPINION_CRASHED;
		if (WIFEXITED(status) && WEXITSTATUS(status) == SECONDOPINION_EXIT_MEMORY)
			opinion->status = SECONDOPINION_FAILED;
		if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL))
			opinion->status = SECONDOPINION_LATE;
		break;
	case END_NONSENSE:
		opinion->status = SECONDOPINION_CRASHED;
		break;
	case END_LATE:
		opinion->status = SECONDOPINION_LATE;
		break;
	case END_WITHHELD:
		opinion->status = SECONDOPINION_WITHHELD;
		return;
	case END_MEMORY:
		opinion->status = SECONDOPINION_FAILED;
		break;
	}
	opinion->because = NULL;
	if (opinion->status != SECONDOPINION_GIVEN)
		return;
	if (talk->message.local && opinion->ours == SPF_PASS) {
		opinion->status = SECONDOPINION_WITHHELD;
		opinion->because = "it lets every loopback address pass, so its pass says nothing";
		return;
	}
	talk->trace.theirs = &talk->message;
	opinion->theirs = (enum spf_result)talk->message.result;
	if (opinion->theirs != opinion->ours)
		opinion->because = secondopinion_because(&talk->trace);
}

static void ask_child(struct talk *talk, const struct spf_input *input)
{
	int fds[2];
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0)
		return;
	pid_t child = fork();
	if (child == 0) {
		close(fds[0]);
		secondopinion_child(fds[1], input);
	}
	close(fds[1]);
	talk->fd = fds[0];
	if (child > 0) {
		enum end end = converse(talk);
		int status = reap(talk, child, end != END_RESULT && end != END_CLOSED);
		conclude(talk, end, status);
	}
	close(fds[0]);
}

/* Our own evaluation, with the same answers. NULL without memory. */
static const struct spf_outcome *evaluate(struct talk *talk, const struct spf_input *input)
{
	const struct question *question;
	struct spf_walk *walk = spf_walk_new(talk->arena, input);
	if (!walk)
		return NULL;
	while (spf_walk_step(walk) == SPF_PENDING) {
		while ((question = spf_walk_next(walk)) != NULL) {
			const struct answer *found = talk->source->answer(talk->source->context, question, talk->deadline_ms);
			if (found)
				spf_walk_answer(walk, question, found, NULL);
			else
				spf_walk_expire(walk);
		}
	}
	return spf_walk_outcome(walk);
}

static bool has_nul(struct span text)
{
	return text.length != 0 && memchr(text.at, '\0', text.length) != NULL;
}

/* What libspf2 is not even asked about. NULL: it can be asked. */
static const char *unaskable(const struct spf_input *input, const struct spf_outcome *ours)
{
	if (ours->result == SPF_NONE && ours->questions == 0)
		return ours->problem.text;
	if (has_nul(input->local) || has_nul(input->helo))
		return "the sender or the HELO name holds a NUL byte";
	return NULL;
}

static void get(struct talk *talk, const struct spf_input *input)
{
	struct spf_input asked = *input;
	struct secondopinion *opinion = talk->opinion;

	asked.look_ahead = false;
	talk->trace.ours = evaluate(talk, &asked);
	if (!talk->trace.ours || arena_failed(talk->arena))
		return;
	opinion->ours = talk->trace.ours->result;
	opinion->because = unaskable(input, talk->trace.ours);
	if (opinion->because) {
		opinion->status = SECONDOPINION_WITHHELD;
		return;
	}
	/* As the walk reads them: without the trailing dot, and a mapped address as IPv4. */
	if (asked.domain.at[asked.domain.length - 1] == '.')
		asked.domain.length--;
	if (asked.client.family == ADDRESS_IPV6)
		asked.client = address_from_bytes(input->client.bytes, sizeof input->client.bytes);
	ask_child(talk, &asked);
}

void secondopinion_get(const struct spf_input *input, const struct secondopinion_source *source, long long deadline_ms,
                       struct secondopinion *opinion_r)
{
	struct arena arena;
	struct talk talk = { .arena = &arena, .source = source, .deadline_ms = deadline_ms, .opinion = opinion_r };

	memset(opinion_r, 0, sizeof *opinion_r);
	arena_init(&arena, MEMORY_MAX);
	get(&talk, input);
	arena_clear(&arena);
}
