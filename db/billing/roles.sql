-- Database roles of this domain's programs, each with no more rights than the migrations grant it.
-- Run before every migration; roles belong to the whole server, so they may be there already.
do $$
declare name text;
begin
    foreach name in array array[
        'medicore_billing_rest',
        'medicore_billing_grpc',
        'medicore_billing_worker',
        'medicore_operator'
    ] loop
        if not exists (select from pg_roles where rolname = name) then
            execute format('create role %I login', name);
        end if;
    end loop;
end $$;

revoke all on schema public from public;
grant usage on schema public to
    medicore_billing_rest,
    medicore_billing_grpc,
    medicore_billing_worker,
    medicore_operator;
