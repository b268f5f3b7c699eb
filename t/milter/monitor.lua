-- SPDX-License-Identifier: BSD-2-Clause
dofile(here .. "/common.lua")

local conn = session()
ok(mt.test_option(conn, SMFIP_NR_RCPT), "where nothing is enforced RCPT has no reply")
mail(conn, nil, true)
rcpt(conn)
headers(conn, "00DA0000000Hu5a")
is(eoh(conn), SMFIR_CONTINUE, "what would be refused is not")
body(conn)
is(eom(conn), SMFIR_CONTINUE, "to its end")
ok(string.find(mt.getheader(conn, "X-SFDC-Relay", 0), "would=reject"), "the result header says what would be done")
mt.disconnect(conn)
