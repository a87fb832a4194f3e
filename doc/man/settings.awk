# The list of settings for medicore.conf(5), out of what `medicore --print-config` says where nothing is set.
function mdoc(text) {
	gsub(/\\/, "\\e", text)
	sub(/^['.]/, "\\\\\\&&", text)
	return text
}
/^\[/ {
	if (section != "")
		print ".El"
	section = $0
	print ".Ss " mdoc($0) "\n.Bl -tag -width Ds"
}
/^# .*; from its default$/ {
	type = substr($0, 3)
	sub(/; from its default$/, "", type)
	next
}
/^# [a-z_]+ is not set$/ {
	print ".It Li " $2 "\n" mdoc(help) "\n.Pq a secret, which Li " $2 "_file can name a file of"
	next
}
/^# / { help = substr($0, 3) }
/^[a-z_]+ =/ {
	value = $0
	sub(/^[a-z_]+ = ?/, "", value)
	value = value == "" ? "empty" : "Li " mdoc(value)
	print ".It Li " $1 "\n" mdoc(help) "\n.Pq " type "; by default " value
}
END { print ".El" }
