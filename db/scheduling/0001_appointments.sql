-- Who is booked when, and the events that tell others.

create extension if not exists btree_gist;

create table appointment (
    id            uuid primary key,
    patient_id    uuid not null,
    provider_id   uuid,
    service_code  text not null,
    status        text not null default 'BOOKED' check (status in ('BOOKED', 'CANCELLED')),
    starts_at     timestamptz not null,
    ends_at       timestamptz not null,
    zone          text not null,
    cancel_reason text,
    version       bigint not null default 1,
    created_at    timestamptz not null default now(),
    updated_at    timestamptz not null default now(),
    check (ends_at > starts_at),
    check (ends_at <= starts_at + interval '366 days'),
    -- Decides which of two racing bookings gets the provider.
    constraint appointment_provider_free exclude using gist
        (provider_id with =, tstzrange(starts_at, ends_at) with &&)
        where (provider_id is not null and status <> 'CANCELLED')
);

create index appointment_patient on appointment (patient_id, starts_at, id);
create index appointment_provider on appointment (provider_id, starts_at, id);
create index appointment_start on appointment (starts_at, id);

-- Column names are those of Debezium's outbox event router, which may take the relay's place.
create table outbox (
    seq           bigint generated always as identity,
    id            uuid primary key,
    aggregatetype text not null,
    aggregateid   text not null,
    type          text not null,
    payload       bytea not null,
    headers       jsonb not null default '{}',
    created_at    timestamptz not null default now(),
    published_at  timestamptz
);

create index outbox_pending on outbox (seq) where published_at is null;
create index outbox_published on outbox (published_at) where published_at is not null;

create function outbox_wake() returns trigger
    language plpgsql
    as $$ begin perform pg_notify('outbox', ''); return null; end $$;

create trigger outbox_wake after insert on outbox
    for each statement execute function outbox_wake();

grant select, insert on appointment to medicore_scheduling_rest, medicore_operator;
grant update (status, cancel_reason, version, updated_at) on appointment to medicore_scheduling_rest;
grant insert on outbox to medicore_scheduling_rest, medicore_operator;
grant select on outbox to medicore_operator;
grant select, delete on outbox to medicore_scheduling_relay;
grant update (published_at) on outbox to medicore_scheduling_relay;
