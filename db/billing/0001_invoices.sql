-- What things cost, what is owed, and which events became invoices.  Amounts are whole numbers of the currency's smallest unit.

create table service (
    code        text primary key,
    description text not null,
    price       bigint not null check (price >= 0),
    currency    text not null check (currency ~ '^[A-Z]{3}$'),
    version     bigint not null default 1,
    created_at  timestamptz not null default now(),
    updated_at  timestamptz not null default now()
);

create table invoice (
    id                    uuid primary key,
    number                text unique,
    patient_id            uuid not null,
    -- One invoice per appointment, however often its event is delivered.
    appointment_id        uuid unique,
    service_code          text,
    status                text not null default 'ISSUED' check (status in
        ('PAID', 'ISSUED', 'PARTIALLY_PAID', 'OVERDUE', 'UNCOLLECTIBLE', 'REFUNDED', 'VOID')),
    amount                bigint not null check (amount >= 0),
    remaining_amount      bigint not null check (remaining_amount between 0 and amount),
    currency              text not null check (currency ~ '^[A-Z]{3}$'),
    description           text,
    issued_at             timestamptz not null default now(),
    due_date              date,
    appointment_cancelled boolean not null default false,
    version               bigint not null default 1,
    created_at            timestamptz not null default now(),
    updated_at            timestamptz not null default now()
);

create index invoice_patient on invoice (patient_id, id);
create index invoice_status on invoice (status, id);

-- Events already dealt with: a second delivery does nothing.
create table inbox (
    ce_id       text primary key,
    type        text not null,
    received_at timestamptz not null default now()
);

-- Cancellations that came before their booking: the booking then makes a VOID invoice.
create table cancelled_appointment (
    appointment_id uuid primary key,
    cancelled_at   timestamptz not null default now()
);

-- Events that can't become an effect until somebody mends the cause, with their whole envelope.
create table dead_letters (
    id               bigint generated always as identity primary key,
    ce_id            text,
    type             text,
    source           text,
    time             text,
    traceparent      text,
    topic            text not null,
    key              text,
    payload          bytea not null,
    reason           text not null,
    attempts         integer not null default 1,
    first_at         timestamptz not null default now(),
    last_at          timestamptz not null default now(),
    -- Set by the operator's command; the worker then tries again.
    replay_asked_at  timestamptz
);

create unique index dead_letters_ce_id on dead_letters (ce_id) where ce_id is not null;
create index dead_letters_replay on dead_letters (id) where replay_asked_at is not null;

create function dead_letters_wake() returns trigger
    language plpgsql
    as $$ begin perform pg_notify('dead_letters', ''); return null; end $$;

-- The worker waits for the update; whoever asked for the replay, for what becomes of it.
create trigger dead_letters_wake after delete or update of replay_asked_at on dead_letters
    for each statement execute function dead_letters_wake();

-- Answers to requests that carried a key, written in the transaction of their effect.
create table idempotency (
    account     text not null,
    route       text not null,
    key         text not null,
    fingerprint text not null,
    result_id   uuid not null,
    created_at  timestamptz not null default now(),
    primary key (account, route, key)
);

grant select, insert on service, invoice, idempotency to medicore_billing_rest;
grant update (description, price, currency, version, updated_at) on service to medicore_billing_rest, medicore_operator;
grant select, insert on invoice, idempotency to medicore_billing_grpc;
grant select on service, cancelled_appointment, inbox to medicore_billing_worker;
grant select, insert on invoice, inbox, cancelled_appointment to medicore_billing_worker;
grant update (status, remaining_amount, appointment_cancelled, version, updated_at) on invoice to medicore_billing_worker;
grant select, insert, update, delete on dead_letters to medicore_billing_worker;
grant select, insert on service to medicore_operator;
grant select on invoice, inbox, cancelled_appointment to medicore_operator;
grant select, delete on dead_letters to medicore_operator;
grant update (replay_asked_at) on dead_letters to medicore_operator;
