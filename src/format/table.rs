//! A table that is sized by its first rows and then written row by row.

use std::borrow::Cow;
use std::fmt::{self, Write};

use crate::command::Value;
use crate::model::Zone;

use super::cell::shown;
use super::plan::{Field, Row};
use super::text::{column_lines, cut, shortened, visible, width, wrap};

/// How many rows are held back to size the columns.
const SIZING_ROWS: usize = 100;

/// How much wider a column of numbers is made where more rows are to come: counters grow.
const NUMBER_SLACK: usize = 4;

/// The width below which a column is dropped rather than made narrower.
const NARROW: usize = 6;

/// A table under way.
pub(super) struct Table {
    fields: Vec<Field>,
    wrap: bool,
    held_rows: usize,
    screen: usize,
    held: Vec<Vec<Cell>>,
    columns: Vec<Column>,
    dropped: Vec<String>,
}

struct Cell {
    lines: Vec<String>,
    number: bool,
    /// Free text with blanks, which stays useful when it is cut; a thumbprint or a date does not.
    soft: bool,
    empty: bool,
}

struct Column {
    width: usize,
    right: bool,
}

impl Table {
    pub(super) fn new(fields: Vec<Field>, autosize: bool, wrap: bool, screen: usize) -> Self {
        let held_rows = if autosize { usize::MAX } else { SIZING_ROWS };
        Self { fields, wrap, held_rows, screen, held: Vec::new(), columns: Vec::new(), dropped: Vec::new() }
    }

    pub(super) fn push(&mut self, row: Row<'_>, computed: &[Value], zone: &Zone, out: &mut dyn Write) -> fmt::Result {
        let cells: Vec<Cell> = self.fields.iter().map(|field| self.cell(&row.value(field, computed), zone)).collect();
        if !self.columns.is_empty() {
            return self.write_row(&cells, out);
        }
        self.held.push(cells);
        if self.held.len() >= self.held_rows { self.flush(out) } else { Ok(()) }
    }

    /// Sizes the columns now and writes what was held back.
    pub(super) fn flush(&mut self, out: &mut dyn Write) -> fmt::Result {
        if !self.columns.is_empty() || self.held.is_empty() {
            return Ok(());
        }
        self.columns = self.size();
        self.dropped = self.fields.iter().skip(self.columns.len()).map(|f| f.heading.clone()).collect();
        self.write_head(out)?;
        for row in std::mem::take(&mut self.held) {
            self.write_row(&row, out)?;
        }
        Ok(())
    }

    /// The headings for which the screen had no room.
    pub(super) fn dropped(&self) -> &[String] {
        &self.dropped
    }

    fn cell(&self, value: &Value, zone: &Zone) -> Cell {
        let text = shown(value, zone);
        let lines = column_lines(&text).map(|line| if self.wrap { line } else { shortened(line, self.screen) });
        Cell {
            lines: lines.collect(),
            number: matches!(value, Value::Int(_) | Value::Float(_)),
            soft: matches!(value, Value::Text(_) | Value::List(_) | Value::Object(_) | Value::Map(_))
                && text.contains(' '),
            empty: value.is_null(),
        }
    }

    fn size(&self) -> Vec<Column> {
        let column = |index: usize| self.held.iter().filter_map(move |row| row.get(index));
        let more = self.held.len() >= self.held_rows;
        let mut natural: Vec<usize> = Vec::new();
        let mut soft: Vec<bool> = Vec::new();
        let mut right: Vec<bool> = Vec::new();
        for (index, field) in self.fields.iter().enumerate() {
            let widest = column(index).flat_map(|cell| &cell.lines).map(|line| width(line)).max().unwrap_or(0);
            let fixed = field.width > 0;
            let wanted = if fixed { field.width } else { widest.max(width(&visible(&field.heading))).max(1) };
            let filled = || column(index).filter(|cell| !cell.empty);
            let numbers = filled().next().is_some() && filled().all(|cell| cell.number);
            let slack = if numbers && !fixed && more { NUMBER_SLACK } else { 0 };
            natural.push((wanted + slack).min(self.screen));
            soft.push(!fixed && column(index).any(|cell| cell.soft));
            right.push(numbers);
        }
        let sizes = fit(&natural, &soft, self.screen);
        let mut columns: Vec<Column> =
            sizes.iter().zip(&right).map(|(width, right)| Column { width: *width, right: *right }).collect();
        let used: usize = sizes.iter().map(|w| w + 1).sum::<usize>().saturating_sub(1);
        if let Some(last) = columns.last_mut().filter(|last| !last.right) {
            last.width += self.screen.saturating_sub(used);
        }
        columns
    }

