-- SPDX-License-Identifier: BSD-2-Clause
dofile(here .. "/common.lua")

-- An MTA of old that offers none of the newer steps and options: all works, with a reply to everything.
local conn = session(nil, function (c)
	if mt.negotiate(c, 2, SMFIF_ADDHDRS + SMFIF_CHGHDRS + SMFIF_QUARANTINE, SMFIP_NOCONNECT + SMFIP_NOHELO + SMFIP_NOMAIL +
	                SMFIP_NORCPT + SMFIP_NOBODY + SMFIP_NOHDRS) ~= nil then
		error("negotiate")
	end
end)
ok(not mt.test_option(conn, SMFIP_NR_CONN) and not mt.test_option(conn, SMFIP_NR_HDR), "replies to everything")
ok(not mt.test_option(conn, SMFIP_SKIP) and not mt.test_option(conn, SMFIP_HDR_LEADSPC), "no options")
is(mt.getreply(conn), SMFIR_CONTINUE, "HELO")
is(mail(conn), SMFIR_CONTINUE, "MAIL")
is(rcpt(conn), SMFIR_CONTINUE, "RCPT")
mt.header(conn, "From", "joe@example.com")
is(mt.getreply(conn), SMFIR_CONTINUE, "a header field")
mt.header(conn, "X-SFDC-LK", ORG)
is(eoh(conn), SMFIR_CONTINUE, "end of header")
is(body(conn), SMFIR_CONTINUE, "the body cannot be skipped")
is(body(conn), SMFIR_CONTINUE, "none of it")
is(eom(conn), SMFIR_CONTINUE, "end of message")
ok(string.find(mt.getheader(conn, "X-SFDC-Relay", 0), "^relay.test; verdict=accept"), "no leading space in what is inserted")
mail(conn, nil, true)
is(rcpt(conn), SMFIR_REPLYCODE, "and refusals")
mt.disconnect(conn)
