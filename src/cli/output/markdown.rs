//! The table for documents and issues, with the same columns and notes as on the terminal.

use super::{columns, notes, printable};
use bench::types::Report;

/// Renders a Markdown table with its notes as a list.
pub fn render(report: &Report) -> String {
    let warning = report.client.warning.iter().map(|warning| format!("Warning: {warning}"));
    let remarks: Vec<_> = notes::adjustments(report)
        .into_iter()
        .chain(notes::remarks(report))
        .chain([notes::client(&report.client)])
        .chain(warning)
        .map(|note| format!("- {}", escape(&note)))
        .collect();
    format!(
        "{}\n\n{}\n\n{}\n",
        notes::conditions(&report.parameters),
        columns::grid(report).markdown(),
        remarks.join("\n")
    )
}

/// Returns text from outside as one line of Markdown that shows it as it is: no emphasis, table cell, link, image,
/// HTML or character reference comes from it.
pub fn escape(text: &str) -> String {
    let text = printable(text);
    let mut escaped = String::with_capacity(text.len());
    let mut before = None;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if is_markup(before, c, rest.as_str()) {
            escaped.push('\\');
        }
        escaped.push(c);
        before = Some(c);
    }
    escaped
}

/// Returns whether `c`, between these texts, may be markup.
fn is_markup(before: Option<char>, c: char, after: &str) -> bool {
    let in_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    match c {
        '\\' | '`' | '*' | '~' | '[' | ']' | '<' | '|' | '&' => true,
        '_' => !(in_word(before) && in_word(after.chars().next())),
        // GitHub makes links of addresses without any markup.
        ':' => after.starts_with("//"),
        '.' => matches!(before, Some('w' | 'W')),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use pulldown_cmark::{Event, Options, Parser, Tag};

    use super::*;

    const TEXTS: &[&str] = &[
        "a | b || c\\| d",
        "[link](http://evil.example) ![image](http://evil.example/x.png) [ref]: http://evil.example",
        "<b data-planted>bold</b> <http://evil.example> <!-- hidden",
        "&lt;b&gt; &#x202e; &amp;",
        "*a* **b** _c_ __d__ ~e~ ~~f~~ `g` ``h`` a_b_c snake_case",
        "# heading",
        "\\ \\\\ \\*",
        "one\ntwo\n\n| x |\n--- three",
        "a\u{1b}[2J\r\u{202e}b",
    ];

    fn parsed(markdown: &str) -> Vec<Event<'_>> {
        Parser::new_ext(markdown, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH).collect()
    }

    fn text_of(events: &[Event]) -> String {
        events
            .iter()
            .filter_map(|event| if let Event::Text(text) = event { Some(&**text) } else { None })
            .collect()
    }

    #[test]
    fn text_in_a_table_stays_text_of_its_cell() {
        for text in TEXTS {
            let markdown = format!("| a | b |\n| --- | --- |\n| x {} y | z |\n", escape(text));
            let events = parsed(&markdown);
            let cells = events.iter().filter(|event| matches!(event, Event::Start(Tag::TableCell))).count();
            assert_eq!(cells, 4, "{markdown}");
            assert_eq!(text_of(&events), format!("abx {} yz", printable(text)), "{markdown}");
            let allowed = events.iter().all(|event| {
                matches!(
                    event,
                    Event::Text(_)
                        | Event::End(_)
                        | Event::Start(Tag::Table(_) | Tag::TableHead | Tag::TableRow | Tag::TableCell)
                )
            });
            assert!(allowed, "{markdown}\n{events:?}");
        }
    }

    #[test]
    fn addresses_are_not_made_links() {
        let escaped = escape("see http://evil.example, www.evil.example and WWW.evil.example: here");
        assert_eq!(escaped, "see http\\://evil.example, www\\.evil.example and WWW\\.evil.example: here");
    }
}
