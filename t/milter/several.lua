-- SPDX-License-Identifier: BSD-2-Clause
dofile(here .. "/common.lua")

local function message(conn, lk, plain)
	mail(conn, nil, plain)
	if rcpt(conn) ~= SMFIR_CONTINUE then
		return "rcpt"
	end
	headers(conn, lk)
	if eoh(conn) ~= SMFIR_CONTINUE then
		return "eoh"
	end
	body(conn)
	return eom(conn) == SMFIR_CONTINUE and "end" or "eom"
end

local conn = session()
is(message(conn), "end", "1: good")
is(message(conn, false), "eoh", "2: no organization; the first message's is not remembered")
is(message(conn), "end", "3: good")
is(message(conn, nil, true), "rcpt", "4: no TLS; that of the third is not remembered")
mt.abort(conn)

mail(conn)
rcpt(conn)
header(conn, "From", "x@attack.example")
mt.abort(conn)
is(message(conn), "end", "6: after RSET in the header; the From: before it is gone")

mail(conn)
rcpt(conn)
helo(conn)
is(message(conn), "end", "8: after a second HELO in a message")
helo(conn)
helo(conn)
is(message(conn), "end", "9: after HELO between messages")

mail(conn)
mail(conn)
is(rcpt(conn), SMFIR_CONTINUE, "10 and 11: MAIL ends the message before it")
mt.abort(conn)
mail(conn)
is(rcpt(conn), SMFIR_CONTINUE, "12: dropped in the middle")
mt.disconnect(conn, false)
