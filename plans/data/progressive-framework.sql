-- What the plan's own checks ask for, for a lab: cargo lab --plan plans/progressive-framework.yaml --data plans/data/progressive-framework.sql
create table users (id bigint primary key);
insert into users select generate_series(1, 100);
