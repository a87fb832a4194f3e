-- Before a request for an unusual path goes to its program, and where lighttpd itself has to answer with an error (server.error-handler).
-- lighttpd runs this file for each such request.  What it needs each time is made once, and kept where only a file that was read anew makes
-- it again (which has another _ENV): that is two thirds of what running it costs.
local door = package.loaded[_ENV]
if door then
	return door()
end

local r = lighty.r
local header, attr, env, answer = r.req_header, r.req_attr, r.req_env, r.resp_header
local find, format, lower, match, random, sub = string.find, string.format, string.lower, string.match, lighty.c.rand, string.sub

local words = { patients = true, appointments = true, services = true, invoices = true, documents = true, payments = true,
	accounts = true, reports = true, auth = true, audit = true, health = true, metrics = true, ["openapi.json"] = true }
local titles = { [400] = "Bad Request", [403] = "Forbidden", [404] = "Not Found", [405] = "Method Not Allowed",
	[408] = "Request Timeout", [411] = "Length Required", [413] = "Content Too Large", [414] = "URI Too Long",
	[417] = "Expectation Failed", [421] = "Misdirected Request", [431] = "Request Header Fields Too Large",
	[501] = "Not Implemented", [502] = "Service Unavailable", [503] = "Service Unavailable",
	[504] = "Service Unavailable", [505] = "HTTP Version Not Supported" }

local function random_hex()
	return format("%016x", random() << 32 | random() & 0xffffffff)
end
local function id(text)
	return text and #text <= 64 and match(text, "^[%w._-]+$")
end

-- As the programs do it, where none of them is asked: the client's, where it is one, else a new one.
local function request_id()
	return id(header["X-Request-Id"]) or id(header["traceparent"]) or random_hex() .. random_hex()
end

-- Of the path the log gets only what can be no name: the first word, an id, what is done to it.
local function path_logged(path)
	local first, at = match(path, "^/([^/]*)()")
	if not words[first] then
		return "(other)"
	end
	local uuid, verb = match(path, "^/([%x-]+)(/?[a-z-]*)$", at)
	return uuid and #uuid == 36 and verb ~= "/" and path or "/" .. first
end

-- Errors of lighttpd's own have the shape of the programs'.
local function answer_error(failed, path)
	local request = request_id()
	local title = titles[failed] or (failed < 500 and "Bad Request" or "Internal Server Error")
	local at = path:gsub("[^%w/._~%%-]", function(c) return format("%%%02X", c:byte()) end)
	answer["Content-Type"] = "application/json"
	answer["Cache-Control"] = "no-store"
	answer["X-Request-Id"] = request
	-- Where a request could not be read the configuration's own don't apply.
	answer["X-Content-Type-Options"] = "nosniff"
	answer["X-Frame-Options"] = "DENY"
	answer["Referrer-Policy"] = "no-referrer"
	answer["Content-Security-Policy"] = "default-src 'self'; frame-ancestors 'none'"
	if attr["uri.scheme"] == "https" then
		answer["Strict-Transport-Security"] = "max-age=31536000"
	end
	if failed == 405 then
		answer["Allow"] = "GET, HEAD, OPTIONS"
	elseif failed == 503 then
		answer["Retry-After"] = "1"
	end
	r.resp_body.set(format('{"timestamp":"%s","status":%d,"message":"%s","path":"%s","requestId":"%s",' ..
		'"type":"about:blank","title":"%s","detail":"%s","instance":"%s"}\n',
		os.date("!%Y-%m-%d %H:%M:%S"), failed, title, at, request, title, title, at))
	return failed
end

-- What programs count is for this machine alone, and not for whoever had a proxy on it ask: to others it isn't there.
local function hidden(path)
	if find(path, "%", 1, true) then
		path = path:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end)
	end
	if path ~= "/metrics" then
		return false
	end
	local from = (attr["request.remote-addr"] or ""):gsub("^::ffff:", "")
	return not (match(from, "^127%.[%d.]+$") or from == "::1") or header["Forwarded"] or header["X-Forwarded-For"] or
		header["X-Forwarded-Host"] or header["X-Real-IP"] or header["Via"]
end

function door()
	local uri = attr["request.orig-uri"] or ""
	local query = find(uri, "?", 1, true)
	local path = query and sub(uri, 1, query - 1) or uri
	if path == "" then
		path = "/" -- of a request that could not be read
	end
	env["PATH_LOGGED"] = path_logged(path)
	local failed = tonumber(env["REDIRECT_STATUS"])
	if failed then
		return answer_error(failed, path)
	elseif hidden(path) then
		return 404
	end
	-- The one expectation that there is (RFC 9110, section 10.1.1).
	local expected = header["Expect"]
	if expected and lower(expected) ~= "100-continue" then
		return 417
	end
	if path == "/openapi.json" then
		answer["X-Request-Id"] = request_id()
	end
end
package.loaded[_ENV] = door
return door()
