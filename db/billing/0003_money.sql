-- Invoices with lines, payments, and the ledger that says what is owed.  Amounts are whole numbers of the currency's smallest unit.

alter table service add column tax_rate bigint not null default 0 check (tax_rate between 0 and 1000000); -- of 10,000 parts of a percent

alter table invoice drop constraint invoice_status_check;
alter table invoice
    add constraint invoice_status_check check (status in
        ('DRAFT', 'ISSUED', 'PARTIALLY_PAID', 'PAID', 'OVERDUE', 'VOID', 'UNCOLLECTIBLE', 'REFUNDED')),
    add column subtotal        bigint not null default 0,
    add column tax             bigint not null default 0,
    add column discount        bigint not null default 0,  -- what the lines' shares add up to
    add column amount_paid     bigint not null default 0,  -- by payments that didn't bounce, also where it was refunded
    add column amount_credited bigint not null default 0,  -- by credit notes
    add column amount_refunded bigint not null default 0;

update invoice set subtotal = amount;

-- What the ledger's entries say too; medicore check compares.
alter table invoice
    add constraint invoice_total check (subtotal >= 0 and tax >= 0 and discount >= 0 and subtotal + tax = amount),
    add constraint invoice_paid check (amount_paid >= 0 and amount_credited >= 0 and amount_paid + amount_credited <= amount),
    add constraint invoice_refunded check (amount_refunded between 0 and amount_paid),
    add constraint invoice_remaining check (remaining_amount =
        case when status in ('VOID', 'REFUNDED') then 0 else amount - amount_paid - amount_credited end);

create index invoice_unnumbered on invoice (issued_at, id) where number is null and status <> 'DRAFT';
create index invoice_due on invoice (due_date) where status in ('ISSUED', 'PARTIALLY_PAID') and remaining_amount > 0;
create index invoice_open on invoice (patient_id) where remaining_amount > 0 and status <> 'DRAFT';

create table invoice_line (
    invoice_id   uuid not null references invoice,
    position     integer not null,                    -- from 1
    service_code text,
    description  text,
    quantity     bigint not null check (quantity > 0),
    unit_price   bigint not null check (unit_price >= 0),
    discount     bigint not null default 0 check (discount >= 0),
    tax_rate     bigint not null default 0 check (tax_rate between 0 and 1000000),
    net          bigint not null check (net >= 0),    -- quantity * unit_price - discount
    tax          bigint not null check (tax >= 0),
    primary key (invoice_id, position)
);

insert into invoice_line (invoice_id, position, service_code, description, quantity, unit_price, net, tax)
    select id, 1, service_code, description, 1, amount, amount, 0 from invoice;

-- Numbers without gaps, given by medicore-relay alone: "2026-000123".
create table invoice_series (
    series text not null,
    year   integer not null,
    last   bigint not null,
    primary key (series, year)
);

create table payment (
    id          uuid primary key,
    invoice_id  uuid not null references invoice,
    patient_id  uuid not null,
    amount      bigint not null check (amount > 0),
    credited    bigint not null default 0 check (credited between 0 and amount), -- more than was owed: the patient's credit
    refunded    bigint not null default 0 check (refunded between 0 and amount - credited),
    currency    text not null check (currency ~ '^[A-Z]{3}$'),
    method      text not null check (method in ('CASH', 'CARD', 'TRANSFER', 'CHEQUE', 'INSURANCE', 'CREDIT')),
    reference   text,
    status      text not null default 'RECEIVED' check (status in ('RECEIVED', 'BOUNCED')),
    received_at timestamptz not null,
    version     bigint not null default 1,
    created_at  timestamptz not null default now(),
    updated_at  timestamptz not null default now()
);
create index payment_invoice on payment (invoice_id, id);
create index payment_patient on payment (patient_id, received_at);

create table refund (
    id         uuid primary key,
    payment_id uuid not null references payment,
    invoice_id uuid not null references invoice,
    amount     bigint not null check (amount > 0),
    currency   text not null,
    reason     text not null,
    created_at timestamptz not null default now()
);
create index refund_payment on refund (payment_id, id);

create table credit_note (
    id         uuid primary key,
    invoice_id uuid not null references invoice,
    amount     bigint not null check (amount > 0),
    currency   text not null,
    reason     text not null,
    created_at timestamptz not null default now()
);
create index credit_note_invoice on credit_note (invoice_id, id);

