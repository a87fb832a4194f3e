-- Who may log in, the logins that are going on, and failed ones.

create table account (
    id               uuid primary key,
    email            text not null check (char_length(email) <= 254),
    name             text not null check (char_length(name) <= 255),
    role             text not null check (role in ('ADMIN', 'STAFF', 'DOCTOR', 'BILLING', 'AUDITOR')),
    -- What argon2id made of it, with its parameters.
    password         text not null check (password like '$argon2id$%'),
    -- Counts changes of the password, not that it was hashed anew.
    password_version bigint not null default 1,
    enabled          boolean not null default true,
    last_login_at    timestamptz,
    version          bigint not null default 1,
    created_at       timestamptz not null default now(),
    updated_at       timestamptz not null default now()
);

-- Decides which of two racing registrations owns an address, whatever its case.
create unique index account_email on account (lower(email));
create index account_admin on account (id) where role = 'ADMIN' and enabled;

-- In which order logins were ended: other programs ask for those after the last they know.
create sequence session_ended_seq;

-- A login and what became of it.  Its refresh token is replaced at each use, so only one is good.
create table session (
    id           uuid primary key,
    account_id   uuid not null references account,
    -- SHA-256 of the refresh token that is good now.
    token_hash   bytea not null check (length(token_hash) = 32),
    -- When the last of its access tokens ends, and the refresh token.
    access_until timestamptz not null,
    expires_at   timestamptz not null,
    ended_at     timestamptz,
    ended_seq    bigint,
    created_at   timestamptz not null default now(),
    check ((ended_at is null) = (ended_seq is null))
);

create index session_account on session (account_id) where ended_at is null;
create unique index session_ended on session (ended_seq) where ended_seq is not null;
create index session_expires on session (expires_at);

-- Failed logins in a row.  subject is a hash of the e-mail address that was tried, whether anybody has it or not ('': any); address is
-- where from ('': anywhere, but for places that the account is known to come from).
create table login_failure (
    subject    text not null,
    address    text not null,
    failures   integer not null,
    held_until timestamptz not null,
    last_at    timestamptz not null default now(),
    primary key (subject, address)
);

create index login_failure_last on login_failure (last_at);

-- Where an account logged in from: what fails elsewhere doesn't keep it out there.
create table login_address (
    account_id uuid not null references account,
    address    text not null,
    last_at    timestamptz not null default now(),
    primary key (account_id, address)
);

create index login_address_last on login_address (last_at);

grant select, insert on account, session, login_failure, login_address to medicore_auth_rest;
grant update (name, role, password, password_version, enabled, last_login_at, version, updated_at) on account to medicore_auth_rest, medicore_operator;
grant update (token_hash, access_until, expires_at, ended_at, ended_seq) on session to medicore_auth_rest;
grant update (failures, held_until, last_at) on login_failure to medicore_auth_rest;
grant update (last_at) on login_address to medicore_auth_rest;
grant delete on login_failure to medicore_auth_rest;
grant usage on sequence session_ended_seq to medicore_auth_rest, medicore_operator;

grant select, insert on account to medicore_operator;
grant select on session to medicore_operator;
grant update (ended_at, ended_seq) on session to medicore_operator;

grant select, delete on session, login_failure, login_address to medicore_auth_relay;
