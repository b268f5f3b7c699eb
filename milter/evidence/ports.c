#include "config.h"

#include "evidence/ports.h"

#include <string.h>
#include <time.h>

#include "core/set.h"
#include "evidence/idn.h"

struct evidence {
	struct facts *facts;
	bool gathered;
};

static long long now_ms(void *context)
{
	(void)context;
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static long long now(void *context)
{
	(void)context;
	return (long long)time(NULL);
}

/* One entry for each name that some organisation lists, in the order of the configuration. */
static bool add_vouches(struct facts *facts, const struct set *names)
{
	struct vouch **end = &facts->vouches;
	for (size_t i = 0; i < set_count(names); i++) {
		struct vouch *vouch = arena_alloc(facts->arena, sizeof *vouch);
		if (!vouch)
			return false;
		vouch->name = set_at(names, i);
		*end = vouch;
		end = &vouch->next;
	}
	return true;
}

static struct evidence *begin(void *context, const struct settings *settings, struct facts *facts)
{
	(void)context;
	struct evidence *evidence = arena_alloc(facts->arena, sizeof *evidence);
	if (!evidence || !add_vouches(facts, settings->any.ip.spf))
		return NULL;
	evidence->facts = facts;
	return evidence;
}

static void field(struct evidence *evidence, struct span name, struct span value, bool leading_space)
{
	(void)evidence;
	(void)name;
	(void)value;
	(void)leading_space;
}

static void header_end(struct evidence *evidence, check_bits wanted)
{
	(void)evidence;
	(void)wanted;
}

static bool body(struct evidence *evidence, struct span chunk)
{
	(void)evidence;
	(void)chunk;
	return false;
}

static void complete(struct outcome_evidence *outcome, enum reason reason)
{
	outcome->outcome = result_make(RESULT_NONE, reason, span_make(NULL, 0));
	outcome->rfc8601 = "none";
	outcome->complete = true;
}

static bool gather(struct evidence *evidence, check_bits wanted, long long deadline_ms)
{
	(void)wanted;
	(void)deadline_ms;
	struct facts *facts = evidence->facts;
	if (evidence->gathered)
		return false;
	evidence->gathered = true;
	facts->dkim.complete = true;
	complete(&facts->spf, REASON_SPF_NONE);
	complete(&facts->dmarc, REASON_DMARC_NONE);
	for (struct vouch *vouch = facts->vouches; vouch; vouch = vouch->next) {
		vouch->outcome = result_make(RESULT_FAIL, REASON_IP_UNLISTED, span_make(NULL, 0));
		vouch->complete = true;
	}
	return true;
}

static void end(struct evidence *evidence)
{
	(void)evidence;
}

bool evidence_ports_init(struct ports *ports_r, const struct settings *settings)
{
	(void)settings;
	memset(ports_r, 0, sizeof *ports_r);
	ports_r->now_ms = now_ms;
	ports_r->now = now;
	ports_r->to_ascii = idn_to_ascii;
	ports_r->begin = begin;
	ports_r->field = field;
	ports_r->header_end = header_end;
	ports_r->body = body;
	ports_r->gather = gather;
	ports_r->end = end;
	return true;
}

void evidence_ports_clear(struct ports *ports)
{
	memset(ports, 0, sizeof *ports);
}
