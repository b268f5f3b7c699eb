#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/relayctl.h"
#include "core/record.h"

static const char *const colors[] = {
	[SHADE_GOOD] = "\033[32m", [SHADE_BAD] = "\033[1;31m",  [SHADE_DOUBT] = "\033[33m",
	[SHADE_DIM] = "\033[2m",   [SHADE_STRONG] = "\033[1m",
};

/* https://no-color.org: any value of NO_COLOR that is not empty turns colors off. */
static bool wants_color(FILE *out)
{
	const char *no_color = getenv("NO_COLOR");
	const char *terminal = getenv("TERM");
	return isatty(fileno(out)) && (!no_color || !*no_color) && terminal && strcmp(terminal, "dumb") != 0;
}

void screen_put(FILE *out, enum shade shade, struct span text, int width)
{
	char printable[RECORD_PRINTABLE_SIZE];
	bool color = wants_color(out);
	int length = (int)record_printable(text, printable, sizeof printable);

	fprintf(out, "%s%s%s%*s", color ? colors[shade] : "", printable, color ? "\033[0m" : "",
	        width > length ? width - length : 0, "");
}

void screen_printable(FILE *out, struct span text)
{
	char printable[RECORD_PRINTABLE_SIZE];
	record_printable(text, printable, sizeof printable);
	fputs(printable, out);
}
