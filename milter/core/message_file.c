/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/message_file.h"

#define PIECE_SIZE 16384

struct feeding {
	struct examination *examination;
	const struct message_file *feed;
};

/* MTAs hand folds over as "\n"; a CR that belongs to no line end stays, for it is a defect. */
static struct span unfold_ends(struct arena *arena, struct span value)
{
	if (span_find(value, 0, '\r') == value.length)
		return value;
	char *copy = arena_alloc(arena, value.length);
	size_t length = 0;
	if (!copy)
		return value;
	for (size_t i = 0; i < value.length; i++)
		if (value.at[i] != '\r' || i + 1 == value.length || value.at[i + 1] != '\n')
			copy[length++] = value.at[i];
	return span_make(copy, length);
}

static bool take_field(void *context, struct span name, struct span value)
{
	struct examination *examination = ((struct feeding *)context)->examination;
	examine_field(examination, name, unfold_ends(&examination->arena, value), true);
	return true;
}

static void feed_body(struct examination *examination, struct span body)
{
	char piece[PIECE_SIZE];
	size_t length = 0;

	for (size_t i = 0; i < body.length; i++) {
		bool line_end = body.at[i] == '\n';
		if (line_end && (i == 0 || body.at[i - 1] != '\r'))
			piece[length++] = '\r';
		piece[length++] = body.at[i];
		if (length >= PIECE_SIZE - 3) {
			examine_body(examination, span_make(piece, length));
			length = 0;
		}
	}
	if (body.length != 0 && body.at[body.length - 1] != '\n') {
		piece[length++] = '\r';
		piece[length++] = '\n';
	}
	if (length != 0)
		examine_body(examination, span_make(piece, length));
}

static void watch(const struct feeding *feeding)
{
	if (feeding->feed->watch)
		feeding->feed->watch(feeding->feed->context, feeding->examination);
}

/* The MTA's dialogue is over; a message that is accepted unjudged goes on, for its header may have to be edited. */
static bool refused(const struct examination *examination)
{
	return verdict_refuses(examination->judgement.verdict);
}

static bool feed_header(struct feeding *feeding, struct span *body_r)
{
	struct examination *examination = feeding->examination;
	unsigned defects;

	message_split(feeding->feed->raw, take_field, feeding, body_r, &defects);
	examination->facts.header.defects |= defects;
	examination->facts.body_nul = span_find(*body_r, 0, '\0') != body_r->length;
	examine_header_end(examination);
	watch(feeding);
	return !refused(examination);
}

void message_file_feed(struct examination *examination, const struct settings *settings,
                       const struct environment *environment, struct span sid, const struct message_file *feed)
{
	struct feeding feeding = { examination, feed };
	struct span body;

	examine_begin(examination, settings, environment, sid, &feed->session, &feed->terms);
	watch(&feeding);
	for (size_t i = 0; i < feed->recipients && !refused(examination); i++) {
		examine_recipient(examination, span_make(NULL, 0), feed->mailers[i]);
		watch(&feeding);
	}
	if (refused(examination) || !feed_header(&feeding, &body))
		return;
	feed_body(examination, body);
	examine_finish(examination, feed->wait, feed->wait_context);
	watch(&feeding);
}
