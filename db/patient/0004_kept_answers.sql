-- Answers to requests that carried an Idempotency-Key, written in the transaction of their effect (lib/once).

create table kept_answer (
    account     text not null,
    route       text not null,
    key         bytea not null, -- SHA-256 of what was sent
    fingerprint bytea not null, -- of the request, by the key
    status      integer,
    headers     text,
    body        bytea,
    thing       text,
    patient_id  uuid,
    created_at  timestamptz not null default now(),
    primary key (account, route, key)
);

create index kept_answer_created_at on kept_answer (created_at);

grant select, insert on kept_answer to medicore_patient_rest;
grant update (status, headers, body, thing, patient_id) on kept_answer to medicore_patient_rest;
grant select (created_at), delete on kept_answer to medicore_patient_relay;
