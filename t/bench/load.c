/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * load: sends messages to a milter, over and over, and says how long each took.
 *
 *     load -s SOCKET [-c CONNECTIONS] [-n MESSAGES] [-p PER-CONNECTION] [-x TEXT]... [OPTION]... FILE...
 *     load -s SOCKET -i SESSIONS [OPTION]...
 *
 * So many connections at a time send the messages of the files by turns, MESSAGES in all, PER-CONNECTION on each
 * connection. Every message must be accepted and gain header fields that contain each TEXT; else the exit code is 1. The
 * result is one line of JSON. With -i it only opens sessions, up to HELO, says "idle", and closes them when its standard
 * input ends. OPTIONs tell of the session: -D MACRO=VALUE, -a CLIENT-ADDRESS, -N CLIENT-NAME, -H HELO, -f SENDER,
 * -t RECIPIENT.
 */
#include "config.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "peer.h"

#define TEXTS_MAX 32

struct run {
	const char *socket;
	struct story story;
	unsigned long connections;
	unsigned long messages;
	unsigned long per_connection;
	unsigned long idle;
	const char *texts[TEXTS_MAX];
	size_t text_count;
	struct letter *letters;
	size_t letter_count;
	double *latencies; /* microseconds, one for each message */
	atomic_ulong next;
	atomic_bool failed;
};

static double now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void complain(struct run *run, const char *text)
{
	if (!atomic_exchange(&run->failed, true))
		fprintf(stderr, "load: %s\n", text);
}

static bool texts_added(struct run *run, const struct peer *peer)
{
	for (size_t i = 0; i < run->text_count; i++) {
		if (strstr(peer->added, run->texts[i]))
			continue;
		char text[PEER_ADDED_SIZE + 200];
		snprintf(text, sizeof text, "\"%s\" is not in the fields that were added:\n%s", run->texts[i], peer->added);
		complain(run, text);
		return false;
	}
	return true;
}

/* One connection with its messages, which are numbered from first on. The first one's time includes connecting. */
static bool serve_connection(struct run *run, struct peer *peer, unsigned long first)
{
	unsigned long end = first + run->per_connection < run->messages ? first + run->per_connection : run->messages;
	double began = now_us();
	bool good = peer_open(peer, run->socket, &run->story, first);

	for (unsigned long i = first; good && i < end; i++) {
		good = peer_send(peer, &run->letters[i % run->letter_count]);
		double ended = now_us();
		run->latencies[i] = ended - began;
		began = ended;
		if (good && !texts_added(run, peer))
			break;
	}
	if (!good)
		complain(run, peer->error);
	peer_close(peer);
	return good;
}

static void *work(void *argument)
{
	struct run *run = argument;
	struct peer *peer = malloc(sizeof *peer);

	if (!peer)
		complain(run, "out of memory");
	while (peer && !atomic_load(&run->failed)) {
		unsigned long first = atomic_fetch_add(&run->next, run->per_connection);
		if (first >= run->messages || !serve_connection(run, peer, first))
			break;
	}
	free(peer);
	return NULL;
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a;
	double right = *(const double *)b;
	return (left > right) - (left < right);
}

