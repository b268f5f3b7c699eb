/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dialogue: whatever an MTA says, in whatever order and however it is cut: a message passes only if its own steps, taken
 * by simpler means, make one that may; there is one log line for each message that began; and what is answered are whole
 * packets. Input: the bytes of a connection; 0xff, which begins no packet that is sound, ends the wait for evidence.
 */
#include <stdio.h>

#include "engine.h"
#include "fuzz.h"
#include "mta/dialogue.h"

const char fuzz_name[] = "dialogue";

static unsigned long long lines;

void __wrap_log_write(struct log *log, enum log_level level, const struct log_entry *entry);

/* Only the lines of messages are counted; nothing is written. */
void __wrap_log_write(struct log *log, enum log_level level, const struct log_entry *entry)
{
	(void)log, (void)level, (void)entry;
	lines++;
}

void __wrap_log_event(struct log *log, enum log_level level, const char *event, const char *format, ...);

void __wrap_log_event(struct log *log, enum log_level level, const char *event, const char *format, ...)
{
	(void)log, (void)level, (void)event, (void)format;
}

/* What is known of the message under way by looking at the packets alone. */
struct shadow {
	bool began;
	bool header_over;
	bool from, org, other_from, other_org;
	unsigned senders;
};

static struct settings *settings_one(void)
{
	struct settings *settings = settings_two(MODE_ENFORCE, MODE_ENFORCE);
	settings->org_count = 1;
	settings->headers.add_to = ADD_TO_ALL;
	sentence_set(settings, &settings->orgs[0].reject_unless, "org and from and dkim");
	must(settings_complete(settings, unite_options));
	return settings;
}

static struct live *live_one(void)
{
	static struct live *live;
	if (!live)
		live = live_new(settings_one());
	must(live);
	return live;
}

static bool holds(struct span text, const char *part)
{
	size_t length = strlen(part);
	for (size_t at = 0; at + length <= text.length; at++)
		if (span_equal_nocase(span_slice(text, at, at + length), span_of(part)))
			return true;
	return false;
}

/* White space before the colon is the business of another check. */
static void see_field(struct shadow *shadow, struct span data)
{
	struct span name, value;
	protocol_field(data, &name, &value);
	name = span_trim(name);
	if (span_equal_nocase(name, span_of("From"))) {
		shadow->other_from = shadow->other_from || shadow->from || !holds(value, "example.com");
		shadow->from = true;
	}
	if (span_equal_nocase(name, span_of("X-SFDC-LK"))) {
		shadow->other_org = shadow->other_org || shadow->org || !holds(value, "00D8d000003TRx3");
		shadow->org = true;
	}
}

static void see(struct shadow *shadow, const struct packet *packet)
{
	if (packet->letter == SMFIC_MAIL)
		*shadow = (struct shadow) { .began = true };
	else if (packet->letter == SMFIC_HEADER)
		see_field(shadow, packet->data);
	else if (packet->letter == SMFIC_EOH)
		shadow->header_over = true;
	else if (strchr("HACQK", packet->letter))
		shadow->began = false;
}

/* Whole packets with letters that a filter has; whether a header field was inserted, which only passing messages have. */
static bool check_answers(struct span rest)
{
	bool inserts = false;
	while (rest.length != 0) {
		must(rest.length >= PACKET_HEAD);
		size_t length = 0;
		for (size_t i = 0; i < 4; i++)
			length = length << 8 | (unsigned char)rest.at[i];
		must(length >= 1 && length <= rest.length - 4);
		must(strchr("Ocysmiqt", rest.at[4]) && rest.at[4] != '\0');
		inserts = inserts || rest.at[4] == SMFIR_INSHEADER;
		if (rest.at[4] == SMFIR_REPLYCODE)
			must(rest.at[5] == '4' || rest.at[5] == '5');
		rest = span_slice(rest, 4 + length, rest.length);
	}
	return inserts;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span bytes = fuzz_span(data, size);
	struct test_evidence evidence = good_evidence();
	struct environment environment = test_environment(&evidence);
	struct shared shared;
	struct dialogue dialogue;
	struct buffer out = { 0 };
	struct shadow shadow = { 0 };
	enum dialogue_status status = DIALOGUE_LISTENS;
	struct packet packet;
	const char *fault;
	size_t length;

	must(shared_init(&shared, live_one(), &environment, NULL));
	dialogue_begin(&dialogue, &shared, (struct waker) { NULL, NULL }, NULL);
	lines = 0;
	while (status != DIALOGUE_OVER && bytes.length != 0) {
		/* Evidence is there at once, or when the next byte says so. */
		evidence.absent = (unsigned char)bytes.at[0] == 0xff;
		if (evidence.absent) {
			bytes = span_slice(bytes, 1, bytes.length);
			if (bytes.length == 0)
				break;
		}
		if (protocol_read(bytes, &packet, &length, &fault) != PACKET_WHOLE)
			break;
		see(&shadow, &packet);
		status = dialogue_take(&dialogue, &packet, &out);
		bytes = span_slice(bytes, length, bytes.length);
		if (status == DIALOGUE_WAITS) {
			must(packet.letter == SMFIC_BODYEOB);
			must(dialogue_resume(&dialogue, &out) == DIALOGUE_WAITS);
			evidence.absent = false;
			/* Some are left in the middle of it. */
			if (bytes.length % 2 == 1)
				break;
			status = dialogue_resume(&dialogue, &out);
			must(status != DIALOGUE_WAITS);
		}
		if (check_answers(buffer_content(&out))) {
			must(packet.letter == SMFIC_BODYEOB && shadow.began && shadow.header_over);
			must(shadow.from && shadow.org && !shadow.other_from && !shadow.other_org);
			shadow.began = false;
		}
		buffer_take(&out, buffer_content(&out).length);
	}
	dialogue_end(&dialogue);
	must(atomic_load(&shared.open) == 0);
	must(atomic_load(&shared.messages) == lines);
	buffer_clear(&out);
	return 0;
}
