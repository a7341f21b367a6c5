//! Small files of the data dir that must survive a power cut whole.
//!
//! In: a path and what is to stand there. Invariant: whoever reads it finds the old content or the new one, never a part; other users of the
//! machine find nothing.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Read and written by us alone.
const MODE: u32 = 0o600;

/// Puts this content in the file's place.
///
/// # Errors
/// When it cannot be written: then the file is as it was.
pub(crate) fn keep(path: &Path, content: &[u8]) -> io::Result<()> {
    let unfinished = path.with_extension("new");
    if let Err(error) = write(&unfinished, content).and_then(|()| fs::rename(&unfinished, path)) {
        let _usually_not_there = fs::remove_file(&unfinished);
        return Err(error);
    }
    // The name is on disk when its folder is. The file is there in any case, so this is no failure.
    if let Some(Err(error)) = path.parent().map(|dir| File::open(dir)?.sync_all()) {
        tracing::warn!(path = %path.display(), %error, "This file may be the old one again after a power cut");
    }
    Ok(())
}

fn write(unfinished: &Path, content: &[u8]) -> io::Result<()> {
    // A left-over of a start that was cut off might have another mode.
    match fs::remove_file(unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(unfinished)?;
    file.write_all(content)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_kept_file_is_private_and_whole_and_leaves_nothing_unfinished() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("word");
        fs::write(path.with_extension("new"), "left over").unwrap();
        for content in ["old", "new"] {
            keep(&path, content.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, MODE);
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_cannot_be_replaced_stays_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("word");
        fs::create_dir_all(path.join("inside")).unwrap();
        assert!(keep(&path, b"new").is_err());
        assert!(path.join("inside").is_dir());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing unfinished is left");
        assert!(keep(&dir.path().join("nowhere/word"), b"new").is_err());
    }
}
