/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/command_fold.h"

#include "cmd/terminal.h"

#define CONTINUED 4 /* more columns than the first line has in front */

/* Where the shell's word that begins at from ends. */
static size_t word_end(struct span line, size_t from)
{
	char quote = '\0';
	for (; from < line.length && (quote != '\0' || line.at[from] != ' '); from++)
		if (quote == line.at[from])
			quote = '\0';
		else if (quote == '\0' && (line.at[from] == '\'' || line.at[from] == '"'))
			quote = line.at[from];
	return from;
}

/*
 * A word in single quotes that is wider than the screen, cut behind commas; the shell joins the parts, which therefore begin
 * in the first column.
 */
static size_t print_wide_word(FILE *out, struct span word, size_t column, size_t width)
{
	bool quoted = false;
	for (size_t i = 0; i < word.length; i++) {
		quoted = quoted != (word.at[i] == '\'');
		putc(word.at[i], out);
		column++;
		if (quoted && word.at[i] == ',' && column + (span_find(word, i + 1, ',') - i) + 2 > width) {
			fputs("'\\\n'", out);
			column = 1;
		}
	}
	return column;
}

static void print_line(FILE *out, struct span line, size_t indent, size_t width)
{
	size_t column = indent + 2;
	fprintf(out, "%*s$ ", (int)indent, "");
	for (size_t at = 0; at < line.length;) {
		size_t end = word_end(line, at);
		struct span word = span_slice(line, at, end);
		if (at != 0 && column + 1 + word.length + 2 > width) {
			column = indent + 2 + CONTINUED;
			fprintf(out, " \\\n%*s", (int)column, "");
		} else if (at != 0) {
			putc(' ', out);
			column++;
		}
		if (column + word.length + 2 > width) {
			column = print_wide_word(out, word, column, width);
		} else {
			fprintf(out, "%.*s", (int)word.length, word.at);
			column += word.length;
		}
		at = end + 1;
	}
	putc('\n', out);
}

void command_fold(FILE *out, struct span command, size_t indent)
{
	for (struct span line; span_next_line(&command, &line);)
		print_line(out, line, indent, terminal_width(out));
}