-- What a patient paid and doesn't owe: the sum of the ledger's CREDIT entries, kept so that it can be locked.
create table patient_credit (
    patient_id uuid not null,
    currency   text not null,
    amount     bigint not null check (amount >= 0),
    primary key (patient_id, currency)
);

-- Double entry: the entries of a posting add up to nothing.  Debits are positive.  Nobody may change or take away what was posted.
create table ledger (
    seq          bigint generated always as identity primary key,
    posting      uuid not null,
    kind         text not null check (kind in
        ('ISSUE', 'PAYMENT', 'BOUNCE', 'REFUND', 'VOID', 'WRITE_OFF', 'CREDIT_NOTE')),
    account      text not null check (account in
        ('RECEIVABLE', 'REVENUE', 'TAX', 'CASH', 'CARD', 'TRANSFER', 'CHEQUE', 'INSURANCE', 'CREDIT', 'WRITE_OFF')),
    amount       bigint not null check (amount <> 0),
    currency     text not null check (currency ~ '^[A-Z]{3}$'),
    patient_id   uuid not null,
    invoice_id   uuid not null references invoice,
    payment_id   uuid references payment,
    service_code text,                                -- of REVENUE: by line
    at           timestamptz not null default now()
);
create index ledger_posting on ledger (posting);
create index ledger_invoice on ledger (invoice_id);
create index ledger_patient on ledger (patient_id, at, seq);
create index ledger_at on ledger (at);

create function ledger_balances() returns trigger
    language plpgsql
    as $$
begin
    if exists (select from ledger where posting = new.posting having sum(amount) <> 0 or count(distinct currency) <> 1) then
        raise exception 'posting % does not balance', new.posting using errcode = 'check_violation', constraint = 'ledger_balances';
    end if;
    return null;
end $$;

create constraint trigger ledger_balances after insert on ledger
    deferrable initially deferred for each row execute function ledger_balances();

-- The books of invoices that were there before: all ISSUED or VOID, since nothing else could become of them.
insert into ledger (posting, kind, account, amount, currency, patient_id, invoice_id, service_code, at)
    select id, 'ISSUE', a.account, a.amount, currency, patient_id, id, case when a.account = 'REVENUE' then service_code end, issued_at
    from invoice, lateral (values ('RECEIVABLE', invoice.amount), ('REVENUE', -invoice.amount)) as a (account, amount)
    where invoice.amount > 0;
insert into ledger (posting, kind, account, amount, currency, patient_id, invoice_id, service_code, at)
    select void.posting, 'VOID', a.account, a.amount, currency, patient_id, id, case when a.account = 'REVENUE' then service_code end, updated_at
    from (select gen_random_uuid() as posting, invoice.* from invoice where status = 'VOID' and amount > 0) void,
        lateral (values ('RECEIVABLE', -void.amount), ('REVENUE', void.amount)) as a (account, amount);

-- Column names are those of Debezium's outbox event router, which may take the relay's place.  No trigger notifies the relay, which looks by itself: PostgreSQL lets
-- transactions that notify commit only one after the other, a flush of the disk each.
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

grant select, insert on invoice_line, payment, refund, credit_note, patient_credit, ledger to medicore_billing_rest;
grant delete on invoice_line to medicore_billing_rest; -- of drafts
grant update on invoice to medicore_billing_rest;
grant update (credited, refunded, status, version, updated_at) on payment to medicore_billing_rest;
grant update (amount) on patient_credit to medicore_billing_rest;
grant insert on outbox to medicore_billing_rest, medicore_billing_grpc, medicore_billing_worker;
grant update (tax_rate) on service to medicore_billing_rest, medicore_operator;
grant select, insert on invoice_line, ledger to medicore_billing_grpc, medicore_billing_worker;
grant select on payment to medicore_billing_worker;
grant update on invoice to medicore_billing_worker;
grant select on invoice, invoice_line to medicore_billing_relay;
grant update (number, status, version, updated_at) on invoice to medicore_billing_relay;
grant select, insert, update on invoice_series to medicore_billing_relay;
grant select, insert, delete on outbox to medicore_billing_relay;
grant update (published_at) on outbox to medicore_billing_relay;
grant select on service, invoice, invoice_line, payment, refund, credit_note, patient_credit, ledger to medicore_billing_documents;
grant select on invoice_line, payment, refund, credit_note, patient_credit, ledger, outbox, invoice_series to medicore_operator;