static int send_all(struct run *run)
{
	pthread_t *threads = calloc(run->connections, sizeof *threads);
	run->latencies = calloc(run->messages, sizeof *run->latencies);
	if (!threads || !run->latencies)
		return 1;
	double began = now_us();
	unsigned long started = 0;
	while (started < run->connections && pthread_create(&threads[started], NULL, work, run) == 0)
		started++;
	if (started < run->connections)
		complain(run, "no more threads");
	for (unsigned long i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	double seconds = (now_us() - began) / 1e6;
	free(threads);
	if (atomic_load(&run->failed))
		return 1;
	qsort(run->latencies, run->messages, sizeof *run->latencies, compare);
	printf("{\"messages\": %lu, \"seconds\": %.6f, \"p50_us\": %.1f, \"p99_us\": %.1f}\n", run->messages, seconds,
	       run->latencies[(run->messages - 1) / 2], run->latencies[(run->messages - 1) * 99 / 100]);
	return 0;
}

static int stay_idle(struct run *run)
{
	struct peer *peers = calloc(run->idle, sizeof *peers);
	if (!peers)
		return 1;
	for (unsigned long i = 0; i < run->idle; i++)
		if (!peer_open(&peers[i], run->socket, &run->story, i) || !peer_flush(&peers[i])) {
			complain(run, peers[i].error);
			return 1;
		}
	puts("idle");
	fflush(stdout);
	while (getchar() != EOF)
		continue;
	for (unsigned long i = 0; i < run->idle; i++)
		peer_close(&peers[i]);
	free(peers);
	return 0;
}

static bool read_letter(const char *path, struct letter *letter_r)
{
	FILE *file = fopen(path, "rb");
	char *text = NULL;
	long length = -1;

	if (file && fseek(file, 0, SEEK_END) == 0 && (length = ftell(file)) >= 0 && fseek(file, 0, SEEK_SET) == 0)
		text = malloc((size_t)length + 1);
	bool good =
		text && fread(text, 1, (size_t)length, file) == (size_t)length && letter_parse(text, (size_t)length, letter_r);
	if (file)
		fclose(file);
	if (!good)
		fprintf(stderr, "load: %s is no message that can be read\n", path);
	return good; /* the letter refers to the text until the process ends */
}

static bool add_macro(struct story *story, char *definition)
{
	char *equals = strchr(definition, '=');
	if (!equals || story->macro_count == STORY_MACROS_MAX)
		return false;
	*equals = '\0';
	story->macros[story->macro_count].name = definition;
	story->macros[story->macro_count++].value = equals + 1;
	return true;
}

static bool parse_count(const char *text, unsigned long *count_r)
{
	char *end;
	*count_r = strtoul(text, &end, 10);
	return *end == '\0' && *count_r > 0 && *count_r < 100000000;
}

static bool take_option(struct run *run, int option, char *value)
{
	switch (option) {
	case 's':
		run->socket = value;
		return true;
	case 'c':
		return parse_count(value, &run->connections);
	case 'n':
		return parse_count(value, &run->messages);
	case 'p':
		return parse_count(value, &run->per_connection);
	case 'i':
		return parse_count(value, &run->idle);
	case 'D':
		return add_macro(&run->story, value);
	case 'a':
		run->story.client_address = value;
		return true;
	case 'N':
		run->story.client_name = value;
		return true;
	case 'H':
		run->story.helo = value;
		return true;
	case 'f':
		run->story.sender = value;
		return true;
	case 't':
		run->story.recipient = value;
		return true;
	case 'x':
		if (run->text_count < TEXTS_MAX)
			run->texts[run->text_count++] = value;
		return run->text_count < TEXTS_MAX;
	default:
		return false;
	}
}

static bool read_letters(struct run *run, char **paths, size_t count)
{
	run->letters = calloc(count, sizeof *run->letters);
	for (size_t i = 0; run->letters && i < count; i++)
		if (!read_letter(paths[i], &run->letters[i]))
			return false;
	run->letter_count = count;
	return run->letters != NULL;
}

int main(int argc, char **argv)
{
	static struct run run = {
		.connections = 16,
		.messages = 1000,
		.per_connection = 1,
		.story = { .client_name = "client.example.net",
		           .client_address = "192.0.2.1",
		           .helo = "client.example.net",
		           .sender = "<>",
		           .recipient = "<user@dest.test>" },
	};
	int option;

	while ((option = getopt(argc, argv, "s:c:n:p:i:D:a:N:H:f:t:x:")) != -1)
		if (!take_option(&run, option, optarg)) {
			fprintf(stderr, "load: option -%c cannot be used that way\n", option);
			return 64;
		}
	if (!run.socket || (run.idle == 0) == (optind == argc)) {
		fprintf(stderr, "usage: load -s SOCKET [OPTION]... FILE... | load -s SOCKET -i SESSIONS [OPTION]...\n");
		return 64;
	}
	if (run.idle > 0)
		return stay_idle(&run);
	return read_letters(&run, argv + optind, (size_t)(argc - optind)) ? send_all(&run) : 1;
}
