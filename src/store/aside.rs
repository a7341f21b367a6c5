//! Broken files are never thrown away: they are moved aside, and the newest of them are kept.
//!
//! In: a file of the database. Out: its new name. A dying card must not be filled with what it broke, so the copies are bounded in number and
//! in size; the newest one always stays.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

/// Broken files that are kept.
pub(super) const KEEP: usize = 2;

/// Bytes of those besides the newest one.
const KEEP_BYTES: u64 = 512 * 1_024 * 1_024;

/// Moves a file and its log aside.
pub(super) fn move_aside(path: &Path) -> io::Result<PathBuf> {
    let aside = path.with_extension(format!("broken-{}.db", Timestamp::now().as_millisecond()));
    fs::rename(path, &aside)?;
    // The log belongs to the file: left behind, it would be played into the new one.
    let _usually_not_there = fs::rename(wal(path), wal(&aside));
    let _usually_not_there = fs::remove_file(with_suffix(path, "-shm"));
    forget_oldest(path);
    Ok(aside)
}

/// The write-ahead log of a file.
pub(super) fn wal(path: &Path) -> PathBuf {
    with_suffix(path, "-wal")
}

/// The path with something at its end, as SQLite names what belongs to a file.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn forget_oldest(path: &Path) {
    let Some(dir) = path.parent().and_then(|dir| fs::read_dir(dir).ok()) else { return };
    let mut broken: Vec<PathBuf> = dir
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("herald.broken-") && name.ends_with(".db")
        })
        .collect();
    broken.sort();
    let sizes: Vec<u64> = broken.iter().rev().map(|path| size(path) + size(&wal(path))).collect();
    for path in broken.into_iter().rev().skip(kept(&sizes)) {
        let _gone_is_gone = fs::remove_file(&path);
        let _usually_not_there = fs::remove_file(wal(&path));
    }
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// How many of the files stay; the newest one's size comes first. Pure.
fn kept(sizes: &[u64]) -> usize {
    let mut bytes = 0_u64;
    let fitting = sizes.iter().skip(1).take(KEEP - 1).take_while(|size| {
        bytes = bytes.saturating_add(**size);
        bytes <= KEEP_BYTES
    });
    sizes.len().min(1) + fitting.count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_copy_stays_whatever_its_size_and_older_ones_while_they_are_few_and_small() {
        assert_eq!(kept(&[]), 0);
        assert_eq!(kept(&[u64::MAX]), 1);
        assert_eq!(kept(&[u64::MAX, 1, 1, 1]), KEEP);
        assert_eq!(kept(&[1, KEEP_BYTES + 1]), 1);
    }
}
