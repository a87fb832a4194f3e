/* auth_fields.c - what members there are around logins; those that clients of the system replaced know are the contract's. */
#include "domain/auth/auth.h"

#define REGISTRATION_AT(member) offsetof(struct registration, member)
#define ACCOUNT_AT(member) offsetof(struct account, member)
#define CHANGE_AT(member) offsetof(struct password_change, member)

static const char *const roles[] = { "ADMIN", "STAFF", "DOCTOR", "BILLING", "AUDITOR", NULL };

#define PASSWORD_HELP "8 to 128 characters, and none of the commonest passwords."

const struct field registration_fields[] = {
	{ "name", F_TEXT, REGISTRATION_AT(name), .use = CREATE | REQUIRED, .missing = "Name is required" },
	{ "email", F_EMAIL, REGISTRATION_AT(email), .use = CREATE | REQUIRED, .missing = "Email is required",
	  .malformed = "Invalid email format", .too_long = "Max size of email exceeded",
	  .help = "Unique, whatever its case." },
	{ "password", F_TEXT, REGISTRATION_AT(password), .max = PASSWORD_MAX, .use = CREATE | REQUIRED,
	  .missing = "Password is required", .help = PASSWORD_HELP },
	{ "role", F_ENUM, REGISTRATION_AT(role), .choices = roles, .use = CREATE | REQUIRED, .missing = "Role is required" },
	FIELD_END
};

const struct field account_fields[] = {
	{ "id", F_UUID, ACCOUNT_AT(id), .use = REPLY },
	{ "email", F_EMAIL, ACCOUNT_AT(email), .use = REPLY },
	{ "name", F_TEXT, ACCOUNT_AT(name), .use = UPDATE | REPLY | REQUIRED, .missing = "Name is required" },
	{ "role", F_ENUM, ACCOUNT_AT(role), .choices = roles, .use = UPDATE | REPLY | REQUIRED,
	  .missing = "Role is required", .help = "Another role ends the account's logins." },
	{ "enabled", F_SWITCH, ACCOUNT_AT(enabled), .use = UPDATE | REPLY, .help = "False ends the account's logins." },
	{ "createdAt", F_INSTANT, ACCOUNT_AT(created_at), .use = REPLY },
	{ "lastLoginAt", F_INSTANT, ACCOUNT_AT(last_login_at), .use = REPLY | NULLABLE },
	/* Outside it is the ETag. */
	{ .name = "version", .type = F_COUNT, .at = ACCOUNT_AT(version) },
	FIELD_END
};

const struct field account_summary_fields[] = {
	{ "email", F_EMAIL, ACCOUNT_AT(email), .use = REPLY },
	{ "name", F_TEXT, ACCOUNT_AT(name), .use = REPLY },
	{ "role", F_ENUM, ACCOUNT_AT(role), .choices = roles, .use = REPLY },
	FIELD_END
};

const struct field password_fields[] = {
	{ "oldPassword", F_TEXT, CHANGE_AT(old_password), .max = PASSWORD_MAX, .use = CREATE,
	  .help = "Needed for one's own." },
	{ "newPassword", F_TEXT, CHANGE_AT(new_password), .max = PASSWORD_MAX, .use = CREATE | REQUIRED,
	  .missing = "New password is required", .help = PASSWORD_HELP },
	{ "accountId", F_UUID, CHANGE_AT(account_id), .use = CREATE, .help = "For ADMIN: whose it is, if another's." },
	{ "email", F_EMAIL, CHANGE_AT(email), .use = CREATE, .malformed = "Invalid email format",
	  .help = "The same by e-mail address." },
	FIELD_END
};

const struct field credentials_fields[] = {
	{ "email", F_EMAIL, offsetof(struct credentials, email), .use = CREATE | REQUIRED,
	  .missing = "Email is required", .malformed = "Invalid email format" },
	{ "password", F_TEXT, offsetof(struct credentials, password), .max = PASSWORD_MAX, .use = CREATE | REQUIRED,
	  .missing = "Password is required" },
	FIELD_END
};

const struct field refresh_fields[] = {
	{ "token", F_TEXT, offsetof(struct refresh, token), .max = 8192, .use = CREATE | REQUIRED,
	  .missing = "Token is required" },
	FIELD_END
};

const struct field token_pair_fields[] = {
	{ "accessToken", F_TEXT, offsetof(struct token_pair, access_token), .max = 8192, .use = REPLY },
	{ "refreshToken", F_TEXT, offsetof(struct token_pair, refresh_token), .max = 8192, .use = REPLY },
	FIELD_END
};
