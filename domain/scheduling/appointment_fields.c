/* appointment_fields.c - what an appointment's members are. */
#include "domain/scheduling/states.h"

#define AT(member) offsetof(struct appointment, member)
#define FILTER_AT(member) offsetof(struct appointment_filter, member)

const struct field appointment_fields[] = {
	{ "id", F_UUID, AT(id), .use = REPLY },
	{ "patientId", F_UUID, AT(patient_id), .use = CREATE | REPLY | REQUIRED },
	{ "providerId", F_UUID, AT(provider_id), .use = CREATE | REPLY | NULLABLE,
	  .help = "Who treats; without one the appointment collides with nothing." },
	{ "serviceCode", F_CODE, AT(service_code), .max = 64, .use = CREATE | REPLY | REQUIRED,
	  .help = "Need not be on the price list yet." },
	{ "status", F_ENUM, AT(status), .choices = visit_state_names, .use = REPLY },
	{ "startsAt", F_INSTANT, AT(starts_at), .use = CREATE | REPLY | REQUIRED,
	  .help = "May lie in the past: records are entered late." },
	{ "endsAt", F_INSTANT, AT(ends_at), .use = CREATE | REPLY,
	  .help = "The first moment that is free again; exactly one of endsAt and durationMinutes." },
	{ "durationMinutes", F_COUNT, AT(duration_minutes), .max = APPOINTMENT_DAYS_MAX * 24 * 60, .use = CREATE },
	{ "zone", F_ZONE, AT(zone), .use = CREATE | REPLY,
	  .help = "IANA time zone to show the times in; the clinic's own where none is given." },
	{ "cancelReason", F_TEXT, AT(cancel_reason), .use = REPLY | NULLABLE },

	/* Outside it is the ETag. */
	{ .name = "version", .type = F_COUNT, .at = AT(version) },
	FIELD_END
};

const struct field appointment_cancel_fields[] = {
	{ "reason", F_TEXT, AT(cancel_reason), .use = CREATE },
	FIELD_END
};

const struct field appointment_reschedule_fields[] = {
	{ "startsAt", F_INSTANT, AT(starts_at), .use = CREATE | REQUIRED },
	{ "endsAt", F_INSTANT, AT(ends_at), .use = CREATE,
	  .help = "The first moment that is free again; exactly one of endsAt and durationMinutes." },
	{ "durationMinutes", F_COUNT, AT(duration_minutes), .max = APPOINTMENT_DAYS_MAX * 24 * 60, .use = CREATE },
	{ "providerId", F_UUID, AT(provider_id), .use = CREATE, .help = "Without it the provider stays." },
	{ "zone", F_ZONE, AT(zone), .use = CREATE, .help = "Without it the zone stays." },
	FIELD_END
};

const struct field appointment_filters[] = {
	{ "patientId", F_UUID, FILTER_AT(patient_id), .use = FILTER },
	{ "providerId", F_UUID, FILTER_AT(provider_id), .use = FILTER },
	{ "from", F_INSTANT, FILTER_AT(from), .use = FILTER, .help = "Those that end after it." },
	{ "to", F_INSTANT, FILTER_AT(to), .use = FILTER, .help = "Those that start before it." },
	FIELD_END
};
