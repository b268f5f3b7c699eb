#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Tests are chosen by name: t/README.
number=0
failed=0
same() { # WHAT GOT WANT
    number=$((number + 1))
    if [ "$2" = "$3" ]; then
        echo "ok $number - $1"
    else
        printf 'not ok %d - %s\n# got  %s\n# want %s\n' "$number" "$1" "$2" "$3"
        failed=1
    fi
}
select_() {
    "$SRCDIR/t/select" "$BUILDDIR" "$SRCDIR" "$@" 2>&1
    echo "=$?"
}
same "a program, a script, a case file" "$(select_ unit_judge mta_modes from.case | tr '\n' ' ')" \
    "$BUILDDIR/t/unit_judge $SRCDIR/t/mta_modes.t $SRCDIR/t/cases/from.case =0 "
same "by the longest spelling too" "$(select_ t/unit_judge t/mta_modes.t from.case | tr '\n' ' ')" \
    "$BUILDDIR/t/unit_judge $SRCDIR/t/mta_modes.t $SRCDIR/t/cases/from.case =0 "
same "what does not exist is an error" "$(select_ no_such | tr '\n' ' ')" "t/select: there is no test no_such =1 "
one=$(CASE='F01*' "$BUILDDIR/t/case_runner" "$SRCDIR/t/cases/from.case")
same "one case by its name" "$(echo "$one" | grep -c '^ok 1 - from.case: F01') $(echo "$one" | tail -n 1)" "1 1..1"
CASE='no such case' "$BUILDDIR/t/case_runner" "$SRCDIR/t/cases/from.case" > /dev/null
same "a name that no case has is no success" "$?" 1
echo "1..$number"
exit $failed
