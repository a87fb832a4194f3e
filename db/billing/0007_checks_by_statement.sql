-- What an insert of many rows must keep is looked at once for all of them, not once for each: that was a third of what an invoice cost.

drop trigger ledger_balances on ledger;

-- Whole postings are written by one statement; so whatever any number of statements adds up to balances too.  Entries are in the currency of
-- their invoice, and about its patient; a payment that they name is there.  Scalar subqueries, for an index is to be asked whatever the planner thinks of the tables.
create or replace function ledger_balances() returns trigger
    language plpgsql
    as $$
declare wrong text;
begin
    select posting into wrong from added group by posting, currency having sum(amount) <> 0 limit 1;
    if found then
        raise exception 'posting % does not balance', wrong using errcode = 'check_violation', constraint = 'ledger_balances';
    end if;
    -- Apart, since not all who write invoices may see payments.
    if exists (select from added where payment_id is not null) then
        select posting into wrong from added a
            where payment_id is not null and (select true from payment p where p.id = a.payment_id) is null limit 1;
        if found then
            raise exception 'posting % is of no payment', wrong using errcode = 'foreign_key_violation', constraint = 'ledger_payment';
        end if;
    end if;
    select posting into wrong from added a
        where (select i.currency = a.currency and i.patient_id = a.patient_id from invoice i where i.id = a.invoice_id) is not true limit 1;
    if found then
        raise exception 'posting % is not of its invoice', wrong using errcode = 'foreign_key_violation', constraint = 'ledger_invoice';
    end if;
    return null;
end $$;

create trigger ledger_balances after insert on ledger
    referencing new table as added for each statement execute function ledger_balances();

create function invoice_line_of_invoice() returns trigger
    language plpgsql
    as $$
declare wrong text;
begin
    select invoice_id into wrong from added a where (select true from invoice i where i.id = a.invoice_id) is null limit 1;
    if found then
        raise exception 'line of % that is not there', wrong using errcode = 'foreign_key_violation', constraint = 'invoice_line_invoice';
    end if;
    return null;
end $$;

create trigger invoice_line_of_invoice after insert on invoice_line
    referencing new table as added for each statement execute function invoice_line_of_invoice();

-- The other half of what the foreign keys kept: an invoice or payment that there was stays, as the one that it was, and so does what belongs to it.
create function books_stay() returns trigger
    language plpgsql
    as $$
begin
    raise exception '% of % is refused', tg_op, tg_table_name using errcode = 'foreign_key_violation', constraint = 'books_stay';
end $$;

create trigger books_stay before delete or update of id on invoice for each statement execute function books_stay();
create trigger books_stay before update of invoice_id on invoice_line for each statement execute function books_stay();
create trigger books_stay before delete or update of id on payment for each statement execute function books_stay();
create trigger books_stay before update of invoice_id, payment_id on ledger for each statement execute function books_stay();

alter table invoice_line drop constraint invoice_line_invoice_id_fkey;
alter table ledger drop constraint ledger_invoice_id_fkey, drop constraint ledger_payment_id_fkey;

-- For the trigger of before: who looks for a posting knows its invoice.
drop index ledger_posting;

-- Who makes many invoices in a transaction numbers them there.
grant select, insert, update on invoice_series to medicore_billing_worker;
