-- Calls of createInvoice that are answered together number their invoices themselves, where nobody else has the counter at the moment.
grant select, update on invoice_series to medicore_billing_grpc;

-- Entries are written in the order of their time, and asked for by the month: an index of ranges does, and costs a new entry nothing.
drop index ledger_at;
create index ledger_at on ledger using brin (at);

-- As before, by one question rather than three: what each costs to begin is most of what a few entries take.
create or replace function ledger_balances() returns trigger
    language plpgsql
    as $$
declare
    unbalanced text;
    foreign_to text;
    pays boolean;
    wrong text;
begin
    select (select posting from added group by posting, currency having sum(amount) <> 0 limit 1),
        exists (select from added where payment_id is not null),
        (select posting from added a
            where (select i.currency = a.currency and i.patient_id = a.patient_id from invoice i where i.id = a.invoice_id) is not true limit 1)
        into unbalanced, pays, foreign_to;
    if unbalanced is not null then
        raise exception 'posting % does not balance', unbalanced using errcode = 'check_violation', constraint = 'ledger_balances';
    end if;
    -- Apart, since not all who write invoices may see payments.
    if pays then
        select posting into wrong from added a
            where payment_id is not null and (select true from payment p where p.id = a.payment_id) is null limit 1;
        if found then
            raise exception 'posting % is of no payment', wrong using errcode = 'foreign_key_violation', constraint = 'ledger_payment';
        end if;
    end if;
    if foreign_to is not null then
        raise exception 'posting % is not of its invoice', foreign_to using errcode = 'foreign_key_violation', constraint = 'ledger_invoice';
    end if;
    return null;
end $$;
