/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/log_entry.h"

#define WIDTH_MIN 40
#define WIDTH_MAX 1000
#define WIDTH_USUAL 80

static const char *const colors[] = {
	[SHADE_PLAIN] = "",         [SHADE_GOOD] = "\033[32m", [SHADE_BAD] = "\033[1;31m",
	[SHADE_DOUBT] = "\033[33m", [SHADE_DIM] = "\033[2m",   [SHADE_STRONG] = "\033[1m",
};

/* https://no-color.org: any value of NO_COLOR that is not empty turns colors off. */
static bool wants_color(FILE *out)
{
	const char *no_color = getenv("NO_COLOR");
	const char *terminal = getenv("TERM");
	return isatty(fileno(out)) && (!no_color || !*no_color) && terminal && strcmp(terminal, "dumb") != 0;
}

size_t terminal_width(FILE *out)
{
	const char *columns = getenv("COLUMNS");
	unsigned long width = 0;
	struct winsize size;
	if (!columns || !span_number(span_of(columns), WIDTH_MAX, &width))
		width = isatty(fileno(out)) && ioctl(fileno(out), TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
	if (width == 0)
		width = WIDTH_USUAL;
	return width < WIDTH_MIN ? WIDTH_MIN : width > WIDTH_MAX ? WIDTH_MAX : width;
}

void terminal_put(FILE *out, enum shade shade, struct span text, int width)
{
	char printable[LOG_PRINTABLE_SIZE];
	bool color = shade != SHADE_PLAIN && wants_color(out);
	int length = (int)log_entry_printable(text, printable, sizeof printable);

	fprintf(out, "%s%s%s%*s", color ? colors[shade] : "", printable, color ? "\033[0m" : "",
	        width > length ? width - length : 0, "");
}

void terminal_printable(FILE *out, struct span text)
{
	char printable[LOG_PRINTABLE_SIZE];
	log_entry_printable(text, printable, sizeof printable);
	fputs(printable, out);
}

void terminal_escape(struct span text, char *to, size_t size)
{
	log_entry_printable(text, to, size);
}

void terminal_fold(FILE *out, struct span text, size_t used, size_t indent)
{
	size_t width = terminal_width(out);
	size_t column = used;
	bool begun = false; /* whether this line has a word */
	for (size_t at = 0; at < text.length;) {
		size_t end = span_find(text, at, ' ');
		struct span word = span_slice(text, at, end);
		at = end + 1;
		if (word.length == 0)
			continue;
		if (begun && column + 1 + word.length > width) {
			putc('\n', out);
			column = 0;
			begun = false;
		}
		if (!begun) {
			fprintf(out, "%*s", column < indent ? (int)(indent - column) : 0, "");
			column = column < indent ? indent : column;
		} else {
			putc(' ', out);
			column++;
		}
		fprintf(out, "%.*s", (int)word.length, word.at);
		column += word.length;
		begun = true;
	}
	putc('\n', out);
}

void progress_init(struct progress *progress, FILE *out, unsigned long long total)
{
	const char *terminal = getenv("TERM");
	memset(progress, 0, sizeof *progress);
	progress->total = total;
	progress->percent = (unsigned)-1;
	if (isatty(fileno(out)) && terminal && strcmp(terminal, "dumb") != 0)
		progress->out = out;
}

void progress_show(struct progress *progress, unsigned long long done, unsigned long items, const char *what)
{
	static const char bar[] = "==============================";
	int width = (int)sizeof bar - 1;
	unsigned percent = 0;
	if (progress->total != 0)
		percent = done >= progress->total ? 100 : (unsigned)((double)done / (double)progress->total * 100);
	if (!progress->out || (progress->shown && percent == progress->percent && items % TERMINAL_PROGRESS_STEP != 0))
		return;
	progress->percent = percent;
	progress->shown = true;
	int full = (int)percent * width / 100;
	fputs("\r\033[K", progress->out);
	if (progress->total != 0)
		fprintf(progress->out, "[%.*s%*s] %3u%%  ", full, bar, width - full, "", percent);
	fprintf(progress->out, "%lu %s", items, what);
	fflush(progress->out);
}

void progress_clear(struct progress *progress)
{
	if (!progress->shown)
		return;
	fputs("\r\033[K", progress->out);
	fflush(progress->out);
	progress->shown = false;
}
