/* SPDX-License-Identifier: BSD-2-Clause */
#include "config/hash.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/file.h"
#include "config/options.h"
#include "config/store.h"
#include "core/siphash.h"

/* Nobody gains by two configurations of the same hash; so the key is no secret. */
static const unsigned char key[SIPHASH_KEY] = "sfdc-milter hash";

/* Of the machine, or secret. */
static const char *const apart[] = { "socket", "metrics.listen", "pidfile", "authserv_id", "limits.store_file" };

/* Lengths go before what they count, so that nothing runs into what follows it. */
static void put(struct siphash *hash, struct span text)
{
	uint64_t length = text.length;
	siphash_put(hash, &length, sizeof length);
	if (text.length != 0)
		siphash_put(hash, text.at, text.length);
}

static void put_number(struct siphash *hash, uint64_t number)
{
	siphash_put(hash, &number, sizeof number);
}

/* A list is the same in any order: the sum of what its items come to. */
static void put_set(struct siphash *hash, const struct set *set)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < set_count(set); i++) {
		struct siphash item;
		siphash_begin(&item, key);
		put(&item, set_at(set, i));
		sum += siphash_end(&item).words[0];
	}
	put_number(hash, set_count(set));
	put_number(hash, sum);
}

static void put_network(const struct network *network, void *context)
{
	char text[NETWORK_TEXT_SIZE];
	network_format(network, text);
	put(context, span_of(text));
}

static void put_file(struct siphash *hash, struct span path)
{
	char problem[FILE_PROBLEM_SIZE];
	char *bytes = NULL;
	size_t length = 0;
	if (path.length == 0 || !file_read(path.at, &bytes, &length, problem)) {
		put_number(hash, path.length != 0);
		return;
	}
	put(hash, span_make(bytes, length));
	free(bytes);
}

static void put_durations(struct siphash *hash, const struct durations *durations)
{
	put_number(hash, durations->count);
	for (unsigned i = 0; i < durations->count; i++)
		put_number(hash, durations->seconds[i]);
}

static void put_store(struct siphash *hash, struct span store)
{
	char shown[STORE_TEXT_SIZE];
	store_text(store, shown);
	put(hash, span_of(shown));
}

static void put_value(struct siphash *hash, const struct option *option, const void *holder)
{
	const void *field = (const char *)holder + option->offset;
	switch (option->type) {
	case OPTION_TEXT:
		put(hash, *(const struct span *)field);
		break;
	case OPTION_FILE:
		put_file(hash, *(const struct span *)field);
		break;
	case OPTION_BOOLEAN:
		put_number(hash, *(const bool *)field);
		break;
	case OPTION_NUMBER:
	case OPTION_OCTAL:
	case OPTION_DURATION:
	case OPTION_CHOICES:
		put_number(hash, *(const unsigned *)field);
		break;
	case OPTION_DURATIONS:
		put_durations(hash, field);
		break;
	case OPTION_RATE:
		put_number(hash, ((const struct rate *)field)->count);
		put_number(hash, ((const struct rate *)field)->seconds);
		break;
	case OPTION_STORE:
		put_store(hash, *(const struct span *)field);
		break;
	case OPTION_CHOICE:
		put_number(hash, (uint64_t) * (const int *)field);
		break;
	case OPTION_SENTENCE:
		put(hash, ((const struct sentence *)field)->text);
		break;
	case OPTION_EXACT:
	case OPTION_NOCASE:
	case OPTION_PATTERNS:
		put_set(hash, *(struct set *const *)field);
		break;
	case OPTION_NETWORKS:
		network_set_each(*(struct network_set *const *)field, put_network, hash);
		break;
	case OPTION_BLOCKS: /* its blocks are among the networks */
	case OPTION_GLOBS:
	case OPTION_DEFAULTS:
	case OPTION_ORGS:
		break;
	}
}

static bool is_apart(const struct option *option)
{
	for (size_t i = 0; i < sizeof apart / sizeof apart[0]; i++)
		if (strcmp(option->key, apart[i]) == 0)
			return true;
	return false;
}

static void put_options(struct siphash *hash, enum option_scope scope, const void *holder)
{
	for (size_t i = 0; i < option_count(); i++) {
		const struct option *option = option_at(i);
		if (option->scope != scope || is_apart(option))
			continue;
		put(hash, span_of(option->key));
		put_value(hash, option, holder);
	}
}

void config_hash(const struct settings *settings, char text_r[CONFIG_HASH_SIZE])
{
	struct siphash hash;
	uint64_t sum = 0;
	siphash_begin(&hash, key);
	put_options(&hash, OPTION_TOP, settings);
	put_options(&hash, OPTION_ORG, &settings->defaults);
	for (size_t i = 0; i < settings->org_count; i++) {
		struct siphash org;
		siphash_begin(&org, key);
		put(&org, span_of(settings->orgs[i].id.text));
		put_options(&org, OPTION_ORG, &settings->orgs[i]);
		sum += siphash_end(&org).words[0];
	}
	put_number(&hash, settings->org_count);
	put_number(&hash, sum);
	snprintf(text_r, CONFIG_HASH_SIZE, "%016" PRIx64, siphash_end(&hash).words[0]);
}
