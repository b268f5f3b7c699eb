/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * email_log: a file that claims to be Salesforce's Email Log: every row's fields stay within bounds, however the bytes are
 * handed out the rows are the same, and each message has one outcome. Input: the file.
 */
#include "cmd/reconciliation.h"
#include "fuzz.h"

const char fuzz_name[] = "email_log";

struct bytes {
	const uint8_t *at;
	size_t left;
	size_t step; /* bytes at once */
};

static ssize_t hand_out(void *context, char *to, size_t size)
{
	struct bytes *bytes = context;
	size_t count = bytes->left < size ? bytes->left : size;
	count = count < bytes->step ? count : bytes->step;
	memcpy(to, bytes->at, count);
	bytes->at += count;
	bytes->left -= count;
	return (ssize_t)count;
}

static bool is_same(const struct csv_row *a, const struct csv_row *b)
{
	for (size_t i = 0; a->count == b->count && i < a->count; i++)
		if (!span_equal(a->fields[i], b->fields[i]))
			return false;
	return a->count == b->count;
}

static void check_row(const struct csv_row *row)
{
	size_t length = 0;
	must(row->count > 0 && row->count <= CSV_FIELDS_MAX);
	for (size_t i = 0; i < row->count; i++)
		length += row->fields[i].length;
	must(length <= CSV_ROW_MAX);
}

static void check_counts(struct reconciliation *reconciliation, unsigned long long rows)
{
	const struct reconciliation_counts *counts = reconciliation_finish(reconciliation);
	unsigned long long outcomes = 0;
	unsigned long long joined = counts->without_id;
	for (unsigned i = 0; i < OUTCOME_COUNT; i++)
		outcomes += counts->outcomes[i];
	for (const struct parcel *parcel = reconciliation_first(reconciliation); parcel; parcel = parcel->next) {
		must(parcel->id.length > 0 && parcel->id.length <= RECONCILIATION_ID && parcel->rows > 0);
		joined += parcel->rows;
	}
	must(outcomes == counts->messages && counts->rows == rows && joined == rows);
	must(counts->outcomes[OUTCOME_ACCEPTED] == 0 && counts->outcomes[OUTCOME_REFUSED] == 0);
	const struct email_range *range = reconciliation_range(reconciliation);
	must(!range || (range->some && range->first <= range->last && range->first >= -86400));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes whole = { data, size, SIZE_MAX };
	struct bytes pieces = { data, size, 1 };
	struct csv *csv = csv_new(hand_out, &whole);
	struct csv *again = csv_new(hand_out, &pieces);
	struct reconciliation *reconciliation = reconciliation_new();
	struct email_columns columns;
	struct csv_row row;
	struct csv_row same;
	bool found = false;
	unsigned long long rows = 0;
	must(csv && again && reconciliation);
	for (enum csv_status status; (status = csv_next(csv, &row)) != CSV_END;) {
		must(status != CSV_FAILED && status == csv_next(again, &same));
		if (status != CSV_ROW)
			continue;
		must(is_same(&row, &same));
		check_row(&row);
		if (!found) {
			found = email_columns_find(&row, &columns);
			continue;
		}
		must(reconciliation_row(reconciliation, &columns, &row));
		rows++;
	}
	must(csv_next(again, &same) == CSV_END);
	check_counts(reconciliation, rows);
	reconciliation_free(reconciliation);
	csv_free(again);
	csv_free(csv);
	return 0;
}
