-- What becomes of a booking: the patient comes, is treated, or doesn't come; and it may be moved.

alter table appointment drop constraint appointment_status_check;
alter table appointment
    add constraint appointment_status_check check (status in ('BOOKED', 'CHECKED_IN', 'COMPLETED', 'NO_SHOW', 'CANCELLED'));

-- Who didn't come takes up no time either: another patient may be seen instead.
alter table appointment drop constraint appointment_provider_free;
alter table appointment
    add constraint appointment_provider_free exclude using gist
        (provider_id with =, tstzrange(starts_at, ends_at) with &&)
        where (provider_id is not null and status not in ('CANCELLED', 'NO_SHOW'));

grant update (provider_id, starts_at, ends_at, zone) on appointment to medicore_scheduling_rest;
