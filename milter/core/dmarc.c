/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/dmarc.h"
#include "core/domain.h"
#include "core/substitute.h"

/* Labels of the longest name asked after the domain itself (4.10, step 4). */
#define TREE_LABELS 7

static const struct span absent;

struct lookup {
	struct question question;
	const struct answer *answer; /* NULL: open */
	bool judged;                 /* has_record, record are set */
	bool has_record;             /* exactly one DMARC record, not to be discarded */
	struct dmarc_record record;
	bool handed_out;
	struct lookup *next;
};

struct identifier {
	enum dmarc_identifier by;
	struct span domain;
	bool hidden; /* not known to be authenticated: a lookup failed */
};

struct dmarc_walk {
	struct arena *arena;
	bool look_ahead;
	struct span author;
	size_t count;
	struct identifier identifiers[DMARC_IDENTIFIERS_MAX];
	bool closed;
	struct lookup *lookups;
	struct lookup **lookups_end;
	struct dmarc_outcome outcome;
};

enum tree_status { TREE_WAIT, TREE_FAILED, TREE_DONE };

/* A record and where it was found; record NULL: there is none. */
struct found {
	const struct dmarc_record *record;
	struct span domain;
};

/* What one tree walk found. */
struct tree {
	struct span organizational;
	struct found highest; /* the record with the fewest labels, those of public suffixes left out */
	struct found suffix;  /* the record of the public suffix above */
};

struct dmarc_walk *dmarc_walk_new(struct arena *arena, struct span author, bool look_ahead)
{
	struct dmarc_walk *walk = arena_alloc(arena, sizeof *walk);
	if (!walk)
		return NULL;
	walk->arena = arena;
	walk->look_ahead = look_ahead;
	walk->lookups_end = &walk->lookups;
	if (!domain_valid(author)) {
		walk->outcome.result = DMARC_PERMERROR;
		walk->outcome.problem = "the author domain is not well-formed";
		return walk;
	}
	walk->author = domain_lower(arena, author);
	return span_absent(walk->author) ? NULL : walk;
}

static enum dmarc_result finish(struct dmarc_walk *walk, enum dmarc_result result, const char *problem)
{
	walk->outcome.result = result;
	walk->outcome.problem = problem;
	return result;
}

static void identifier_add(struct dmarc_walk *walk, enum dmarc_identifier by, struct span domain, bool hidden)
{
	if (walk->closed || walk->count == DMARC_IDENTIFIERS_MAX || by == DMARC_BY_NOTHING || !domain_valid(domain))
		return;
	struct span copy = domain_lower(walk->arena, domain);
	if (span_absent(copy)) {
		finish(walk, DMARC_TEMPERROR, "out of memory");
		return;
	}
	walk->identifiers[walk->count].by = by;
	walk->identifiers[walk->count].domain = copy;
	walk->identifiers[walk->count].hidden = hidden;
	walk->count++;
}

void dmarc_walk_add(struct dmarc_walk *walk, enum dmarc_identifier by, struct span domain)
{
	identifier_add(walk, by, domain, false);
}

void dmarc_walk_add_hidden(struct dmarc_walk *walk, enum dmarc_identifier by, struct span domain)
{
	identifier_add(walk, by, domain, true);
}

void dmarc_walk_close(struct dmarc_walk *walk)
{
	walk->closed = true;
}

static struct lookup *lookup_find(struct dmarc_walk *walk, const struct question *question)
{
	struct lookup *lookup = walk->lookups;
	while (lookup && !question_equal(&lookup->question, question))
		lookup = lookup->next;
	return lookup;
}

/* The lookup of a question, noted when it is new. NULL without memory. */
static struct lookup *lookup_get(struct dmarc_walk *walk, enum record_type type, struct span name)
{
	struct question question = { type, name };
	struct lookup *lookup = lookup_find(walk, &question);
	if (lookup)
		return lookup;
	lookup = arena_alloc(walk->arena, sizeof *lookup);
	question.name = arena_span(walk->arena, name);
	if (!lookup || span_absent(question.name)) {
		finish(walk, DMARC_TEMPERROR, "out of memory");
		return NULL;
	}
	lookup->question = question;
	*walk->lookups_end = lookup;
	walk->lookups_end = &lookup->next;
	return lookup;
}

const struct question *dmarc_walk_next(struct dmarc_walk *walk)
{
	struct lookup *lookup = walk->lookups;
	while (lookup && (lookup->handed_out || lookup->answer))
		lookup = lookup->next;
	if (!lookup || walk->outcome.result != DMARC_PENDING)
		return NULL;
	lookup->handed_out = true;
	walk->outcome.questions++;
	return &lookup->question;
}

void dmarc_walk_answer(struct dmarc_walk *walk, const struct question *question, const struct answer *answer)
{
	struct lookup *lookup = lookup_find(walk, question);
	if (lookup && !lookup->answer && answer->status != ANSWER_PENDING)
		lookup->answer = answer;
}

