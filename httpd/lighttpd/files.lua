-- What no program's path is comes here: a path that nothing serves is 404 by any method, and a file can only be read.
local method = lighty.r.req_attr["request.method"]
if lighty.r.req_attr["uri.path-raw"] ~= "/openapi.json" then
	return 404
elseif method ~= "GET" and method ~= "HEAD" and method ~= "OPTIONS" then
	return 405
end
