-- Invoices of the system replaced (medicore import seed), which doesn't keep how one was paid.

alter table payment
    drop constraint payment_method_check,
    add constraint payment_method_check check (method in ('CASH', 'CARD', 'TRANSFER', 'CHEQUE', 'INSURANCE', 'CREDIT', 'IMPORTED'));

alter table ledger
    drop constraint ledger_account_check,
    add constraint ledger_account_check check (account in
        ('RECEIVABLE', 'REVENUE', 'TAX', 'CASH', 'CARD', 'TRANSFER', 'CHEQUE', 'INSURANCE', 'CREDIT', 'IMPORTED', 'WRITE_OFF'));

grant insert on invoice, invoice_line, payment, refund, ledger to medicore_operator;