/* The one record of a name; several are all discarded (4.10, step 2). */
static void lookup_judge(struct lookup *lookup)
{
	size_t found = 0;
	struct span text = absent;
	if (lookup->judged || lookup->answer->status != ANSWER_FOUND)
		return;
	for (size_t i = 0; i < lookup->answer->count; i++) {
		if (!dmarc_is_record(lookup->answer->records[i].text))
			continue;
		text = lookup->answer->records[i].text;
		found++;
	}
	lookup->has_record = found == 1 && dmarc_parse(text, &lookup->record);
	lookup->judged = true;
}

/* The lookup of the record of a domain; NULL: its name is too long to be asked, or no memory. */
static struct lookup *record_lookup(struct dmarc_walk *walk, struct span domain)
{
	static const char prefix[] = "_dmarc.";
	char name[sizeof prefix + DOMAIN_LENGTH_MAX];
	size_t length = sizeof prefix - 1 + domain.length;
	if (length > DOMAIN_LENGTH_MAX)
		return NULL;
	memcpy(name, prefix, sizeof prefix - 1);
	memcpy(name + sizeof prefix - 1, domain.at, domain.length);
	return lookup_get(walk, RECORD_TXT, span_make(name, length));
}

static size_t label_count(struct span domain)
{
	size_t count = 1;
	for (size_t i = 0; i < domain.length; i++)
		count += domain.at[i] == '.';
	return count;
}

/* The last labels of a domain. */
static struct span last_labels(struct span domain, size_t labels)
{
	size_t at = domain.length;
	while (at > 0 && !(domain.at[at - 1] == '.' && --labels == 0))
		at--;
	return span_slice(domain, at, domain.length);
}

/* The name asked in step i of the walk from a domain, absent when there is none. */
static struct span tree_target(struct span domain, size_t i)
{
	size_t labels = label_count(domain);
	size_t above = labels - 1 < TREE_LABELS ? labels - 1 : TREE_LABELS;
	if (i == 0)
		return domain;
	return i <= above ? last_labels(domain, above + 1 - i) : absent;
}

/* A record met on the way from a domain, in step i. Returns whether the walk ends there (4.10.2). */
static bool tree_take(struct tree *tree, struct span domain, size_t i, struct span target,
                      const struct dmarc_record *record)
{
	enum dmarc_psd psd = record->psd;
	if ((psd == DMARC_PSD_UNKNOWN && label_count(target) == 1) || substitute_is_suffix(target))
		psd = DMARC_PSD_YES;
	if (psd == DMARC_PSD_YES && i != 0) {
		tree->organizational = last_labels(domain, label_count(target) + 1);
		tree->suffix.record = record;
		tree->suffix.domain = target;
	} else {
		tree->organizational = target;
		tree->highest.record = record;
		tree->highest.domain = target;
	}
	return psd != DMARC_PSD_UNKNOWN;
}

static enum tree_status tree_walk(struct dmarc_walk *walk, struct span domain, struct tree *tree_r)
{
	struct span target;
	memset(tree_r, 0, sizeof *tree_r);
	tree_r->organizational = domain;
	for (size_t i = 0; (target = tree_target(domain, i)).length != 0; i++) {
		struct lookup *lookup = record_lookup(walk, target);
		if (!lookup)
			continue;
		if (!lookup->answer) {
			while (walk->look_ahead && (target = tree_target(domain, ++i)).length != 0)
				record_lookup(walk, target);
			return TREE_WAIT;
		}
		if (answer_failed(lookup->answer))
			return TREE_FAILED;
		lookup_judge(lookup);
		if (lookup->has_record && tree_take(tree_r, domain, i, target, &lookup->record))
			break;
		/* What stands above is nobody's policy for one customer. */
		if (substitute_is_suffix(target))
			break;
	}
	return TREE_DONE;
}

/* The record that applies to the author domain (4.10.1). TREE_DONE with record NULL: none does. */
static enum tree_status policy_find(struct dmarc_walk *walk, struct found *found_r)
{
	struct tree tree;
	struct lookup *own = record_lookup(walk, walk->author);
	memset(found_r, 0, sizeof *found_r);
	if (own && own->answer) {
		if (answer_failed(own->answer))
			return TREE_FAILED;
		lookup_judge(own);
		if (own->has_record) {
			found_r->record = &own->record;
			found_r->domain = walk->author;
			return TREE_DONE;
		}
	} else if (own && !walk->look_ahead) {
		return TREE_WAIT;
	}
	enum tree_status status = tree_walk(walk, walk->author, &tree);
	if (status != TREE_DONE)
		return status;
	walk->outcome.organizational = tree.organizational;
	*found_r = tree.suffix;
	if (tree.highest.record && span_equal(tree.highest.domain, tree.organizational))
		*found_r = tree.highest;
	return TREE_DONE;
}

