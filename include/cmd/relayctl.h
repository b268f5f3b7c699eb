/*
 * relayctl: what the subcommands of sfdc-relayctl share: their entry points, exit codes, files and the screen.
 *
 * Every entry point takes the arguments from its own name on, writes to standard output, complains on standard error,
 * and returns the exit code. One thread.
 */
#ifndef SFDC_CMD_RELAYCTL_H
#define SFDC_CMD_RELAYCTL_H

#include <stdbool.h>
#include <stdio.h>

#include "config/loader.h"
#include "core/span.h"

/* Exit codes; those from 64 on are of sysexits.h. */
enum relayctl_exit {
	RELAYCTL_GOOD = 0,
	RELAYCTL_REJECT = 1, /* org-id: one is wrong */
	RELAYCTL_QUARANTINE = 2,
	RELAYCTL_USAGE = 64,
	RELAYCTL_INPUT = 65,    /* unusable input */
	RELAYCTL_TEMPFAIL = 75, /* also: no memory, cannot write */
	RELAYCTL_CONFIG = 78
};

#define RELAYCTL_CONFIG_FILE SYSCONFDIR "/sfdc-milter/sfdc-milter.yaml"

int check_config_main(int argc, char **argv);
int check_message_main(int argc, char **argv);
int org_id_main(int argc, char **argv);

/* Complain: "sfdc-relayctl: ..." on standard error. */
void relayctl_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Complain and point to the help; returns RELAYCTL_USAGE. */
int relayctl_usage(const char *subcommand, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Load a configuration and print its problems, or its errors alone. NULL: there was an error. To be released with settings_free(). */
struct settings *relayctl_settings(const char *path, bool warnings);

/*
 * Read a whole file; "-" is standard input. False, with errno set, when it cannot be read. The bytes are on the heap,
 * to be freed by the caller.
 */
bool relayctl_read(const char *path, struct span *content_r);

/* How text is set off on the screen. */
enum shade { SHADE_GOOD, SHADE_BAD, SHADE_DOUBT, SHADE_DIM, SHADE_STRONG };

/* Print text padded to width, in color if out is a terminal that wants it. Bytes are made printable (record.h). */
void screen_put(FILE *out, enum shade shade, struct span text, int width);

/* Print bytes that somebody else wrote, made printable. */
void screen_printable(FILE *out, struct span text);

#endif
