-- Database roles of this domain's programs: they may enter this database, look into its schema, and ask which migrations it has.
-- All else is granted table by table in the migrations.  Run before them at each `medicore migrate`; roles belong to the
-- whole server, so they may be there already.
do $$
declare name text;
begin
    foreach name in array array[
        'medicore_billing_rest',
        'medicore_billing_grpc',
        'medicore_billing_worker',
        'medicore_billing_relay',
        'medicore_billing_documents',
        'medicore_operator'
    ] loop
        if not exists (select from pg_roles where rolname = name) then
            execute format('create role %I login', name);
        end if;
        execute format('grant connect on database %I to %I', current_database(), name);
        execute format('grant usage on schema public to %I', name);
        execute format('grant select on schema_migration to %I', name);
    end loop;
    execute format('revoke all on database %I from public', current_database());
    -- The server's log otherwise quotes the values of a row that a constraint refused: who tried which e-mail address.
    if has_parameter_privilege('log_error_verbosity', 'SET') then
        execute format('alter database %I set log_error_verbosity = terse', current_database());
    end if;
end $$;

revoke all on schema public from public;