    fn write_head(&self, out: &mut dyn Write) -> fmt::Result {
        let headings: Vec<String> = self
            .fields
            .iter()
            .zip(&self.columns)
            .map(|(field, column)| cut(&visible(&field.heading).replace('\t', " "), column.width).into_owned())
            .collect();
        let dashes: Vec<String> = headings.iter().map(|heading| "-".repeat(width(heading))).collect();
        self.write_line(&headings.iter().map(String::as_str).collect::<Vec<_>>(), out)?;
        self.write_line(&dashes.iter().map(String::as_str).collect::<Vec<_>>(), out)
    }

    fn write_row(&self, cells: &[Cell], out: &mut dyn Write) -> fmt::Result {
        let parts: Vec<Vec<Cow<'_, str>>> = cells
            .iter()
            .zip(&self.columns)
            .map(|(cell, column)| {
                let lines = cell.lines.iter();
                if self.wrap {
                    let wrapped = lines.flat_map(|line| wrap(line, column.width));
                    wrapped.map(|line| Cow::Owned(shortened(line, column.width))).collect()
                } else {
                    lines.map(|line| cut(line, column.width)).collect()
                }
            })
            .collect();
        let height = parts.iter().map(Vec::len).max().unwrap_or(0);
        for line in 0..height {
            let words: Vec<&str> = parts.iter().map(|part| part.get(line).map_or("", |text| &**text)).collect();
            self.write_line(&words, out)?;
        }
        Ok(())
    }

    fn write_line(&self, words: &[&str], out: &mut dyn Write) -> fmt::Result {
        let mut line = String::new();
        for (index, (word, column)) in words.iter().zip(&self.columns).enumerate() {
            if index > 0 {
                line.push(' ');
            }
            let blanks = std::iter::repeat_n(' ', column.width.saturating_sub(width(word)));
            if column.right {
                line.extend(blanks);
                line.push_str(word);
            } else {
                line.push_str(word);
                line.extend(blanks);
            }
        }
        writeln!(out, "{}", line.trim_end_matches(' '))
    }
}

/// Widths that fit the screen, one cell apart: first free text becomes narrower, then everything,
/// and what still has no room is left out from the right.
fn fit(natural: &[usize], soft: &[bool], screen: usize) -> Vec<usize> {
    let mut count = natural.len();
    let least = |i: usize| natural.get(i).copied().unwrap_or(0).min(NARROW);
    while count > 1 && (0..count).map(|i| least(i) + 1).sum::<usize>() > screen + 1 {
        count -= 1;
    }
    let mut sizes: Vec<usize> = natural.iter().take(count).copied().collect();
    let room = screen.saturating_sub(count.saturating_sub(1));
    let floor: Vec<usize> = sizes.iter().map(|w| (*w).min(3 * NARROW)).collect();
    narrow(&mut sizes, room, |i| soft.get(i).copied().unwrap_or(false).then(|| floor[i]));
    let floor: Vec<usize> = sizes.iter().map(|w| (*w).min(NARROW)).collect();
    narrow(&mut sizes, room, |i| Some(floor[i]));
    if let [only] = sizes.as_mut_slice() {
        *only = (*only).min(room);
    }
    sizes
}

/// Takes cells from the widest column that may give, until all fit or none may.
fn narrow(sizes: &mut [usize], room: usize, floor: impl Fn(usize) -> Option<usize>) {
    let mut excess = sizes.iter().sum::<usize>().saturating_sub(room);
    while excess > 0 {
        let widest =
            (0..sizes.len()).filter(|i| floor(*i).is_some_and(|least| sizes[*i] > least)).max_by_key(|i| sizes[*i]);
        let Some(widest) = widest else { return };
        sizes[widest] -= 1;
        excess -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_text_gives_way_before_thumbprints() {
        assert_eq!(fit(&[40, 60, 20], &[false, true, false], 90), [40, 28, 20]);
        assert_eq!(fit(&[40, 60], &[false, false], 200), [40, 60]);
        assert_eq!(fit(&[40, 40], &[false, false], 61), [30, 30]);
    }

    #[test]
    fn columns_without_room_are_left_out_from_the_right() {
        assert_eq!(fit(&[10; 10], &[false; 10], 20).len(), 3);
        assert_eq!(fit(&[50], &[false], 20), [20]);
    }
}
