/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/vocabulary.h"

#include <stddef.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const char *const result_names[] = {
	[RESULT_PENDING] = "pending",     [RESULT_PASS] = "pass", [RESULT_SKIP] = "skip",
	[RESULT_FAIL] = "fail",           [RESULT_NONE] = "none", [RESULT_PERMERROR] = "permerror",
	[RESULT_TEMPERROR] = "temperror",
};
_Static_assert(COUNT(result_names) == RESULT_CODES, "one name for each result");

static const char *const verdict_names[] = {
	[VERDICT_UNDECIDED] = "undecided", [VERDICT_ACCEPT] = "accept", [VERDICT_QUARANTINE] = "quarantine",
	[VERDICT_TEMPFAIL] = "tempfail",   [VERDICT_REJECT] = "reject", [VERDICT_EXEMPT] = "exempt",
	[VERDICT_SKIP] = "skip",
};
_Static_assert(COUNT(verdict_names) == VERDICTS, "one name for each verdict");

static const char *const stage_names[] = {
	[STAGE_CONNECT] = "connect", [STAGE_MAIL] = "mail", [STAGE_RCPT] = "rcpt",
	[STAGE_HEADER] = "header",   [STAGE_END] = "end",
};
_Static_assert(COUNT(stage_names) == STAGES, "one name for each stage");

static const char *const mode_names[] = {
	[MODE_UNSET] = "unset",
	[MODE_MONITOR] = "monitor",
	[MODE_DEFER] = "defer",
	[MODE_ENFORCE] = "enforce",
};
_Static_assert(COUNT(mode_names) == MODES, "one name for each mode");

static const char *const mta_names[] = {
	[MTA_UNKNOWN] = "unknown",
	[MTA_POSTFIX] = "postfix",
	[MTA_SENDMAIL] = "sendmail",
};
_Static_assert(COUNT(mta_names) == MTAS, "one name for each MTA");

static const char *name_at(const char *const *names, size_t count, size_t i)
{
	return i < count ? names[i] : "invalid";
}

/* The index of name at or after first, or count. */
static size_t name_find(const char *const *names, size_t first, size_t count, struct span name)
{
	size_t i = first;
	while (i < count && !span_equal(span_of(names[i]), name))
		i++;
	return i;
}

const char *result_name(enum result_code code)
{
	return name_at(result_names, COUNT(result_names), (size_t)code);
}

bool result_by_name(struct span name, enum result_code *code_r)
{
	size_t i = name_find(result_names, 0, COUNT(result_names), name);
	if (i == COUNT(result_names))
		return false;
	*code_r = (enum result_code)i;
	return true;
}

const char *verdict_name(enum verdict verdict)
{
	return name_at(verdict_names, COUNT(verdict_names), (size_t)verdict);
}

bool verdict_by_name(struct span name, enum verdict *verdict_r)
{
	size_t i = name_find(verdict_names, 0, COUNT(verdict_names), name);
	if (i == COUNT(verdict_names))
		return false;
	*verdict_r = (enum verdict)i;
	return true;
}

const char *stage_name(enum stage stage)
{
	return name_at(stage_names, COUNT(stage_names), (size_t)stage);
}

bool verdict_refuses(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_REJECT:
	case VERDICT_TEMPFAIL:
		return true;
	case VERDICT_UNDECIDED:
	case VERDICT_ACCEPT:
	case VERDICT_QUARANTINE:
	case VERDICT_EXEMPT:
	case VERDICT_SKIP:
		return false;
	}
	return true;
}

const char *mode_name(enum mode mode)
{
	return name_at(mode_names, COUNT(mode_names), (size_t)mode);
}

/* A mode that is not set, and an MTA that is not known, can be shown but not asked for: reading starts behind them. */
bool mode_by_name(struct span name, enum mode *mode_r)
{
	size_t i = name_find(mode_names, MODE_UNSET + 1, COUNT(mode_names), name);
	if (i == COUNT(mode_names))
		return false;
	*mode_r = (enum mode)i;
	return true;
}

const char *mta_name(enum mta mta)
{
	return name_at(mta_names, COUNT(mta_names), (size_t)mta);
}

bool mta_by_name(struct span name, enum mta *mta_r)
{
	size_t i = name_find(mta_names, MTA_UNKNOWN + 1, COUNT(mta_names), name);
	if (i == COUNT(mta_names))
		return false;
	*mta_r = (enum mta)i;
	return true;
}
