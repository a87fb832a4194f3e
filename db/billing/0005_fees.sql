-- What a late cancellation or a missed appointment costs: for one appointment at most one fee, which is an invoice of its own.
create table fee (
    appointment_id uuid primary key,
    invoice_id     uuid not null unique references invoice,
    charged_at     timestamptz not null default now()
);

grant select, insert on fee to medicore_billing_worker;
grant select on fee to medicore_operator;
