/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redis_private.h"

#define KEYS 5
#define HASH_BYTES 16
#define HASH_SIZE (HASH_BYTES * 2 + 1)
#define KEY_SIZE 96
#define NUMBER_SIZE 24
#define ARGUMENTS 12
#define WORDS (3 + KEYS + ARGUMENTS)
#define ANSWER_NUMBERS 6
#define ELEMENTS_MAX 16

/*
 * KEYS: messages, recipients, the user, the users who are not counted apart, who is counted apart.
 * ARGV: for each of messages, recipients and user the limit (0: none), the seconds and the weight; whether there is a user who
 * may be counted apart, how many may be, and that user's member of the last key.
 *
 * It is window.c in another language: slots of a sixtieth of the time, counted whole; fields are slots, values are counts. A
 * clock that goes back finds slots of the future: they count, but for those that are further away than the window.
 */
static const char script_text[] =
	"local time = redis.call('TIME')\n"
	"local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)\n"
	"local function slot_at(seconds)\n"
	"  local a, b = now * 60, seconds * 1000\n"
	"  return (a - a % b) / b\n"
	"end\n"
	"local function allows(count, sum, weight)\n"
	"  return sum == 0 or sum + weight <= count\n"
	"end\n"
	"local function look(key, count, seconds, weight)\n"
	"  local slot, sum, kept, old = slot_at(seconds), 0, {}, {}\n"
	"  local all = redis.call('HGETALL', key)\n"
	"  for i = 1, #all, 2 do\n"
	"    local at, n = tonumber(all[i]), tonumber(all[i + 1])\n"
	"    if at and n and at >= slot - 60 and at <= slot + 60 then\n"
	"      sum = sum + n\n"
	"      kept[#kept + 1] = {at, n}\n"
	"    else\n"
	"      old[#old + 1] = all[i]\n"
	"    end\n"
	"  end\n"
	"  for i = 1, #old do redis.call('HDEL', key, old[i]) end\n"
	"  if allows(count, sum, weight) then return sum, -1 end\n"
	"  table.sort(kept, function(a, b) return a[1] < b[1] end)\n"
	"  local rest, at = sum, slot\n"
	"  for i = 1, #kept do\n"
	"    rest, at = rest - kept[i][2], kept[i][1]\n"
	"    if allows(count, rest, weight) then break end\n"
	"  end\n"
	"  return sum, math.max(math.ceil((at + 61) * seconds * 1000 / 60) - now, 1)\n"
	"end\n"
	"local function add(key, seconds, weight)\n"
	"  redis.call('HINCRBY', key, string.format('%.0f', slot_at(seconds)), weight)\n"
	"  redis.call('PEXPIRE', key, math.ceil(seconds * 1000 * 61 / 60) + 1000)\n"
	"end\n"
	"local keys = {KEYS[1], KEYS[2], KEYS[4]}\n"
	"local apart = false\n"
	"local user_seconds = tonumber(ARGV[8])\n"
	"if tonumber(ARGV[7]) > 0 and ARGV[10] == '1' then\n"
	"  redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', string.format('%.0f', now - user_seconds * 1000 * 61 / 60))\n"
	"  if redis.call('ZSCORE', KEYS[5], ARGV[12]) or redis.call('ZCARD', KEYS[5]) < tonumber(ARGV[11]) then\n"
	"    keys[3], apart = KEYS[3], true\n"
	"  end\n"
	"end\n"
	"local answer = {0, 0, 0, 0, 0, 0}\n"
	"for kind = 1, 3 do\n"
	"  local count, seconds, weight = tonumber(ARGV[kind * 3 - 2]), tonumber(ARGV[kind * 3 - 1]), tonumber(ARGV[kind * 3])\n"
	"  if count > 0 then\n"
	"    local sum, wait = look(keys[kind], count, seconds, weight)\n"
	"    answer[3 + kind] = sum\n"
	"    if wait >= 0 and answer[1] == 0 then answer[1], answer[2], answer[3] = 1, kind, wait end\n"
	"  end\n"
	"end\n"
	"if answer[1] == 1 then return answer end\n"
	"for kind = 1, 3 do\n"
	"  local count, seconds, weight = tonumber(ARGV[kind * 3 - 2]), tonumber(ARGV[kind * 3 - 1]), tonumber(ARGV[kind * 3])\n"
	"  if count > 0 then\n"
	"    add(keys[kind], seconds, weight)\n"
	"    answer[3 + kind] = answer[3 + kind] + weight\n"
	"  end\n"
	"end\n"
	"if apart then\n"
	"  redis.call('ZADD', KEYS[5], string.format('%.0f', now), ARGV[12])\n"
	"  redis.call('PEXPIRE', KEYS[5], math.ceil(user_seconds * 1000 * 61 / 60) + 1000)\n"
	"end\n"
	"return answer\n";

struct redis_script {
	char hash[EVP_MAX_MD_SIZE * 2 + 1];
};

/* The first bytes of a digest, in hexadecimal digits. */
static bool hash_text(const EVP_MD *digest, const char *text, size_t bytes, char *to)
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned length = 0;
	if (EVP_Digest(text, strlen(text), hash, &length, digest, NULL) != 1 || length < bytes)
		return false;
	for (size_t i = 0; i < bytes; i++)
		snprintf(to + 2 * i, 3, "%02x", hash[i]);
	return true;
}

