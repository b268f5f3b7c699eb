#include "config.h"

#include <getopt.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/relayctl.h"
#include "core/arena.h"
#include "core/mailbox.h"
#include "core/orgid.h"
#include "core/set.h"
#include "core/verp.h"

/* What one argument turned out to be. */
struct finding {
	bool is_address;
	bool good;
	struct orgid id;
	struct span author;  /* the From: address that a bounce address was made for; absent: it names none */
	struct span problem; /* when not good */
};

static struct finding problem(bool is_address, struct span text)
{
	struct finding finding = { .is_address = is_address, .problem = text };
	return finding;
}

static struct finding decode_address(struct span text, const struct set *bounce_domains, struct arena *arena)
{
	struct mailbox sender;
	struct verp verp;
	struct finding finding = { .is_address = true };

	if (mailbox_parse_path(text, arena, NULL, &sender) != MAILBOX_OK)
		return problem(true, span_of("not an address"));
	switch (verp_decode(&sender, bounce_domains, arena, &verp)) {
	case VERP_OK:
		break;
	case VERP_NOT_BOUNCE:
		return problem(true, span_of("not an address below bnc.salesforce.com"));
	case VERP_UNDECODABLE:
		return problem(true, span_of("the label that should name the organization cannot be decoded"));
	case VERP_UNSET:
		return problem(true, span_of("out of memory"));
	}
	finding.good = true;
	finding.id = verp.org;
	if (verp.has_author)
		finding.author = arena_printf(arena, "%.*s@%.*s", (int)verp.author_local.length, verp.author_local.at,
		                              (int)verp.author_domain.length, verp.author_domain.at);
	return finding;
}

static struct finding examine_argument(const char *argument, const struct set *bounce_domains, struct arena *arena)
{
	struct span text = span_of(argument);
	struct finding finding = { .good = true };

	if (span_find(text, 0, '@') != text.length)
		return decode_address(text, bounce_domains, arena);
	enum orgid_status status = orgid_parse(text, &finding.id);
	if (status == ORGID_OK)
		return finding;
	return problem(false, arena_printf(arena, "not an organization ID: %s", orgid_problem(status)));
}

static void print_line(const char *argument, const struct finding *finding)
{
	if (finding->good) {
		screen_put(stdout, SHADE_GOOD, orgid_short(&finding->id), ORGID_SHORT + 2);
		screen_put(stdout, SHADE_GOOD, span_of(finding->id.text), ORGID_LONG + 2);
	} else {
		screen_put(stdout, SHADE_BAD, span_of("wrong"), ORGID_SHORT + ORGID_LONG + 4);
	}
	screen_printable(stdout, span_of(argument));
	if (!finding->good) {
		fputs(": ", stdout);
		screen_put(stdout, SHADE_BAD, finding->problem, 0);
	} else if (finding->is_address) {
		fputs(", made for ", stdout);
		screen_printable(stdout, span_absent(finding->author) ? span_of("no author") : finding->author);
	}
	fputc('\n', stdout);
}

/* Arguments may hold any byte; JSON takes UTF-8 only. */
static json_t *json_text(struct span text)
{
	json_t *value = json_stringn(text.at ? text.at : "", text.length);
	return value ? value : json_string("?");
}

static bool print_json(const char *argument, const struct finding *finding)
{
	struct span id15 = finding->good ? orgid_short(&finding->id) : span_of("");
	json_t *object = json_pack("{s:o, s:s, s:b, s:o, s:s, s:o, s:o}", "input", json_text(span_of(argument)), "kind",
	                           finding->is_address ? "bounce-address" : "id", "valid", finding->good, "id15", json_text(id15),
	                           "id18", finding->good ? finding->id.text : "", "author", json_text(finding->author), "problem",
	                           json_text(finding->problem));
	char *line = object ? json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
	if (line)
		puts(line);
	free(line);
	json_decref(object);
	return line != NULL;
}

static bool take_argument(const char *argument, const struct set *bounce_domains, struct arena *arena, bool json,
                          bool *all_good)
{
	struct finding finding = examine_argument(argument, bounce_domains, arena);
	if (arena_failed(arena))
		return false;
	*all_good = *all_good && finding.good;
	if (json)
		return print_json(argument, &finding);
	print_line(argument, &finding);
	return true;
}

int org_id_main(int argc, char **argv)
{
	static const struct option options[] = { { "json", no_argument, NULL, 'j' }, { NULL, 0, NULL, 0 } };
	bool json = false;
	bool all_good = true;

	opterr = 0;
	for (int option; (option = getopt_long(argc, argv, "+", options, NULL)) != -1;) {
		if (option != 'j')
			return relayctl_usage("org-id", "%s is no option", argv[optind - 1]);
		json = true;
	}
	if (optind == argc)
		return relayctl_usage("org-id", "no ID or bounce address is given");

	struct arena arena;
	arena_init(&arena, 0);
	struct set *bounce_domains = set_new(&arena, SET_NOCASE);
	bool enough = bounce_domains && pattern_add(bounce_domains, span_of("*.bnc.salesforce.com")) != SET_ABSENT;
	for (int i = optind; enough && i < argc; i++)
		enough = take_argument(argv[i], bounce_domains, &arena, json, &all_good);
	arena_clear(&arena);
	if (!enough) {
		relayctl_complain("out of memory");
		return RELAYCTL_TEMPFAIL;
	}
	return all_good ? RELAYCTL_GOOD : RELAYCTL_REJECT;
}
