//! The same endpoint as boto3 sees it: another implementation of the protocol.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::lab::Lab;

#[tokio::test(flavor = "multi_thread")]
async fn boto3_drives_it_too() {
    let Some(python) = python() else {
        eprintln!("not run: no Python with boto3; set LIFEBOAT_LAB_PYTHON, or run a drill once");
        return;
    };
    let lab = Lab::start().await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/boto3_rds.py");
    let mut command = Command::new(python);
    command.arg(script).arg(format!("http://{}", lab.rds.listen()));
    let ran = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    lab.end().await;
}

/// A Python that has boto3: the one named, else the lab's own.
fn python() -> Option<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/lab/venv/bin/python");
    let named = std::env::var_os("LIFEBOAT_LAB_PYTHON").map(PathBuf::from);
    named.into_iter().chain([own]).find(|python| has_boto3(python))
}

fn has_boto3(python: &Path) -> bool {
    Command::new(python).args(["-c", "import boto3"]).output().is_ok_and(|ran| ran.status.success())
}
