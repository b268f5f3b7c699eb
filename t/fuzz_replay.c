/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs one fuzz target over the files of t/corpus/NAME, in a build without libFuzzer: each file as it is, its beginnings,
 * and with one byte replaced by those that parsers trip over. In long files not every byte takes part. Prints TAP; a
 * broken invariant aborts.
 */
#include <dirent.h>

#include "fuzz.h"
#include "tap.h"

#define FILE_MAX 16384
#define PLACES 50

/* An exact copy on the heap, so that a sanitizer sees reading past the end. */
static void run(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	must(copy);
	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static void run_variants(uint8_t *data, size_t size)
{
	static const char hostile[] = "\0\n\r\"\\@<,(;.\xff";
	size_t step = size / PLACES + 1;
	run(data, size);
	for (size_t length = 0; length < size; length += step)
		run(data, length);
	for (size_t i = 0; i < size; i += step) {
		uint8_t kept = data[i];
		for (size_t j = 0; j + 1 < sizeof hostile; j++) {
			data[i] = (uint8_t)hostile[j];
			run(data, size);
		}
		data[i] = kept;
	}
}

static void replay(const char *folder, const char *name)
{
	static uint8_t data[FILE_MAX];
	char path[4096];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *file = fopen(path, "rb");
	if (!ok(file != NULL, "%s/%s can be read", fuzz_name, name))
		return;
	size_t size = fread(data, 1, sizeof data, file);
	fclose(file);
	run_variants(data, size);
	ok(true, "%s/%s", fuzz_name, name);
}

int main(void)
{
	const char *source = getenv("SRCDIR");
	char folder[2048];
	snprintf(folder, sizeof folder, "%s/t/corpus/%s", source ? source : ".", fuzz_name);
	DIR *directory = opendir(folder);
	if (!ok(directory != NULL, "%s has a corpus", fuzz_name))
		return done_testing();
	unsigned files = 0;
	for (struct dirent *entry = readdir(directory); entry; entry = readdir(directory))
		if (entry->d_name[0] != '.') {
			replay(folder, entry->d_name);
			files++;
		}
	closedir(directory);
	ok(files != 0, "%u files", files);
	return done_testing();
}
