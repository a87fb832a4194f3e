-- Before a request goes to its program, and again where lighttpd itself has to answer with an error (server.error-handler).
local r, header = lighty.r, lighty.r.req_header

-- One id for the request's line in the access log, the program's, and the answer: the client's where it is one, else ours.
local function id(text)
	return text and #text <= 64 and text:match("^[%w._-]+$")
end
local function random()
	return lighty.c.rand() & 0xffffffff
end
header["X-Request-Id"] = id(header["X-Request-Id"]) or id(header["traceparent"]) or
	string.format("%08x%08x%08x%08x", lighty.c.time(), random(), random(), random())

-- W3C Trace Context: the client's trace where it names one, else a new one.  Our part of it, a span, is what the program is told it is asked by.
local function hex(length)
	local s = ""
	while #s < length do
		s = s .. string.format("%08x", random())
	end
	return s
end
local function traceparent(text)
	local version, trace, parent, flags, more = (text or ""):match("^(%x%x)%-(%x+)%-(%x+)%-(%x%x)(.*)$")
	if version and #trace == 32 and #parent == 16 and trace:find("[^0]") and parent:find("[^0]") and
		version ~= "ff" and not text:sub(1, 55):find("%u") and (more == "" or version ~= "00" and more:sub(1, 1) == "-") then
		return trace, parent, flags
	end
	return hex(32), "-", "00"
end
local env = r.req_env
if not env["TRACE"] then
	local flags
	env["TRACE"], env["PARENT"], flags = traceparent(header["traceparent"])
	env["SPAN"] = hex(16)
	header["traceparent"] = "00-" .. env["TRACE"] .. "-" .. env["SPAN"] .. "-" .. flags
	header["tracestate"] = nil
end

-- Of the path the log gets only what can be no name: the first word, an id, what is done to it.
local words = { patients = true, appointments = true, services = true, invoices = true, documents = true, payments = true,
	accounts = true, reports = true, auth = true, audit = true, health = true, metrics = true, ["openapi.json"] = true }
local path = (r.req_attr["request.orig-uri"] or ""):match("^[^?]*")
if path == "" then
	path = "/" -- of a request that could not be read
end
local first, rest = path:match("^/([^/]*)(.*)$")
local uuid, verb = (rest or ""):match("^/([%x-]+)(/?[a-z-]*)$")
if not words[first] then
	r.req_env["PATH_LOGGED"] = "(other)"
elseif uuid and #uuid == 36 and verb ~= "/" then
	r.req_env["PATH_LOGGED"] = path
else
	r.req_env["PATH_LOGGED"] = "/" .. first
end

-- Errors of lighttpd's own have the shape of the programs'.
local failed = tonumber(r.req_env["REDIRECT_STATUS"])
if failed then
	local titles = { [400] = "Bad Request", [403] = "Forbidden", [404] = "Not Found", [405] = "Method Not Allowed",
		[408] = "Request Timeout", [411] = "Length Required", [413] = "Content Too Large", [414] = "URI Too Long",
		[417] = "Expectation Failed", [421] = "Misdirected Request", [431] = "Request Header Fields Too Large",
		[501] = "Not Implemented", [502] = "Service Unavailable", [503] = "Service Unavailable",
		[504] = "Service Unavailable", [505] = "HTTP Version Not Supported" }
	local title = titles[failed] or (failed < 500 and "Bad Request" or "Internal Server Error")
	local at = path:gsub("[^%w/._~%%-]", function(c) return string.format("%%%02X", c:byte()) end)
	r.resp_header["Content-Type"] = "application/json"
	r.resp_header["Cache-Control"] = "no-store"
	r.resp_header["X-Request-Id"] = header["X-Request-Id"]
	-- Where a request could not be read the configuration's own don't apply.
	r.resp_header["X-Content-Type-Options"] = "nosniff"
	r.resp_header["X-Frame-Options"] = "DENY"
	r.resp_header["Referrer-Policy"] = "no-referrer"
	r.resp_header["Content-Security-Policy"] = "default-src 'self'; frame-ancestors 'none'"
	if r.req_attr["uri.scheme"] == "https" then
		r.resp_header["Strict-Transport-Security"] = "max-age=31536000"
	end
	if failed == 405 then
		r.resp_header["Allow"] = "GET, HEAD, OPTIONS"
	elseif failed == 503 then
		r.resp_header["Retry-After"] = "1"
	end
	r.resp_body.set(string.format('{"timestamp":"%s","status":%d,"message":"%s","path":"%s","requestId":"%s",' ..
		'"type":"about:blank","title":"%s","detail":"%s","instance":"%s"}\n',
		os.date("!%Y-%m-%d %H:%M:%S"), failed, title, at, header["X-Request-Id"], title, title, at))
	return failed
end

-- Apache's limits, too.
local longest = 8190
if #r.req_attr["request.orig-uri"] > longest then
	return 414
end

-- What programs count is for this machine alone, and not for whoever had a proxy on it ask: to others it isn't there.
if path:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end) == "/metrics" then
	local from = (r.req_attr["request.remote-addr"] or ""):gsub("^::ffff:", "")
	if not (from:match("^127%.[%d.]+$") or from == "::1") or header["Forwarded"] or header["X-Forwarded-For"] or
		header["X-Forwarded-Host"] or header["X-Real-IP"] or header["Via"] then
		return 404
	end
end

-- Nobody before us is trusted to say where a request comes from; and X_Request_Id would be the same variable as X-Request-Id.
local spoofed = { ["proxy"] = true, ["forwarded"] = true, ["x-real-ip"] = true, ["x-forwarded-for"] = true,
	["x-forwarded-host"] = true, ["x-forwarded-proto"] = true, ["x-forwarded-port"] = true }
local refused = {}
for name, value in pairs(header) do
	if #name + #value > longest then
		return 431
	elseif spoofed[name:lower()] or name:find("_", 1, true) then
		refused[#refused + 1] = name
	end
end
for _, name in ipairs(refused) do
	header[name] = nil
end

-- The one expectation that there is (RFC 9110, section 10.1.1).
local expected = header["Expect"]
if expected and expected:lower() ~= "100-continue" then
	return 417
end
