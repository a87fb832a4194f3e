-- getPatient: what documents show of a patient, and no more.
grant select (name, address, date_of_birth) on patient to medicore_patient_grpc;
