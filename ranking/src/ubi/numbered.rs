//! Rows of a log whose names are numbers.

use std::collections::HashMap;
use std::ops::Range;

use crate::events::Action;

/// Numbers for names, from 0.
#[derive(Debug, Default)]
pub(super) struct Names {
    numbers: HashMap<Box<str>, u32>,
}

impl Names {
    pub(super) fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        // A row has few names, and MAXIMUM_ROWS ends the reading before numbers run out.
        let number = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
        self.numbers.insert(name.into(), number);
        number
    }

    /// The names by number.
    pub(super) fn into_list(self) -> Vec<Box<str>> {
        let mut list: Vec<(Box<str>, u32)> = self.numbers.into_iter().collect();
        list.sort_unstable_by_key(|(_, number)| *number);
        list.into_iter().map(|(name, _)| name).collect()
    }
}

/// A row of a search; names are numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SearchRow {
    pub(crate) query_id: u32,
    pub(crate) client: u32,
    pub(crate) text: u32,
    pub(crate) timestamp: i64,
    pub(crate) list: List,
    /// Intent and segment, by their numbers among the names of slices.
    pub(crate) slices: [Option<u32>; 2],
}

/// The items that a search showed: where they stand among those of all searches.
#[derive(Debug, Clone, Copy)]
pub(crate) struct List {
    first: usize,
    items: u32,
}

impl List {
    pub(super) const fn is_empty(self) -> bool {
        self.items == 0
    }

    /// Where it begins.
    pub(super) const fn first(self) -> usize {
        self.first
    }

    /// Where its items stand.
    pub(crate) const fn range(self) -> Range<usize> {
        self.first..self.first + self.items as usize
    }

    /// The list of what stands from `first` on.
    pub(super) fn since(first: usize, shown: &[u32]) -> Self {
        let items = shown.len() - first;
        Self {
            first,
            items: u32::try_from(items).expect("bounded by the rows of a log"),
        }
    }
}

/// A row of an event; names are numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EventRow {
    pub(crate) query_id: u32,
    pub(crate) item: u32,
    pub(crate) client: u32,
    pub(crate) session: u32,
    pub(crate) text: Option<u32>,
    pub(crate) position: Option<u32>,
    pub(crate) timestamp: i64,
    pub(crate) action: Action,
}
