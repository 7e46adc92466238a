//! Parts of tables: headers that sort, cells with a unit and a spread.

use std::cmp::Ordering;

use leptos::prelude::*;

use super::format::UNKNOWN;

/// Sort direction of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The smallest value first.
    Ascending,
    /// The largest value first.
    Descending,
}

impl Direction {
    fn reversed(self) -> Self {
        match self {
            Self::Ascending => Self::Descending,
            Self::Descending => Self::Ascending,
        }
    }

    fn aria(self) -> &'static str {
        match self {
            Self::Ascending => "ascending",
            Self::Descending => "descending",
        }
    }
}

/// The column that a table is sorted by, and the direction. `K` identifies the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort<K> {
    /// The column.
    pub key: K,
    /// The direction.
    pub direction: Direction,
}

impl<K: PartialEq> Sort<K> {
    /// Creates a sort by this column in this direction.
    pub fn new(key: K, direction: Direction) -> Self {
        Self { key, direction }
    }

    /// Returns the sort after the header of `key` was pressed: reversed if it is the current column, otherwise
    /// by that column, best first.
    #[must_use]
    pub fn pressed(self, key: K, best_first: Direction) -> Self {
        let direction = if self.key == key { self.direction.reversed() } else { best_first };
        Self { key, direction }
    }

    /// Compares two values in this direction.
    pub fn order<T: PartialOrd>(&self, a: &T, b: &T) -> Ordering {
        let order = a.partial_cmp(b).unwrap_or(Ordering::Equal);
        match self.direction {
            Direction::Ascending => order,
            Direction::Descending => order.reverse(),
        }
    }

    /// Compares two values that may be unknown. Unknown values come last in both directions.
    pub fn order_known<T: PartialOrd>(&self, a: &Option<T>, b: &Option<T>) -> Ordering {
        match (a, b) {
            (Some(a), Some(b)) => self.order(a, b),
            (a, b) => b.is_some().cmp(&a.is_some()),
        }
    }
}

/// A header that sorts by its column when pressed.
///
/// The page sorts its rows by the signal, with [`Sort::order`] and [`Sort::order_known`].
#[component]
pub fn SortHeader<K>(
    /// The table's sort, which the header reads and changes.
    sort: RwSignal<Sort<K>>,
    /// The header's column.
    key: K,
    /// The text of the header.
    #[prop(into)]
    label: String,
    /// The direction that the first press gives.
    #[prop(default = Direction::Ascending)]
    best_first: Direction,
    /// `n` for numbers, and classes that hide the column on narrow screens.
    #[prop(optional, into)]
    class: String,
    /// Short description of the column.
    #[prop(optional, into)]
    about: Option<String>,
) -> impl IntoView
where
    K: Copy + PartialEq + Send + Sync + 'static,
{
    let direction = move || {
        let sort = sort.get();
        (sort.key == key).then_some(sort.direction)
    };
    let mark = move || match direction() {
        Some(Direction::Ascending) => "▴",
        Some(Direction::Descending) => "▾",
        None => "",
    };
    view! {
        <th scope="col" class=class aria-sort=move || direction().map(Direction::aria)>
            <button
                type="button"
                class="sort-button"
                title=about
                on:click=move |_| sort.update(|sort| *sort = sort.pressed(key, best_first))
            >
                {label}
                <span class="sort-mark" aria-hidden="true">
                    {mark}
                </span>
            </button>
        </th>
    }
}

/// A table cell with a number, its unit and its spread; a dash if unknown.
#[component]
pub fn NumberCell(
    /// The value, formatted by [`format`](super::format).
    value: Option<String>,
    /// The unit, after the value.
    #[prop(default = None)]
    unit: Option<String>,
    /// The spread, formatted by [`spread`](super::format::spread).
    #[prop(default = None)]
    spread: Option<String>,
    /// Whether the value is the best of its column, which is highlighted.
    #[prop(optional)]
    best: bool,
    /// Further classes of the cell.
    #[prop(optional, into)]
    class: String,
    /// Tags after the number.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let known = value.is_some();
    let weight = if best { "font-semibold" } else { "" };
    view! {
        <td class=format!("n {class}")>
            <span class=weight>{value.unwrap_or_else(|| UNKNOWN.to_owned())}</span>
            {unit.filter(|_| known).map(|unit| view! { <span class="unit">{unit}</span> })}
            {spread.filter(|_| known).map(|spread| view! { <span class="spread">{spread}</span> })}
            {children.map(|children| children())}
        </td>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Column {
        Speed,
        Ttft,
    }

    #[test]
    fn a_second_press_reverses_the_order() {
        let by_speed = Sort::new(Column::Speed, Direction::Descending);
        let by_ttft = by_speed.pressed(Column::Ttft, Direction::Ascending);
        assert_eq!(by_ttft, Sort::new(Column::Ttft, Direction::Ascending));
        assert_eq!(by_ttft.pressed(Column::Ttft, Direction::Ascending).direction, Direction::Descending);
    }

    #[test]
    fn unknown_values_come_last_both_ways() {
        for (direction, expected) in [
            (Direction::Ascending, [Some(1.0), Some(2.0), None]),
            (Direction::Descending, [Some(2.0), Some(1.0), None]),
        ] {
            let sort = Sort::new(Column::Speed, direction);
            let mut values = [Some(1.0), None, Some(2.0)];
            values.sort_by(|a, b| sort.order_known(a, b));
            assert_eq!(values, expected);
        }
    }
}
