-- Who read or changed what: written by medicore-relay from the programs' spool, each row chained to the one before by a MAC whose
-- key is outside the database (doc/audit.md).

create table audit (
    seq        bigint primary key,
    at         timestamptz not null,
    account    text,
    role       text,
    session    text,
    address    text,
    program    text,
    action     text not null,
    thing      text,
    patient_id uuid,
    filter     text,
    count      bigint not null,
    result     text not null,
    request_id text,
    mac        bytea not null
);

create index audit_patient on audit (patient_id) where patient_id is not null;
create index audit_account on audit (account, seq) where account is not null;
create index audit_at on audit using brin (at);

-- How far each file of the spool is stored: moved on in the transaction that stores its rows, so that each is stored once.
create table audit_spool (
    file     text primary key,
    position bigint not null
);

grant select, insert on audit to medicore_auth_relay;
grant select, insert, delete on audit_spool to medicore_auth_relay;
grant update (position) on audit_spool to medicore_auth_relay;
grant select on audit to medicore_auth_rest, medicore_operator;
