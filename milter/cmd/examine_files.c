/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/examine_files.h"

#include <errno.h>
#include <unistd.h>

#include "cmd/message_source.h"
#include "cmd/output.h"
#include "cmd/relayctl.h"
#include "cmd/summary.h"
#include "core/message_file.h"
#include "evidence/environment.h"
#include "evidence/waiter.h"

#define NAME_SIZE 4400
#define HOST_SIZE 256

struct run {
	const struct examine_files *request;
	struct summary summary;
	struct progress progress;
	unsigned long long before; /* bytes of the operands that are done */
	bool several;              /* operands */
	char own_host[HOST_SIZE];
	struct hops hops;
	int code;
};

static void watch(void *context, const struct examination *examination)
{
	output_trace(context, examination);
}

static int exit_code(enum verdict outcome)
{
	switch (outcome) {
	case VERDICT_ACCEPT:
	case VERDICT_EXEMPT:
	case VERDICT_SKIP:
		return RELAYCTL_GOOD;
	case VERDICT_REJECT:
		return RELAYCTL_REJECT;
	case VERDICT_QUARANTINE:
		return RELAYCTL_QUARANTINE;
	case VERDICT_TEMPFAIL:
	case VERDICT_UNDECIDED:
		return RELAYCTL_TEMPFAIL;
	}
	return RELAYCTL_TEMPFAIL;
}

/* Of several messages the worst counts: unusable input, then reject, tempfail, quarantine. */
static int worse(int a, int b)
{
	static const int order[] = { RELAYCTL_INPUT, RELAYCTL_REJECT, RELAYCTL_TEMPFAIL, RELAYCTL_QUARANTINE };
	for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
		if (a == order[i] || b == order[i])
			return order[i];
	return RELAYCTL_GOOD;
}

/* "inbox:2" in an mbox, elsewhere the file. */
static void name_item(const struct source_item *item, char name_r[NAME_SIZE])
{
	if (item->number != 0)
		snprintf(name_r, NAME_SIZE, "%s:%lu", item->file, item->number);
	else
		snprintf(name_r, NAME_SIZE, "%s", item->file);
}

static void complain(struct run *run, const char *name, const char *problem)
{
	progress_clear(&run->progress);
	relayctl_complain_of(name, problem);
}

static bool print(struct run *run, const struct view *view, bool alone)
{
	const struct examine_files *request = run->request;
	progress_clear(&run->progress);
	if (request->json)
		return output_json(stdout, view);
	if (alone || request->explain || request->trace || request->trace_hops)
		output_plain(stdout, view, request->explain);
	else
		summary_line(stdout, view);
	return true;
}

/* Present it; the exit code. */
static int show(struct run *run, const struct source_item *item, struct examination *examination)
{
	const struct examine_files *request = run->request;
	bool alone = !run->several && item->last && run->summary.messages + run->summary.unusable == 0;
	struct view view;
	char name[NAME_SIZE];

	name_item(item, name);
	bool good = view_make(name, examination, &view);
	if (good && request->explain) {
		struct resolver *resolver = evidence_environment_resolver(request->environment);
		view.opinions = opinions_get(examination, resolver, item->raw);
		resolver_drop(resolver);
	}
	view.file = item->file;
	view.number = item->number;
	if (request->trace_hops) {
		hops_read(item->raw, request->settings, run->own_host, &run->hops);
		view.hops = &run->hops;
	}
	good = good && print(run, &view, alone);
	if (!good) {
		complain(run, name, "out of memory");
		return RELAYCTL_TEMPFAIL;
	}
	summary_count(&run->summary, &examination->judgement);
	return exit_code(view_outcome(&view));
}

static int examine(struct run *run, const struct source_item *item)
{
	const struct examine_files *request = run->request;
	struct message_file feed = { .mailers = request->session->mailers,
		                         .recipients = request->session->recipients,
		                         .raw = item->raw,
		                         .terms.gather_all = request->explain };
	struct examination examination;
	struct waiter waiter;

	session_input(request->session, &feed.session);
	if (request->trace) {
		progress_clear(&run->progress);
		feed.watch = watch;
		feed.context = request->json ? stderr : stdout;
	}
	if (!waiter_init(&waiter)) {
		relayctl_complain("%s", strerror(errno));
		return RELAYCTL_TEMPFAIL;
	}
	feed.terms.waker = waiter_waker(&waiter);
	feed.wait = waiter_wait;
	feed.wait_context = &waiter;
	message_file_feed(&examination, request->settings, request->environment, span_of("check-message"), &feed);
	int code = show(run, item, &examination);
	examine_clear(&examination);
	waiter_destroy(&waiter);
	return code;
}

static void unusable(struct run *run, const char *name, const char *problem, int code)
{
	complain(run, name, problem);
	run->summary.unusable++;
	run->code = worse(run->code, code);
}

static void examine_operand(struct run *run, const char *operand)
{
	char problem[SOURCE_PROBLEM_SIZE];
	char name[NAME_SIZE];
	struct source_item item;
	struct message_source *source = message_source_open(operand, problem);

	if (!source) {
		unusable(run, operand, problem, RELAYCTL_INPUT);
		return;
	}
	while (message_source_next(source, &item)) {
		name_item(&item, name);
		if (item.problem[0] != '\0')
			unusable(run, name, item.problem, item.no_memory ? RELAYCTL_TEMPFAIL : RELAYCTL_INPUT);
		else
			run->code = worse(run->code, examine(run, &item));
		unsigned long count = run->summary.messages + run->summary.unusable;
		progress_show(&run->progress, run->before + message_source_position(source), count,
		              count == 1 ? "message" : "messages");
	}
	run->before += message_source_position(source);
	message_source_close(source);
}

int examine_files(const struct examine_files *request, char *const *operands)
{
	struct run run = { .request = request, .several = operands[0] && operands[1], .code = RELAYCTL_GOOD };
	unsigned long long total = 0;

	for (size_t i = 0; operands[i]; i++)
		total += message_source_size(operands[i]);
	progress_init(&run.progress, stderr, total);
	/* "localhost" may be anybody's. */
	if (gethostname(run.own_host, sizeof run.own_host - 1) != 0 || !strchr(run.own_host, '.'))
		run.own_host[0] = '\0';
	for (size_t i = 0; operands[i]; i++)
		examine_operand(&run, operands[i]);
	progress_clear(&run.progress);
	if (!request->json && run.summary.messages + run.summary.unusable > 1)
		summary_print(stdout, &run.summary);
	return run.code;
}