static void policy_set(struct dmarc_walk *walk, const struct found *found, enum dmarc_policy policy)
{
	walk->outcome.policy = policy;
	walk->outcome.requested = policy;
	walk->outcome.testing = found->record->testing;
	walk->outcome.policy_domain = found->domain;
	if (found->record->testing && policy > DMARC_POLICY_NONE)
		walk->outcome.requested = (enum dmarc_policy)(policy - 1);
}

/* p= of the author's own record, else sp= where there is one. */
static enum dmarc_policy policy_usual(const struct dmarc_walk *walk, const struct found *found)
{
	bool inherited = !span_equal(found->domain, walk->author);
	return inherited && found->record->sp != DMARC_POLICY_UNSET ? found->record->sp : found->record->p;
}

/* np= where the author domain does not exist (3.2.13). False: that is not known yet. */
static bool policy_settle(struct dmarc_walk *walk, const struct found *found)
{
	enum dmarc_policy np = found->record->np;
	if (span_equal(found->domain, walk->author) || np == DMARC_POLICY_UNSET || np == walk->outcome.policy)
		return true;
	struct lookup *lookup = lookup_get(walk, RECORD_A, walk->author);
	if (!lookup || !lookup->answer)
		return false;
	if (lookup->answer->status == ANSWER_NXDOMAIN)
		policy_set(walk, found, np);
	return true;
}

static enum dmarc_result pass(struct dmarc_walk *walk, const struct identifier *identifier)
{
	walk->outcome.hidden = absent;
	walk->outcome.by = identifier->by;
	walk->outcome.aligned = identifier->domain;
	return finish(walk, DMARC_PASS, NULL);
}

/* Relaxed alignment: the same organizational domain. */
static enum tree_status relaxed(struct dmarc_walk *walk, struct span domain, bool *aligned_r)
{
	struct tree author;
	struct tree other;
	enum tree_status status = tree_walk(walk, walk->author, &author);
	*aligned_r = false;
	if (status != TREE_DONE)
		return status;
	walk->outcome.organizational = author.organizational;
	if (!domain_within(domain, author.organizational))
		return TREE_DONE;
	status = tree_walk(walk, domain, &other);
	*aligned_r = status == TREE_DONE && span_equal(author.organizational, other.organizational);
	return status;
}

/* Judge all identifiers that are there; DMARC_FAIL only once there can be no other (5.3.5, 5.3.6). */
static enum dmarc_result align(struct dmarc_walk *walk, const struct found *found)
{
	bool waits = false;
	bool failed = false;
	/* The first is told by the order of the identifiers, not by that of the answers. */
	walk->outcome.hidden = absent;
	for (size_t i = 0; i < walk->count; i++) {
		const struct identifier *identifier = &walk->identifiers[i];
		const struct dmarc_record *record = found->record;
		bool strict = identifier->by == DMARC_BY_DKIM ? record->strict_dkim : record->strict_spf;
		bool aligned = span_equal(identifier->domain, walk->author);
		enum tree_status status = aligned || strict ? TREE_DONE : relaxed(walk, identifier->domain, &aligned);
		if (walk->outcome.result != DMARC_PENDING)
			return walk->outcome.result;
		if (aligned && !identifier->hidden)
			return pass(walk, identifier);
		if (aligned && span_absent(walk->outcome.hidden))
			walk->outcome.hidden = identifier->domain;
		failed = failed || aligned;
		waits = waits || status == TREE_WAIT;
		failed = failed || status == TREE_FAILED;
	}
	if (waits || !walk->closed)
		return DMARC_PENDING;
	if (failed)
		return finish(walk, DMARC_TEMPERROR, "a lookup for an organizational domain or an aligned identifier failed");
	if (!policy_settle(walk, found))
		return walk->outcome.result;
	return finish(walk, DMARC_FAIL, "no aligned identifier");
}

enum dmarc_result dmarc_walk_step(struct dmarc_walk *walk)
{
	struct found found;
	if (walk->outcome.result != DMARC_PENDING)
		return walk->outcome.result;
	enum tree_status status = policy_find(walk, &found);
	if (walk->outcome.result != DMARC_PENDING)
		return walk->outcome.result;
	if (status == TREE_WAIT)
		return DMARC_PENDING;
	if (status == TREE_FAILED)
		return finish(walk, DMARC_TEMPERROR, "the lookup of the DMARC record failed");
	if (!found.record)
		return finish(walk, DMARC_NONE, "no DMARC record");
	if (!found.record->applies)
		return finish(walk, DMARC_NONE, "a DMARC record without a usable policy");
	if (walk->outcome.policy == DMARC_POLICY_UNSET)
		policy_set(walk, &found, policy_usual(walk, &found));
	return align(walk, &found);
}

void dmarc_walk_expire(struct dmarc_walk *walk)
{
	if (walk->outcome.result == DMARC_PENDING)
		finish(walk, DMARC_TEMPERROR, "time is up");
}

const struct dmarc_outcome *dmarc_walk_outcome(const struct dmarc_walk *walk)
{
	return &walk->outcome;
}
