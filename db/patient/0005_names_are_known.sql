-- How often a beginning of names is there is what decides whether a search asks the index or walks the patients in order; of a hundred names (what is
-- kept by default) nobody can tell anything that is rarer.
alter table patient alter column search_name set statistics 1000;
analyze patient (search_name);
