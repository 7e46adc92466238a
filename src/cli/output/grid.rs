//! A table with a priority per column and a mark on the best cells, rendered for a terminal or as Markdown.

use comfy_table::{
    Attribute, Cell as Drawn, CellAlignment, ContentArrangement, LineStyle, Table, presets::NOTHING,
};

use super::{markdown::escape, printable};

/// A column's heading, and its priority if the table does not fit.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    pub title: &'static str,
    /// Second line of the heading; empty for none.
    pub unit: &'static str,
    pub align: Align,
    /// 0 is never left out; of the others the highest is left out first.
    pub dispensable: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cell {
    pub text: String,
    pub best: bool,
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self { text, best: false }
    }
}

#[derive(Debug, Default)]
pub struct Grid {
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<Cell>>,
}

/// Width and styling of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Canvas {
    /// Characters per line; `None` for no limit (a file, a pipe).
    pub width: Option<u16>,
    pub styled: bool,
}

impl Grid {
    /// Renders the table for a terminal. Dispensable columns are left out if it does not fit; if it still does
    /// not fit, cells are wrapped. Ends without a line break.
    pub fn draw(&self, canvas: Canvas) -> String {
        let mut shown: Vec<usize> = (0..self.columns.len()).collect();
        while !self.fits(&shown, canvas) {
            let Some(least) = self.least_important(&shown) else { break };
            shown.retain(|&index| index != least);
        }
        let mut table = self.table(&shown, canvas);
        if let Some(width) = canvas.width.filter(|_| !self.fits(&shown, canvas)) {
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        }
        table.trim_fmt()
    }

    /// Renders a Markdown table. Ends without a line break.
    pub fn markdown(&self) -> String {
        let headings = self.columns.iter().map(|column| match column.unit {
            "" => column.title.to_owned(),
            unit => format!("{} ({unit})", column.title),
        });
        let rules = self.columns.iter().map(|column| match column.align {
            Align::Left => "---".to_owned(),
            Align::Right => "--:".to_owned(),
        });
        let rows = self.rows.iter().map(|row| row.iter().map(markdown_cell).collect());
        [headings.collect::<Vec<_>>(), rules.collect()]
            .into_iter()
            .chain(rows)
            .map(|cells| format!("| {} |", cells.join(" | ")))
            .collect::<Vec<_>>()
            .join("\n")
    }

    fn fits(&self, shown: &[usize], canvas: Canvas) -> bool {
        let plain = Canvas { styled: false, ..canvas };
        let widest = || self.table(shown, plain).lines().map(|line| line.trim_end().chars().count()).max();
        canvas.width.is_none_or(|width| widest().unwrap_or(0) <= usize::from(width))
    }

    fn least_important(&self, shown: &[usize]) -> Option<usize> {
        let importance = |index: usize| self.columns.get(index).map_or(0, |column| column.dispensable);
        shown.iter().copied().filter(|&index| importance(index) > 0).max_by_key(|&index| importance(index))
    }

    fn table(&self, shown: &[usize], canvas: Canvas) -> Table {
        let mut table = Table::new();
        table.load_style(NOTHING.header_separator(LineStyle::none().fill('─')));
        if canvas.styled {
            table.enforce_styling()
        } else {
            table.force_no_tty()
        };
        table.set_header(shown.iter().filter_map(|&index| self.columns.get(index)).map(heading));
        for row in &self.rows {
            table.add_row(shown.iter().filter_map(|&index| row.get(index)).map(drawn));
        }
        for (position, &index) in shown.iter().enumerate() {
            let align = self.columns.get(index).map_or(Align::Left, |column| column.align);
            if let Some(column) = table.column_mut(position) {
                column.set_cell_alignment(align.into());
                column.set_padding((if position == 0 { 0 } else { 1 }, 1));
            }
        }
        table
    }
}

impl From<Align> for CellAlignment {
    fn from(align: Align) -> Self {
        match align {
            Align::Left => Self::Left,
            Align::Right => Self::Right,
        }
    }
}

fn heading(column: &Column) -> Drawn {
    Drawn::new_owned(format!("{}\n{}", column.title, column.unit).trim_end().to_owned())
        .add_attribute(Attribute::Dim)
}

fn drawn(cell: &Cell) -> Drawn {
    let plain = Drawn::new_owned(printable(&cell.text));
    if cell.best { plain.add_attribute(Attribute::Bold) } else { plain }
}

fn markdown_cell(cell: &Cell) -> String {
    let text = escape(&cell.text);
    if cell.best { format!("**{text}**") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> Grid {
        let column = |title, dispensable| Column { title, unit: "ms", align: Align::Right, dispensable };
        let row = |texts: [&str; 3]| texts.map(|text| Cell::from(text.to_owned())).to_vec();
        Grid {
            columns: vec![
                Column { title: "Model", unit: "", align: Align::Left, dispensable: 0 },
                column("First", 1),
                column("Second", 2),
            ],
            rows: vec![row(["a|b", "1", "2"]), row(["long-name-of-a-model", "100", "20000"])],
        }
    }

    fn widest(text: &str) -> usize {
        text.lines().map(|line| line.chars().count()).max().unwrap()
    }

    #[test]
    fn the_least_important_column_is_left_out_first() {
        let unlimited = grid().draw(Canvas { width: None, styled: false });
        assert!(unlimited.contains("First") && unlimited.contains("Second"));
        let narrow = grid().draw(Canvas { width: Some(30), styled: false });
        assert!(narrow.contains("First") && !narrow.contains("Second"), "{narrow}");
        assert!(widest(&narrow) <= 30, "{narrow}");
    }

    #[test]
    fn the_remaining_columns_wrap() {
        let tiny = grid().draw(Canvas { width: Some(12), styled: false });
        assert!(tiny.contains("Model") && !tiny.contains("First"), "{tiny}");
        assert!(widest(&tiny) <= 12, "{tiny}");
    }

    #[test]
    fn escape_codes_appear_only_with_styles() {
        let mut grid = grid();
        grid.rows[0][1].best = true;
        assert!(!grid.draw(Canvas { width: None, styled: false }).contains('\u{1b}'));
        assert!(grid.draw(Canvas { width: None, styled: true }).contains('\u{1b}'));
    }

    #[test]
    fn markdown_cannot_be_broken_by_a_name() {
        let mut grid = grid();
        grid.rows[1][0].text = "[x](http://evil)<b>".into();
        let text = grid.markdown();
        assert!(text.contains("| a\\|b | 1 | 2 |"), "{text}");
        assert!(text.contains("| \\[x\\](http\\://evil)\\<b> |"), "{text}");
        assert!(text.starts_with("| Model | First (ms) | Second (ms) |\n| --- | --: | --: |\n"), "{text}");
    }
}
