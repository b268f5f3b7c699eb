-- SPDX-License-Identifier: BSD-2-Clause
-- What the scripts share. Each point is echoed as "ok - WHAT" or "not ok - WHAT".

ORG = "00D8d000003TRx3EAG"
HOST = "a.mta.salesforce.com"
ADDRESS = "13.110.74.200"

function ok(good, what)
	mt.echo((good and "ok" or "not ok") .. " - " .. what)
	return good
end

function is(got, want, what)
	if not ok(got == want, what) then
		mt.echo("# got " .. tostring(got) .. ", want " .. tostring(want))
	end
end

-- A connection, up to HELO. negotiate: a function that negotiates in its own way.
function session(address, negotiate)
	local conn = mt.connect(socket, 40, 0.05)
	if conn == nil then
		error("no connection to " .. socket)
	end
	if negotiate then
		negotiate(conn)
	end
	if mt.conninfo(conn, HOST, address or ADDRESS) ~= nil then
		error("conninfo")
	end
	helo(conn)
	return conn
end

function helo(conn)
	if mt.helo(conn, HOST) ~= nil then
		error("helo")
	end
end

-- MAIL with the macros of a session over TLS; plain: without TLS.
function mail(conn, from, plain, address)
	if plain then
		mt.macro(conn, SMFIC_MAIL, "v", "Postfix 3.7.11", "j", "relay.test", "{client_addr}", address or ADDRESS,
		         "{client_name}", HOST, "{client_resolve}", "OK")
	else
		mt.macro(conn, SMFIC_MAIL, "v", "Postfix 3.7.11", "j", "relay.test", "{client_addr}", address or ADDRESS,
		         "{client_name}", HOST, "{client_resolve}", "OK", "{tls_version}", "TLSv1.3",
		         "{cipher}", "TLS_AES_256_GCM_SHA384", "{cipher_bits}", "256")
	end
	if mt.mailfrom(conn, from or "<joe@example.com>") ~= nil then
		error("mailfrom")
	end
	return mt.getreply(conn)
end

function rcpt(conn, to)
	mt.macro(conn, SMFIC_RCPT, "i", "QUEUE1", "{rcpt_mailer}", "relay")
	if mt.rcptto(conn, to or "<u@dest.test>") ~= nil then
		error("rcptto")
	end
	return mt.getreply(conn)
end

function header(conn, name, value)
	if mt.header(conn, name, " " .. value) ~= nil then
		error("header " .. name)
	end
end

-- The header of a good message; lk: another X-SFDC-LK, or false for none.
function headers(conn, lk)
	header(conn, "From", "Joe <joe@example.com>")
	header(conn, "To", "u@dest.test")
	header(conn, "Subject", "hello")
	header(conn, "Date", "Thu, 1 Jan 2026 00:00:00 +0000")
	header(conn, "Message-ID", "<1@example.com>")
	if lk ~= false then
		header(conn, "X-SFDC-LK", lk or ORG)
	end
end

function eoh(conn)
	if mt.eoh(conn) ~= nil then
		error("eoh")
	end
	return mt.getreply(conn)
end

function body(conn, text)
	if mt.bodystring(conn, text or "Hello\r\n") ~= nil then
		error("bodystring")
	end
	return mt.getreply(conn)
end

function eom(conn)
	if mt.eom(conn) ~= nil then
		error("eom")
	end
	return mt.getreply(conn)
end
