/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/log_keys.h"

static const struct {
	const char *name;
	bool is_number;
} keys[] = {
#define X(enumerator, name, number) { name, number },
	LOG_KEYS(X)
#undef X
};

const char *log_key_name(enum log_key key)
{
	return key < LOG_KEY_RESULTS ? keys[key].name : check_at((enum check_id)(key - LOG_KEY_RESULTS))->log_key;
}

bool log_key_is_number(enum log_key key)
{
	return key < LOG_KEY_RESULTS && keys[key].is_number;
}
