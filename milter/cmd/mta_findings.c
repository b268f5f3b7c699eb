/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/mta_findings.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "core/log_entry.h"
#include "mta_findings_private.h"

#define TEXT_SIZE 1600
#define SHOWN_MAX 60

struct span audit_nothing(void)
{
	return span_of(NULL);
}

void audit_add(struct audit *audit, enum diagnostic_level level, const char *id, struct span command,
               const char *format, ...)
{
	char text[TEXT_SIZE], about[LOG_PRINTABLE_SIZE];
	const struct postfix_service *shared = audit->shared;
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	if (shared)
		log_entry_printable(arena_printf(&audit->found->arena, "%.*s/%.*s", TEXT(shared->name), TEXT(shared->type)),
		                    about, sizeof about);
	preflight_about(audit->found, shared ? about : NULL);
	preflight_add(audit->found, level, id, level == FINDING_OK ? NULL : command.at, "%s", text);
}

struct span audit_postconf(struct audit *audit, const char *flag, struct span argument)
{
	const char *folder = audit->setup->folder;
	if (span_absent(argument) || (folder && !preflight_value_safe(span_of(folder))))
		return audit_nothing();
	return arena_printf(&audit->found->arena, "postconf%s%s %s '%.*s'", folder ? " -c " : "", folder ? folder : "",
	                    flag, TEXT(argument));
}

struct span audit_service_name(struct audit *audit)
{
	const struct postfix_service *shared = audit->shared;
	if (!preflight_value_safe(shared->name) || !preflight_value_safe(shared->type))
		return audit_nothing();
	return arena_printf(&audit->found->arena, "%.*s/%.*s", TEXT(shared->name), TEXT(shared->type));
}

/* value is ours, or was found to mean itself within single quotes. */
static struct span set(struct audit *audit, const char *name, struct span value)
{
	struct arena *arena = &audit->found->arena;
	if (!audit->shared)
		return audit_postconf(audit, "-e", arena_printf(arena, "%s=%.*s", name, TEXT(value)));
	struct span shared = audit_service_name(audit);
	if (span_absent(shared))
		return shared;
	return audit_postconf(audit, "-P", arena_printf(arena, "%.*s/%s=%.*s", TEXT(shared), name, TEXT(value)));
}

struct span audit_set(struct audit *audit, const char *name, const char *value)
{
	return set(audit, name, span_of(value));
}

struct span audit_set_read(struct audit *audit, const char *name, struct span value)
{
	return preflight_value_safe(value) ? set(audit, name, value) : audit_nothing();
}

struct span audit_both(struct audit *audit, struct span first, struct span second)
{
	if (span_absent(first) || span_absent(second))
		return audit_nothing();
	return arena_printf(&audit->found->arena, "%.*s\n%.*s", TEXT(first), TEXT(second));
}

struct span audit_value(const struct audit *audit, const char *name)
{
	return postfix_value(audit->setup, audit->shared, name);
}

bool audit_yes(const struct audit *audit, const char *name)
{
	return postfix_is_yes(audit_value(audit, name));
}

struct span audit_shown(struct audit *audit, struct span value)
{
	char printable[LOG_PRINTABLE_SIZE];
	if (value.length == 0)
		return span_of("empty");
	log_entry_printable(span_slice(value, 0, SHOWN_MAX), printable, sizeof printable);
	return arena_printf(&audit->found->arena, "\"%s%s\"", printable, value.length > SHOWN_MAX ? "..." : "");
}

enum diagnostic_level audit_need(bool needed)
{
	return needed ? FINDING_FIX : FINDING_ADVICE;
}

void audit_reach(struct audit *audit, const struct visit *visit, enum reach reach, int error)
{
	const char *id = "socket";
	struct span user = visit->user.length != 0 ? visit->user : span_of("root");
	struct span where = audit_shown(audit, visit->address);
	const char *root = visit->chrooted ? ", chrooted as it is," : "";
	switch (reach) {
	case REACH_UNTRIED:
		audit_add(audit, FINDING_ADVICE, id, audit_nothing(),
		          "not tried: only root can try the socket %.*s as the mail server's user does; run this as root",
		          TEXT(where));
		break;
	case REACH_GOOD:
		audit_add(audit, FINDING_OK, id, audit_nothing(), "the milter answers user %.*s at %.*s", TEXT(user),
		          TEXT(where));
		break;
	case REACH_NO_USER:
		audit_add(audit, FINDING_FIX, id, audit_nothing(),
		          "there is no user %.*s on this machine, as whom the mail server would connect to the milter",
		          TEXT(user));
		break;
	case REACH_NO_CHROOT:
		audit_add(audit, FINDING_FIX, id, audit_nothing(),
		          "the folder %.*s to which the service is chrooted cannot be entered",
		          TEXT(audit_shown(audit, visit->folder)));
		break;
	case REACH_REFUSED:
		audit_add(audit, FINDING_FIX, id,
		          error == EACCES ? span_of("# in the milter's configuration: socket_group: postfix, socket_mode: 0660")
		                          : span_of("systemctl restart sfdc-milter"),
		          "user %.*s%s does not reach the milter at %.*s (%s): all mail is deferred, or passes unjudged, as "
		          "milter_default_action says",
		          TEXT(user), root, TEXT(where), strerror(error));
		break;
	case REACH_LATE:
		audit_add(audit, FINDING_FIX, id, span_of("systemctl restart sfdc-milter"),
		          "whatever listens at %.*s gave user %.*s no answer within 2 seconds: mail waits, and is deferred",
		          TEXT(where), TEXT(user));
		break;
	case REACH_NO_MILTER:
		audit_add(
			audit, FINDING_FIX, id, audit_nothing(),
			"what answers at %.*s does not speak the milter protocol: another program has the place, and no mail is judged",
			TEXT(where));
		break;
	}
}
