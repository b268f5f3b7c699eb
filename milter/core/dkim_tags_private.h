/* SPDX-License-Identifier: BSD-2-Clause */
/* dkim_tags_private: what the readers of signatures and of key records share. */
#ifndef SFDC_CORE_DKIM_TAGS_PRIVATE_H
#define SFDC_CORE_DKIM_TAGS_PRIVATE_H

#include "core/dkim_tags.h"

/*
 * Whether a tag known by one of these names, of which NULL is the last, is written in another case: this reader would
 * overlook it, another would not.
 */
bool dkim_tags_disguised(const struct tag_list *list, const char *const *names);

/* The base64 text without its white space; absent when it is not base64 with its padding, or without memory. */
struct span dkim_tags_base64(struct span value, struct arena *arena);

/* The bytes that such a text stands for. */
struct span dkim_tags_decode(struct span text, struct arena *arena);

/* Whether a list that colons separate has the element. */
bool dkim_tags_lists(struct span list, const char *wanted);

#endif
