/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * org_files: the files of an sfdx project, or single ones, that hold what org_metadata reads.
 *
 * Only regular files are read, and no link is followed, the named one included. Of a folder, those below it whose
 * names end in .json, .xml or .settings; hidden folders and node_modules are left out. Entries, depth, and bytes are
 * bounded. One thread.
 */
#ifndef SFDC_CMD_ORG_FILES_H
#define SFDC_CMD_ORG_FILES_H

#include "cmd/org_metadata.h"

#define ORG_FILES_DEPTH 32
#define ORG_FILES_ENTRIES 100000
#define ORG_FILES_BYTES ((size_t)1 << 30)

struct org_files {
	struct org_metadata *metadata;
	size_t entries;
	size_t bytes;
	size_t links; /* that were not followed */

	/* A file cannot be used: problem is the end of a sentence "PATH: ...". */
	void (*complain)(const char *path, const char *problem);
};

/*
 * Read path: a file, a folder, or "-" for standard input. A named file that holds nothing of an organization is
 * wrong, and so is one in a folder that should hold something and cannot be read. False: it was complained of.
 */
bool org_files_read(struct org_files *files, const char *path);

#endif
