/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>

#include "config/file.h"
#include "config/loading.h"

/* Line by line: a CIDR block, white space around it, a comment from # on. */
static void read_lines(struct loading *loading, const struct source *source, const struct option *option,
                       struct network_set *set)
{
	struct span text = source->text;
	struct place place = { source, 0, 0 };
	for (size_t at = 0; at < text.length;) {
		size_t end = span_find(text, at, '\n');
		struct span line = span_slice(text, at, end);
		line = span_slice(line, 0, span_find(line, 0, '#'));
		struct span block = span_trim(line);
		at = end + 1;
		place.line++;
		place.column = block.length != 0 ? (unsigned)(block.at - line.at) + 1 : 1;
		if (block.length != 0)
			value_add_network(loading, place, option, block, set);
	}
}

static struct network_set *read_blocks(struct loading *loading, struct place place, const struct option *option,
                                       const char *path)
{
	char problem[FILE_PROBLEM_SIZE];
	char *bytes = NULL;
	size_t length = 0;
	if (!file_read(path, &bytes, &length, problem)) {
		diagnostic_error(&loading->diagnostics, place, "%s: %s cannot be read: %s; correct the path or the permissions",
		                 option->key, shown(span_of(path)).text, problem);
		return NULL;
	}
	struct source *source = source_new(loading, path, span_make(bytes, length));
	struct network_set *set = network_set_new(&loading->settings->arena);
	if (source && set) {
		size_t errors = loading->diagnostics.errors;
		read_lines(loading, source, option, set);
		source->text = span_make(NULL, 0);
		struct place whole = { source, 0, 0 };
		if (network_set_count(set) == 0 && loading->diagnostics.errors == errors)
			diagnostic_warning(&loading->diagnostics, whole, "%s: the file holds no network; list one per line",
			                   option->key);
		value_check_extent(loading, whole, option, set);
	} else {
		loading->diagnostics.no_memory = true;
	}
	free(bytes);
	return set;
}

static bool grow(struct loading *loading)
{
	size_t count = set_count(loading->block_paths);
	if (count < loading->block_room)
		return true;
	size_t room = count * 2 + 8;
	struct network_set **blocks = arena_array(&loading->scratch, room, sizeof(struct network_set *));
	if (!blocks)
		return false;
	if (count != 0)
		memcpy(blocks, loading->blocks, count * sizeof(struct network_set *));
	loading->blocks = blocks;
	loading->block_room = room;
	return true;
}

const struct network_set *networks_file_load(struct loading *loading, struct place place, const struct option *option,
                                             struct span path)
{
	size_t known = set_find(loading->block_paths, path);
	if (known != SET_ABSENT && loading->blocks[known])
		return loading->blocks[known];
	struct network_set *set = read_blocks(loading, place, option, path.at);
	if (!grow(loading)) {
		loading->diagnostics.no_memory = true;
		return set;
	}
	size_t number = set_add(loading->block_paths, path);
	if (number == SET_ABSENT)
		loading->diagnostics.no_memory = true;
	else
		loading->blocks[number] = set;
	return set;
}
