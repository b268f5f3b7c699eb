/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/answer.h"

#include <stdint.h>

#define NAME_MAX_LENGTH 253
#define LABEL_MAX_LENGTH 63

static bool plain(unsigned char byte)
{
	return byte > 0x20 && byte < 0x7f && byte != '\\';
}

/* Labels of 1 to 63 bytes, 253 bytes in all. */
static bool labels_sound(struct span name)
{
	if (name.length == 0 || name.length > NAME_MAX_LENGTH)
		return false;
	for (size_t from = 0; from <= name.length;) {
		size_t dot = span_find(name, from, '.');
		if (dot == from || dot - from > LABEL_MAX_LENGTH)
			return false;
		from = dot + 1;
	}
	return true;
}

size_t answer_name_write(struct span raw, char name_r[ANSWER_NAME_SIZE])
{
	size_t length = 0;
	name_r[0] = '\0';
	if (!labels_sound(raw))
		return 0;
	for (size_t i = 0; i < raw.length; i++) {
		unsigned char byte = (unsigned char)raw.at[i];
		if (plain(byte)) {
			name_r[length++] = ascii_lower(raw.at[i]);
			continue;
		}
		name_r[length++] = '\\';
		name_r[length++] = (char)('0' + byte / 100);
		name_r[length++] = (char)('0' + byte / 10 % 10);
		name_r[length++] = (char)('0' + byte % 10);
	}
	name_r[length] = '\0';
	return length;
}

bool answer_name_plain(struct span name)
{
	for (size_t i = 0; i < name.length; i++)
		if (!plain((unsigned char)name.at[i]))
			return false;
	return labels_sound(name);
}
