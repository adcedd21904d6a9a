//! The definitions under `statemachines/`, which are made of `domain`'s rows.

use std::{env, fs};

use domain::state_machine::StateMachine;
use tests::repository;

#[test]
fn a_definition_is_what_its_rows_make() {
    for machine in StateMachine::ALL.iter().copied() {
        let path = format!("statemachines/{}.asl.json", machine.slug());
        let (made, file) = (machine.text(), repository::root().join(&path));
        if env::var_os("LIFEBOAT_WRITE").is_some() {
            fs::write(&file, &made).unwrap_or_else(|error| panic!("{path}: {error}"));
        }
        assert!(
            fs::read_to_string(&file).is_ok_and(|kept| kept == made),
            "{path} is not what crates/domain/src/state_machine makes. LIFEBOAT_WRITE=1 cargo test --test contract writes it; \
             its diff is what changes"
        );
    }
}
