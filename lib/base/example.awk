# Makes of `medicore --print-config`, without any setting of anybody's, an example of medicore.conf: all settings with their defaults, in comments.
# etc: the directory where it will be.
BEGIN {
	print "# MediCore's settings: for all programs, so secrets are in files of their own.  What stands here in a comment is the default."
	print "# `medicore --print-config` shows what is in force.\n"
}
/^$/ { next }
/^\[/ { section = substr($0, 2, length($0) - 2) }
/^# .*; from its default$/ { sub(/; from its default$/, "") }
/^# [a-z_]+ is not set$/ { $0 = "#" $2 "_file = " etc "/secrets/" (section == "auth" && $2 == "programs_secret" ? "programs" : section) }
/^[a-z_]+ =/ { $0 = "#" $0; sub(/ $/, "") }
/^\[/ || /^#[a-z]/ { $0 = $0 "\n" }
{ print }
