/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <unistd.h>

#include "cmd/relayctl.h"
#include "core/arena.h"
#include "core/mailbox.h"
#include "core/orgid.h"
#include "core/set.h"
#include "core/verp.h"

/* What one argument turned out to be. */
struct diagnostic {
	bool is_address;
	bool good;
	struct orgid id;
	struct span author;  /* the From: address that a bounce address was made for; absent: it names none */
	struct span problem; /* when not good */
};

static struct diagnostic problem(bool is_address, struct span text)
{
	struct diagnostic finding = { .is_address = is_address, .problem = text };
	return finding;
}

static struct diagnostic decode_address(struct span text, const struct set *bounce_domains, struct arena *arena)
{
	struct mailbox sender;
	struct verp verp;
	struct diagnostic finding = { .is_address = true };

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

static struct diagnostic examine_argument(const char *argument, const struct set *bounce_domains, struct arena *arena)
{
	struct span text = span_of(argument);
	struct diagnostic finding = { .good = true };

	if (span_find(text, 0, '@') != text.length)
		return decode_address(text, bounce_domains, arena);
	enum orgid_status status = orgid_parse(text, &finding.id);
	if (status == ORGID_OK)
		return finding;
	return problem(false, arena_printf(arena, "not an organization ID: %s", orgid_problem(status)));
}

static void print_line(const char *argument, const struct diagnostic *finding)
{
	if (finding->good) {
		terminal_put(stdout, SHADE_GOOD, orgid_short(&finding->id), ORGID_SHORT + 2);
		terminal_put(stdout, SHADE_GOOD, span_of(finding->id.text), ORGID_LONG + 2);
	} else {
		terminal_put(stdout, SHADE_BAD, span_of("wrong"), ORGID_SHORT + ORGID_LONG + 4);
	}
	terminal_printable(stdout, span_of(argument));
	if (!finding->good) {
		fputs(": ", stdout);
		terminal_put(stdout, SHADE_BAD, finding->problem, 0);
	} else if (finding->is_address) {
		fputs(", made for ", stdout);
		terminal_printable(stdout, span_absent(finding->author) ? span_of("no author") : finding->author);
	}
	fputc('\n', stdout);
}

static bool print_json(const char *argument, const struct diagnostic *finding)
{
	struct span id15 = finding->good ? orgid_short(&finding->id) : span_of("");
	json_t *object = json_pack("{s:o, s:s, s:b, s:o, s:s, s:o, s:o}", "input", relayctl_json_whole(span_of(argument)),
	                           "kind", finding->is_address ? "bounce-address" : "id", "valid", finding->good, "id15",
	                           relayctl_json_whole(id15), "id18", finding->good ? finding->id.text : "", "author",
	                           relayctl_json_whole(finding->author), "problem", relayctl_json_whole(finding->problem));
	return relayctl_json_print(stdout, object);
}

static bool take_argument(const char *argument, const struct set *bounce_domains, struct arena *arena, bool json,
                          bool *all_good)
{
	struct diagnostic finding = examine_argument(argument, bounce_domains, arena);
	if (arena_failed(arena))
		return false;
	*all_good = *all_good && finding.good;
	if (json)
		return print_json(argument, &finding);
	print_line(argument, &finding);
	return true;
}

enum { FLAG_JSON = 1 };

static const struct argument arguments[] = {
	{ FLAG_JSON, 0, "json", NULL,
	  "print one JSON object on a line for each argument: input, kind, valid, id15, id18, author, problem" },
};

static const struct exit_status exits[] = {
	{ RELAYCTL_GOOD, "every argument is right" },
	{ RELAYCTL_REJECT, "an argument is wrong" },
	{ RELAYCTL_USAGE, "wrong usage" },
	{ RELAYCTL_TEMPFAIL, "there is no memory, or the output cannot be written" },
};

static int org_id(int argc, char **argv);

const struct subcommand org_id_subcommand = {
	.command = {
		.name = "sfdc-relayctl org-id",
		.synopsis = "[--json] ID|BOUNCE-ADDRESS...",
		.about = "Validate organization IDs and show them in 15 and 18 characters; decode the bounce addresses of Salesforce, which "
		         "hold an ID and the author's address.",
		.arguments = arguments,
		.count = sizeof arguments / sizeof arguments[0],
		.exits = exits,
		.exit_count = sizeof exits / sizeof exits[0],
		.example = "  sfdc-relayctl org-id 00D8d000003TRx3\n",
		.manual = "sfdc-relayctl(1)",
	},
	.run = org_id,
};

static int org_id(int argc, char **argv)
{
	const struct command *command = &org_id_subcommand.command;
	char wrong[ARGUMENTS_PROBLEM_SIZE];
	bool json = false;
	bool all_good = true;

	for (int id; (id = arguments_next(command, argc, argv, wrong)) != ARGUMENTS_END;) {
		if (id != FLAG_JSON)
			return relayctl_end(command, id, wrong);
		json = true;
	}
	if (optind == argc)
		return relayctl_usage(command, "no ID or bounce address is given");

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
