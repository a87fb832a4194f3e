-- Accounts of the system replaced bring a bcrypt hash, until their next login (medicore import seed, domain/auth/bcrypt.h).

alter table account
    drop constraint account_password_check,
    add constraint account_password_check check
        (password like '$argon2id$%' or password ~ '^\$2[aby]\$(0[4-9]|1[0-4])\$[./A-Za-z0-9]{53}$');

-- The dearest of them: what a failed login has to cost, whoever tries.
create index account_foreign on account (substring(password from 5 for 2)) where password like '$2%';
