-- Before a request goes to its program, and again where lighttpd itself has to answer with an error (server.error-handler).
-- lighttpd runs this file for each request.  What it needs each time is made once, and kept where only a file that was read anew makes it
-- again (which has another _ENV): that is two thirds of what running it costs.
local door = package.loaded[_ENV]
if door then
	return door()
end

local r = lighty.r
local header, attr, env, answer = r.req_header, r.req_attr, r.req_env, r.resp_header
local find, format, lower, match, random, sub = string.find, string.format, string.lower, string.match, lighty.c.rand, string.sub

local longest = 8190 -- Apache's limit, too
local words = { patients = true, appointments = true, services = true, invoices = true, documents = true, payments = true,
	accounts = true, reports = true, auth = true, audit = true, health = true, metrics = true, ["openapi.json"] = true }
-- Nobody before us is trusted to say where a request comes from, and a trace's state is other people's.
local stripped = { ["proxy"] = true, ["forwarded"] = true, ["x-real-ip"] = true, ["x-forwarded-for"] = true,
	["x-forwarded-host"] = true, ["x-forwarded-proto"] = true, ["x-forwarded-port"] = true, ["tracestate"] = true }
local titles = { [400] = "Bad Request", [403] = "Forbidden", [404] = "Not Found", [405] = "Method Not Allowed",
	[408] = "Request Timeout", [411] = "Length Required", [413] = "Content Too Large", [414] = "URI Too Long",
	[417] = "Expectation Failed", [421] = "Misdirected Request", [431] = "Request Header Fields Too Large",
	[501] = "Not Implemented", [502] = "Service Unavailable", [503] = "Service Unavailable",
	[504] = "Service Unavailable", [505] = "HTTP Version Not Supported" }

local function random_hex()
	return format("%016x", random() << 32 | random() & 0xffffffff)
end
local ours = random_hex() -- the first half of our traces
local function id(text)
	return text and #text <= 64 and match(text, "^[%w._-]+$")
end

-- W3C Trace Context: trace, parent and flags that the client names, where it names one.
local function traceparent(text)
	local version, trace, parent, flags, more = match(text, "^(%x%x)%-(%x+)%-(%x+)%-(%x%x)(.*)$")
	if version and #trace == 32 and #parent == 16 and find(trace, "[^0]") and find(parent, "[^0]") and
		version ~= "ff" and not find(sub(text, 1, 55), "%u") and (more == "" or version ~= "00" and sub(more, 1, 1) == "-") then
		return trace, parent, flags
	end
end

-- The client's trace, else a new one.  Our part of it, a span, is what the program is told it is asked by.  And one id for the request's line in
-- the access log, the program's, and the answer: the client's where it is one, else the new trace's.
local function name_request()
	local theirs, span = header["traceparent"], random_hex()
	local trace, parent, flags
	if theirs then
		trace, parent, flags = traceparent(theirs)
	end
	trace = trace or ours .. random_hex()
	header["X-Request-Id"] = id(header["X-Request-Id"]) or id(theirs) or trace
	header["traceparent"] = "00-" .. trace .. "-" .. span .. "-" .. (flags or "00")
	env["TRACE"], env["SPAN"], env["PARENT"] = trace, span, parent or "-"
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
	local title = titles[failed] or (failed < 500 and "Bad Request" or "Internal Server Error")
	local at = path:gsub("[^%w/._~%%-]", function(c) return format("%%%02X", c:byte()) end)
	answer["Content-Type"] = "application/json"
	answer["Cache-Control"] = "no-store"
	answer["X-Request-Id"] = header["X-Request-Id"]
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
		os.date("!%Y-%m-%d %H:%M:%S"), failed, title, at, header["X-Request-Id"], title, title, at))
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

-- Names with an underscore go too: X_Request_Id would be the same variable as X-Request-Id.  Clients send the same few names again and again, so it
-- is kept what became of them, of no more than so many, since one may think up any.
local verdicts, count = {}, 0
local function unwanted(name)
	local verdict = verdicts[name]
	if verdict == nil then
		if count == 200 then
			verdicts, count = {}, 0
		end
		verdict = stripped[lower(name)] or find(name, "_", 1, true) ~= nil
		verdicts[name], count = verdict, count + 1
	end
	return verdict
end

-- False where a field is too long.
local function strip()
	local refused
	for name, value in pairs(header) do
		if #name + #value > longest then
			return false
		elseif unwanted(name) then
			refused = refused or {}
			refused[#refused + 1] = name
		end
	end
	for _, name in ipairs(refused or {}) do
		header[name] = nil
	end
	return true
end

function door()
	if not env["TRACE"] then
		name_request()
	end
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
	elseif #uri > longest then
		return 414
	elseif hidden(path) then
		return 404
	elseif not strip() then
		return 431
	end
	-- The one expectation that there is (RFC 9110, section 10.1.1).
	local expected = header["Expect"]
	if expected and lower(expected) ~= "100-continue" then
		return 417
	end
end
package.loaded[_ENV] = door
return door()
