//! Reading a table around its holes: rows behind a broken page are found by looking further and further, then backwards to its edge.
//!
//! In: a table of a broken file. Out: its readable rows in another file; what is there already stays. Errors are the other file's only.

use std::time::Instant;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, Statement, Transaction};

use super::Part;

/// How reading some rows ended.
#[derive(PartialEq, Eq)]
enum End {
    /// There are no more.
    Over,
    /// What follows cannot be read.
    Hole,
    /// The time is up.
    Late,
}

/// Copies what can be read. `false`: it was not all.
pub(super) fn copy_around(source: &Connection, target: &Transaction<'_>, part: &Part<'_>) -> rusqlite::Result<bool> {
    let columns = columns(target, part.table)?;
    let Ok(known) = self::columns(source, part.table) else { return Ok(false) };
    // An older file has fewer tables and columns.
    let columns: Vec<_> = columns.into_iter().filter(|column| known.contains(column)).collect();
    if columns.is_empty() {
        return Ok(true);
    }
    let places = vec!["?"; columns.len()].join(", ");
    let list = columns.join(", ");
    let insert = format!("INSERT OR IGNORE INTO {} ({list}) VALUES ({places})", part.table);
    let mut rows = Rows { source, insert: target.prepare(&insert)?, columns: columns.len(), deadline: part.deadline };
    if source.prepare(&format!("SELECT rowid FROM {}", part.table)).is_ok() {
        rows.by_number(part, &list)
    } else {
        rows.by_key(part, &list, &key(target, part.table)?)
    }
}

/// Rows on their way from one file into the other.
struct Rows<'a> {
    source: &'a Connection,
    insert: Statement<'a>,
    columns: usize,
    deadline: Instant,
}

impl Rows<'_> {
    fn by_number(&mut self, part: &Part<'_>, list: &str) -> rusqlite::Result<bool> {
        let Part { table, condition, .. } = part;
        let select = |direction: &str| {
            format!(
                "SELECT {list}, rowid FROM {table} NOT INDEXED WHERE rowid > ?1 AND rowid < ?2 AND {condition} \
                 ORDER BY rowid {direction}"
            )
        };
        let (Ok(mut forwards), Ok(mut backwards)) =
            (self.source.prepare(&select("ASC")), self.source.prepare(&select("DESC")))
        else {
            return Ok(false);
        };
        let mut reached = i64::MIN;
        let mut whole = true;
        loop {
            match self.read(&mut forwards, [reached, i64::MAX], &mut reached)? {
                End::Over => return Ok(whole),
                End::Late => return Ok(false),
                End::Hole => whole = false,
            }
            let beyond = self.beyond(table, reached);
            let mut edge = 0;
            self.read(&mut backwards, [reached, beyond.unwrap_or(i64::MAX)], &mut edge)?;
            let Some(beyond) = beyond else { return Ok(false) };
            reached = beyond - 1;
        }
    }

    /// The first row that can be found behind a hole; the wider the hole, the longer the stride.
    fn beyond(&self, table: &str, reached: i64) -> Option<i64> {
        let mut seek = self
            .source
            .prepare(&format!("SELECT rowid FROM {table} NOT INDEXED WHERE rowid > ?1 ORDER BY rowid LIMIT 1"))
            .ok()?;
        let mut stride = 1_i64;
        // Rows are positive.
        let from = reached.max(0);
        loop {
            match seek.query_row([from.checked_add(stride)?], |row| row.get(0)) {
                Ok(row) if row > from => return Some(row),
                Err(rusqlite::Error::QueryReturnedNoRows) => return None,
                // A page that is there in part answers with numbers that are none: to go on from there would lead back here for ever.
                Ok(_) | Err(_) => stride = stride.checked_mul(2)?,
            }
        }
    }

    /// Of a table without numbers: from its beginning, and from its end.
    fn by_key(&mut self, part: &Part<'_>, list: &str, key: &[String]) -> rusqlite::Result<bool> {
        let Part { table, condition, .. } = part;
        for direction in ["ASC", "DESC"] {
            let order: Vec<_> = key.iter().map(|column| format!("{column} {direction}")).collect();
            let select = format!("SELECT {list}, 0 FROM {table} WHERE {condition} ORDER BY {}", order.join(", "));
            let Ok(mut select) = self.source.prepare(&select) else { return Ok(false) };
            if self.read(&mut select, [], &mut 0)? == End::Over {
                return Ok(direction == "ASC");
            }
        }
        Ok(false)
    }

    /// Reads on until something stops it; `reached` is the last row that was read.
    fn read(
        &mut self,
        select: &mut Statement<'_>,
        borders: impl rusqlite::Params,
        reached: &mut i64,
    ) -> rusqlite::Result<End> {
        let Ok(mut rows) = select.query(borders) else { return Ok(End::Hole) };
        loop {
            let row = match rows.next() {
                Ok(Some(row)) => row,
                Ok(None) => return Ok(End::Over),
                Err(_hole) => return Ok(End::Hole),
            };
            if let Ok(number) = row.get(self.columns) {
                *reached = number;
            }
            self.put(row)?;
            if Instant::now() >= self.deadline {
                return Ok(End::Late);
            }
        }
    }

    /// A row that makes no sense is passed over.
    fn put(&mut self, row: &rusqlite::Row<'_>) -> rusqlite::Result<()> {
        for column in 0..self.columns {
            let value = row.get_ref(column)?;
            if matches!(value, ValueRef::Text(text) if std::str::from_utf8(text).is_err()) {
                return Ok(());
            }
            self.insert.raw_bind_parameter(column + 1, ToSqlOutput::Borrowed(value))?;
        }
        match self.insert.raw_execute() {
            Err(error)
                if matches!(
                    error.sqlite_error_code(),
                    Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch)
                ) =>
            {
                Ok(())
            }
            outcome => outcome.map(drop),
        }
    }
}

fn columns(connection: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let mut select = connection.prepare("SELECT name FROM pragma_table_info(?1)")?;
    select.query_map([table], |row| row.get(0))?.collect()
}

fn key(connection: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let mut select = connection.prepare("SELECT name FROM pragma_table_info(?1) WHERE pk > 0 ORDER BY pk")?;
    select.query_map([table], |row| row.get(0))?.collect()
}
