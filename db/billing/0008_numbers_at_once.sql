-- Calls of createInvoice that are answered together number their invoices themselves, where nobody else has the counter at the moment.
grant select, update on invoice_series to medicore_billing_grpc;

-- Entries are written in the order of their time, and asked for by the month: an index of ranges does, and costs a new entry nothing.
drop index ledger_at;
create index ledger_at on ledger using brin (at);
