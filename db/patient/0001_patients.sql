-- Who exists.  A deleted patient leaves a tombstone: reads don't find it, its e-mail address is free again.

create extension if not exists unaccent;
create extension if not exists pg_trgm;

-- unaccent() is only "stable", as its dictionary could be changed; with the dictionary named it may be indexed.
create function fold(text) returns text
    language sql immutable strict parallel safe
    as $$ select lower(public.unaccent('public.unaccent'::regdictionary, $1)) $$;

create table patient (
    id              uuid primary key,
    name            text not null check (char_length(name) <= 80),
    email           text not null check (char_length(email) <= 254),
    gender          text not null check (gender in ('MALE', 'FEMALE', 'OTHER')),
    address         text not null check (char_length(address) <= 255),
    date_of_birth   date not null,
    registered_date date not null,
    version         bigint not null default 1,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    deleted_at      timestamptz,
    -- Each word begins after a space, so that ' %prefix' finds the beginning of any word.
    search_name     text not null generated always as (' ' || fold(name)) stored
);

-- Decides which of two racing creates owns an address, whatever its case.
create unique index patient_email on patient (lower(email)) where deleted_at is null;
create index patient_name on patient using gin (search_name gin_trgm_ops) where deleted_at is null;
create index patient_date_of_birth on patient (date_of_birth, id) where deleted_at is null;

grant select, insert on patient to medicore_patient_rest;
grant update (name, email, gender, address, date_of_birth, version, updated_at, deleted_at) on patient to medicore_patient_rest;
grant select (id, deleted_at) on patient to medicore_patient_grpc;
grant select, insert on patient to medicore_operator;
