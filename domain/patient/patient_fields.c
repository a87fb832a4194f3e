/* patient_fields.c - what a patient's members are; messages are the contract's, to the letter. */
#include "domain/patient/patient.h"

#define AT(member) offsetof(struct patient, member)
#define FILTER_AT(member) offsetof(struct patient_filter, member)

static const char *const genders[] = { "MALE", "FEMALE", "OTHER", NULL };

const struct field patient_fields[] = {
	/* Taken on update only so that what GET gave can be sent back: it must be the same. */
	{ "id", F_UUID, AT(id), .use = UPDATE | REPLY },

	{ "name", F_TEXT, AT(name), .max = 80, .use = CREATE | UPDATE | REPLY | REQUIRED,
	  .missing = "Name is required", .too_long = "Name should be less then 80 characters",
	  .too_long_update = "size must be between 0 and 80" },

	{ "email", F_EMAIL, AT(email), .max = 254, .use = CREATE | UPDATE | REPLY | REQUIRED,
	  .missing = "Email is required", .malformed = "Invalid email format",
	  .too_long = "Max size of email exceeded", .help = "Unique, whatever its case." },

	{ "gender", F_ENUM, AT(gender), .choices = genders, .use = CREATE | UPDATE | REPLY | REQUIRED,
	  .missing = "Gender is required" },

	{ "address", F_TEXT, AT(address), .max = 255, .use = CREATE | UPDATE | REPLY | REQUIRED,
	  .missing = "Address is required" },

	{ "dateOfBirth", F_DATE, AT(date_of_birth), .use = CREATE | UPDATE | REPLY | REQUIRED,
	  .missing = "Date Of Birth is required", .help = "Not in the future." },

	/* On update as id is. */
	{ "registeredDate", F_DATE, AT(registered_date), .use = CREATE | UPDATE | REPLY | REQUIRED,
	  .missing = "Register date is required" },

	/* Outside it is the ETag. */
	{ .name = "version", .type = F_COUNT, .at = AT(version) },
	FIELD_END
};

const struct field patient_filters[] = {
	{ "email", F_EMAIL, FILTER_AT(email), .max = 254, .use = FILTER, .malformed = "Invalid email format",
	  .help = "Whatever its case." },
	{ "name", F_TEXT, FILTER_AT(name), .max = 80, .use = FILTER,
	  .help = "Beginning of any word of the name; case and accents are ignored." },
	{ "dateOfBirth", F_DATE, FILTER_AT(date_of_birth), .use = FILTER },
	FIELD_END
};
