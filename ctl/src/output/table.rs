//! Aligned columns, without borders, which `grep` and `awk` read as well.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Spaces between two columns.
const GAP: usize = 2;

/// No column is cut to less.
const LEAST: usize = 6;

/// Rows under a header.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(header: &[&str]) -> Self {
        Self { rows: vec![header.iter().map(ToString::to_string).collect()] }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        // What peers said may hold anything.
        let plain = |cell: String| cell.replace(char::is_control, "\u{fffd}");
        self.rows.push(cells.into_iter().map(plain).collect());
    }

    /// As text; where there is a width, the widest columns are cut until a row fits into it.
    pub(crate) fn render(&self, width: Option<usize>) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widest =
            |column: usize| self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max();
        let mut widths: Vec<usize> = (0..columns).map(|column| widest(column).unwrap_or(0)).collect();
        if let Some(width) = width {
            fit(&mut widths, width);
        }
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                let cell = cut(cell, *width);
                let padding = width.saturating_sub(cell.width()) + GAP;
                line += &cell;
                line.extend(std::iter::repeat_n(' ', padding));
            }
            text += line.trim_end();
            text.push('\n');
        }
        text
    }
}

fn fit(widths: &mut [usize], width: usize) {
    let gaps = GAP * widths.len().saturating_sub(1);
    loop {
        let over = (widths.iter().sum::<usize>() + gaps).saturating_sub(width);
        let second =
            widths.iter().copied().filter(|width| Some(width) != widths.iter().max()).max().unwrap_or(0);
        let Some(widest) = widths.iter_mut().max().filter(|widest| over > 0 && **widest > LEAST) else {
            return;
        };
        // At least one, so that it ends; at most down to the next one, so that those are cut alike.
        let step = (*widest - second).clamp(1, over);
        *widest = (*widest - step).max(LEAST);
    }
}

fn cut(cell: &str, width: usize) -> String {
    if cell.width() <= width {
        return cell.to_owned();
    }
    let mut used = 1;
    let fits = |character: &char| {
        used += character.width().unwrap_or(0);
        used <= width
    };
    let mut text: String = cell.chars().take_while(fits).collect();
    text.push('…');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&["ID", "ADDR", "WHAT"]);
        table.row(["7".into(), "192.0.2.1:4711".into(), "日本".into()]);
        table.row(["18446744073709551615".into(), "a\x1b[2J".into(), String::new()]);
        table
    }

    #[test]
    fn columns_are_aligned_and_lines_end_with_text() {
        let expected = "ID                    ADDR            WHAT\n\
                        7                     192.0.2.1:4711  日本\n\
                        18446744073709551615  a\u{fffd}[2J\n";
        assert_eq!(table().render(None), expected);
    }

    #[test]
    fn a_terminal_gets_no_line_that_is_wider() {
        for width in [30, 35, 40] {
            let text = table().render(Some(width));
            assert!(text.lines().all(|line| line.width() <= width), "{width}:\n{text}");
            assert!(text.contains("日本") && text.contains('…'), "{text}");
        }
        // Where there is no room for anything, it is no endless loop.
        assert!(table().render(Some(3)).contains("184467"[..5].to_owned().as_str()));
    }
}
