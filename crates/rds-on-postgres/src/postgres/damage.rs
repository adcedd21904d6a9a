//! Damage that stays unseen until somebody reads: a server starts on such a base backup, and fails
//! at the pages of its largest tables with SQLSTATE `XX001`, since their checksums do not fit.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::postgres::folder;

use processes::RunAs;

/// PostgreSQL's page as it is built by default.
const PAGE_BYTES: usize = 8192;
/// What each page begins with; it stays, so that only the checksum tells.
const HEADER_BYTES: usize = 24;
/// Where in the header the start of the page's special space stands. A table's page has none, so
/// that it is the page's end; an index's page has one.
const SPECIAL_AT: usize = 16;
/// The first number of what a user makes; the catalogs, without which no server starts, have lower ones.
const FIRST_OF_USERS: u32 = 16384;
/// How many tables are damaged: the largest ones.
const TABLES: usize = 3;

/// Damages the largest tables of users in the base backup, and answers how many. A damaged file is
/// a new one in the place of the old: other folders may share the old one.
pub(crate) fn damage(backup: &Path, owner: Option<RunAs>) -> io::Result<usize> {
    let mut tables = Vec::new();
    for database in numbered(&backup.join("base"))? {
        for (number, path) in numbered(&database.1)? {
            if number >= FIRST_OF_USERS && is_table(&path)? {
                tables.push((fs::metadata(&path)?.len(), path));
            }
        }
    }
    tables.sort();
    let largest = tables.iter().rev().take(TABLES);
    for (_, table) in largest.clone() {
        let mut pages = fs::read(table)?;
        for page in pages.chunks_mut(PAGE_BYTES) {
            page.iter_mut().skip(HEADER_BYTES).for_each(|byte| *byte = !*byte);
        }
        folder::write(table, &pages, owner)?;
    }
    Ok(largest.count())
}

/// What in the folder is named by a number alone: databases, and in them the first segments of
/// what they have, without its maps.
fn numbered(folder: &Path) -> io::Result<Vec<(u32, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if let Some(number) = entry.file_name().to_str().and_then(|name| name.parse().ok()) {
            found.push((number, entry.path()));
        }
    }
    Ok(found)
}

fn is_table(path: &Path) -> io::Result<bool> {
    let mut header = [0; HEADER_BYTES];
    match File::open(path)?.read_exact(&mut header) {
        Ok(()) => {
            let special = u16::from_ne_bytes([header[SPECIAL_AT], header[SPECIAL_AT + 1]]);
            Ok(usize::from(special) == PAGE_BYTES)
        }
        // A table without a row has no page.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of one page, of a table or of an index.
    fn page(special: u16) -> Vec<u8> {
        let mut page = vec![7; PAGE_BYTES];
        page[SPECIAL_AT..SPECIAL_AT + 2].copy_from_slice(&special.to_ne_bytes());
        page
    }

    #[test]
    fn only_tables_of_users_are_damaged_and_only_in_this_folder() {
        let folder = std::env::temp_dir().join(format!("lab-damage-{}", std::process::id()));
        let (backup, copy) = (folder.join("backup"), folder.join("copy"));
        let database = backup.join("base/5");
        fs::create_dir_all(&database).unwrap();
        let files = [
            ("16384", page(8192)),
            ("16385", page(8176)),
            ("16386", Vec::new()),
            ("16384_fsm", page(8192)),
            ("1259", page(8192)),
            ("PG_VERSION", b"15".to_vec()),
        ];
        for (name, content) in &files {
            fs::write(database.join(name), content).unwrap();
        }
        folder::link(&backup, &copy, None, &|_| Ok(())).unwrap();
        assert_eq!(damage(&backup, None).unwrap(), 1);
        for (name, content) in &files {
            let is_same = fs::read(database.join(name)).unwrap() == *content;
            assert_eq!(is_same, *name != "16384", "{name}");
            assert_eq!(fs::read(copy.join("base/5").join(name)).unwrap(), *content, "{name}");
        }
        let damaged = fs::read(database.join("16384")).unwrap();
        assert_eq!(damaged[..HEADER_BYTES], page(8192)[..HEADER_BYTES], "the header stays");
        fs::remove_dir_all(&folder).unwrap();
    }
}