struct redis_script *redis_script_new(void)
{
	struct redis_script *script = calloc(1, sizeof *script);
	/* The store names scripts by their SHA-1, which proves nothing here. */
	if (script && !hash_text(EVP_sha1(), script_text, 20, script->hash)) {
		free(script);
		return NULL;
	}
	return script;
}

void redis_script_free(struct redis_script *script)
{
	free(script);
}

/* What tells counters of an organization apart: what is counted, over which time, and of whom. */
static bool hash_of(const char *what, unsigned seconds, const char *whose, char hash_r[HASH_SIZE])
{
	char text[80];
	snprintf(text, sizeof text, "%s/%u/%s", what, seconds, whose);
	return hash_text(EVP_sha256(), text, HASH_BYTES, hash_r);
}

static bool make_key(const struct demand *demand, const char *what, enum limit_kind kind, const char *whose,
                     char key_r[KEY_SIZE])
{
	char hash[HASH_SIZE];
	if (!hash_of(what, demand->rates[kind].seconds, whose, hash))
		return false;
	snprintf(key_r, KEY_SIZE, "sfdc-milter:{%s}:%s", demand->org.text, hash);
	return true;
}

static bool make_keys(const struct demand *demand, char option_map_r[KEYS][KEY_SIZE])
{
	return make_key(demand, "messages", LIMIT_MESSAGES, "", option_map_r[0])
	       && make_key(demand, "recipients", LIMIT_RECIPIENTS, "", option_map_r[1])
	       && make_key(demand, "user", LIMIT_USER, demand->user.text, option_map_r[2])
	       && make_key(demand, "others", LIMIT_USER, "", option_map_r[3])
	       && make_key(demand, "users", LIMIT_USER, "", option_map_r[4]);
}

long long redis_script_command(const struct redis_script *script, const struct demand *demand, bool whole,
                               char **command_r)
{
	char keys[KEYS][KEY_SIZE];
	char numbers[ARGUMENTS][NUMBER_SIZE];
	char member[HASH_SIZE];
	char key_count[8];
	const char *words[WORDS] = { whole ? "EVAL" : "EVALSHA", whole ? script_text : script->hash, key_count };
	size_t count = 0;

	if (!make_keys(demand, keys) || !hash_of("user", 0, demand->user.text, member))
		return -1;
	snprintf(key_count, sizeof key_count, "%d", KEYS);
	for (unsigned kind = 0; kind < LIMIT_KINDS; kind++) {
		snprintf(numbers[count++], NUMBER_SIZE, "%u", demand->rates[kind].count);
		snprintf(numbers[count++], NUMBER_SIZE, "%u", demand->rates[kind].count != 0 ? demand->rates[kind].seconds : 1);
		snprintf(numbers[count++], NUMBER_SIZE, "%u", demand->weights[kind]);
	}
	snprintf(numbers[count++], NUMBER_SIZE, "%d", demand->user.text[0] != '\0');
	snprintf(numbers[count++], NUMBER_SIZE, "%d", LIMIT_USERS_MAX);
	for (unsigned i = 0; i < KEYS; i++)
		words[3 + i] = keys[i];
	for (size_t i = 0; i < count; i++)
		words[3 + KEYS + i] = numbers[i];
	words[3 + KEYS + count] = member;
	return (long long)redisFormatCommandArgv(command_r, WORDS, words, NULL);
}

bool redis_script_answer(const redisReply *reply, const struct demand *demand, struct tally *tally_r)
{
	long long numbers[ANSWER_NUMBERS];
	memset(tally_r, 0, sizeof *tally_r);
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != ANSWER_NUMBERS)
		return false;
	for (size_t i = 0; i < ANSWER_NUMBERS; i++) {
		if (!reply->element[i] || reply->element[i]->type != REDIS_REPLY_INTEGER || reply->element[i]->integer < 0)
			return false;
		numbers[i] = reply->element[i]->integer;
	}
	if (numbers[0] > 1
	    || (numbers[0] == 1
	        && (numbers[1] < 1 || numbers[1] > LIMIT_KINDS || demand->rates[numbers[1] - 1].count == 0)))
		return false;
	tally_r->status = numbers[0] == 0 ? TALLY_WITHIN : TALLY_OVER;
	if (tally_r->status == TALLY_OVER) {
		long long longest = (long long)demand->rates[numbers[1] - 1].seconds * 1000 * 2;
		tally_r->over = (enum limit_kind)(numbers[1] - 1);
		tally_r->wait_ms = numbers[2] < longest ? numbers[2] : longest;
	}
	for (unsigned kind = 0; kind < LIMIT_KINDS; kind++)
		tally_r->used[kind] = (unsigned long long)numbers[3 + kind];
	return true;
}

/* hiredis makes room for as many elements as an answer says it has. */
#if HIREDIS_MAJOR < 1
static void *create_array(const redisReadTask *task, int elements)
{
	const redisReplyObjectFunctions *usual = task->privdata;
	return elements > ELEMENTS_MAX ? NULL : usual->createArray(task, elements);
}

redisReader *redis_script_reader(redisReplyObjectFunctions *functions)
{
	redisReader *reader = redisReaderCreate();
	if (!reader)
		return NULL;
	*functions = *reader->fn;
	functions->createArray = create_array;
	reader->privdata = reader->fn;
	reader->fn = functions;
	return reader;
}
#else
redisReader *redis_script_reader(redisReplyObjectFunctions *functions)
{
	redisReader *reader = redisReaderCreate();
	(void)functions;
	if (reader)
		reader->maxelements = ELEMENTS_MAX;
	return reader;
}
#endif
