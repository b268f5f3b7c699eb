/* SPDX-License-Identifier: BSD-2-Clause */
/* mailbox: whatever is accepted is exactly one mailbox, and says the same when written and read again. */
#include "core/mailbox.h"
#include "fuzz.h"

const char fuzz_name[] = "mailbox";

typedef enum mailbox_status parser(struct span, struct arena *, domain_to_ascii, struct mailbox *);

static bool mailbox_same(const struct mailbox *a, const struct mailbox *b)
{
	return span_equal(a->local_part, b->local_part) && span_equal(a->domain, b->domain)
	       && span_equal(a->address, b->address);
}

static struct span joined(struct arena *arena, struct span head, struct span tail)
{
	char *text = arena_alloc(arena, head.length + tail.length);
	must(text);
	memcpy(text, head.at, head.length);
	memcpy(text + head.length, tail.at, tail.length);
	return span_make(text, head.length + tail.length);
}

static void check_good(struct arena *arena, const struct mailbox *mailbox, struct span text)
{
	struct mailbox again;
	must(domain_valid(mailbox->domain));
	must(span_equal(domain_lower(arena, mailbox->domain), mailbox->domain));
	must(mailbox->local_part.length != 0);
	must(memchr(text.at, '\0', text.length) == NULL && memchr(text.at, '@', text.length) != NULL);
	must(mailbox->address.length > mailbox->local_part.length + mailbox->domain.length);
	for (size_t i = 0; i < mailbox->address.length; i++)
		must((unsigned char)mailbox->address.at[i] >= ' ' && mailbox->address.at[i] != 0x7f);
	if (mailbox->address.length <= MAILBOX_LENGTH_MAX) {
		must(mailbox_parse_field(mailbox->address, arena, NULL, &again) == MAILBOX_OK && mailbox_same(mailbox, &again));
		must(mailbox_parse_path(mailbox->address, arena, NULL, &again) == MAILBOX_OK && mailbox_same(mailbox, &again));
	}
}

/* With little memory the answer is the same or says so. */
static void check_memory(parser *parse, struct span text, enum mailbox_status status)
{
	struct arena arena;
	struct mailbox mailbox;
	arena_init(&arena, 16 + text.length % 128);
	enum mailbox_status again = parse(text, &arena, fuzz_to_ascii, &mailbox);
	must(again == status || (again == MAILBOX_NO_MEMORY && arena_failed(&arena)));
	arena_clear(&arena);
}

static void check_field(struct arena *arena, struct span text)
{
	static const struct span second = SPAN_LITERAL(", x@evil.example");
	static const struct span nul = SPAN_LITERAL("\0");
	static const struct span word = SPAN_LITERAL(" x@evil.example");
	struct mailbox mailbox = { { NULL, 0 }, { NULL, 0 }, { NULL, 0 } };
	struct mailbox other;
	enum mailbox_status status = mailbox_parse_field(text, arena, fuzz_to_ascii, &mailbox);
	must(status != MAILBOX_UNSET && status != MAILBOX_NULL && status != MAILBOX_NO_MEMORY);
	must(mailbox_parse_field(joined(arena, text, nul), arena, fuzz_to_ascii, &other) == MAILBOX_MALFORMED);
	check_memory(mailbox_parse_field, text, status);
	if (status != MAILBOX_OK) {
		must(span_absent(mailbox.domain) && span_absent(mailbox.address));
		return;
	}
	check_good(arena, &mailbox, text);
	if (text.length + second.length > MAILBOX_LENGTH_MAX)
		return;
	must(mailbox_parse_field(joined(arena, text, second), arena, fuzz_to_ascii, &other) == MAILBOX_SEVERAL);
	must(mailbox_parse_field(joined(arena, text, word), arena, fuzz_to_ascii, &other) == MAILBOX_MALFORMED);
}

static void check_path(struct arena *arena, struct span text)
{
	static const struct span tail = SPAN_LITERAL(" SIZE=1");
	struct mailbox mailbox = { { NULL, 0 }, { NULL, 0 }, { NULL, 0 } };
	struct mailbox other;
	enum mailbox_status status = mailbox_parse_path(text, arena, fuzz_to_ascii, &mailbox);
	must(status != MAILBOX_UNSET && status != MAILBOX_SEVERAL && status != MAILBOX_GROUP
	     && status != MAILBOX_NO_MEMORY);
	must(mailbox_parse_path(joined(arena, text, tail), arena, fuzz_to_ascii, &other) == MAILBOX_MALFORMED);
	check_memory(mailbox_parse_path, text, status);
	if (status != MAILBOX_OK) {
		must(span_absent(mailbox.domain) && span_absent(mailbox.address));
		return;
	}
	check_good(arena, &mailbox, text);
	must(mailbox_parse_field(text, arena, fuzz_to_ascii, &other) == MAILBOX_OK && mailbox_same(&mailbox, &other));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	arena_init(&arena, 0);
	struct span text = fuzz_span(data, size);
	check_field(&arena, text);
	check_path(&arena, text);
	arena_clear(&arena);
	return 0;
}
