//! The kinds of dirt, what is done with each, and how often they occurred.

use std::collections::BTreeMap;

use serde::Serialize;

/// Declares the kinds once: name, and what is done with it.
macro_rules! dirt {
    ($($(#[$doc:meta])* $name:ident $treatment:literal;)*) => {
        /// A kind of dirt. One row may have several.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        pub enum Dirt { $($(#[$doc])* $name),* }

        impl Dirt {
            /// All kinds, in the order in which they are told.
            pub const EVERY: &[Self] = &[$(Self::$name),*];

            /// What is done with such rows.
            #[must_use]
            pub const fn treatment(self) -> &'static str {
                match self { $(Self::$name => $treatment),* }
            }
        }
    };
}

dirt! {
    /// The same bytes as an earlier row.
    RepeatedRow "left out";
    /// A row whose kind is not that of the bulk action before it.
    MislabelledRow "used as what its fields say";
    /// A bulk action that deletes.
    DeletedRow "left out: what is deleted stays in the log";
    /// A search without an id.
    SearchWithoutQueryId "left out";
    /// A search without a text.
    SearchWithoutText "left out";
    /// A row with the id of another search.
    RepeatedSearch "rows of one query id are one search: the earliest time, and the text and list of the first row that has a list";
    /// A query id whose rows have several texts.
    SearchOfSeveralTexts "the text is that of the row whose list is used";
    /// An event without a query id.
    EventWithoutQueryId "left out";
    /// An event with a query id that no search has.
    EventOfUnrecordedSearch "left out";
    /// A query id of events that no search has.
    UnrecordedSearch "its events are left out";
    /// An event that does not repeat its search's text.
    EventWithoutUserQuery "used: the text is that of its search";
    /// An event with another text than its search.
    EventOfOtherText "used: the text is that of its search";
    /// An event without attributes, so without an item.
    EventWithoutAttributes "left out";
    /// An impression, click, cart or purchase whose attributes name no item.
    EventWithoutItem "left out";
    /// An event without a position.
    EventWithoutPosition "used: impressions stand in the order of the log";
    /// An event whose name is none of those that ranking learns from.
    OtherAction "left out; counted by name";
    /// A time written as text.
    TimestampAsText "used";
    /// A time written as a number of milliseconds.
    TimestampAsNumber "used";
    /// A number that can only be seconds, microseconds or nanoseconds.
    TimestampInOtherUnit "used: taken by its size";
    /// A text that names no time zone.
    TimestampWithoutZone "used: taken as UTC";
    /// A row without a time.
    RowWithoutTimestamp "left out";
    /// An event a little before its search.
    ClockSkew "used: at the time of its search";
    /// An event long before its search.
    EventBeforeSearch "left out";
    /// The same action on the same item after the same search, again.
    RepeatedAction "left out: the earliest counts";
    /// A query id whose positions start from 0.
    PositionsFromZero "used: 1 is added to its positions";
    /// An item shown that the search's list lacks.
    ImpressionOutsideList "used: put at the end of the list";
    /// A click on an item of which there is no impression event.
    ClickWithoutImpression "used if the search's list has the item, else left out";
    /// The same of a cart.
    CartWithoutImpression "used if the search's list has the item, else left out";
    /// The same of a purchase.
    PurchaseWithoutImpression "used if the search's list has the item, else left out";
}

/// How often a kind occurred, and how many rows were left out for it. A row with several kinds is
/// left out for one of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DirtCount {
    /// In searches.
    pub searches: u64,
    /// In events.
    pub events: u64,
    /// Rows left out for it.
    pub left_out: u64,
}

/// What was found in a log. Every row read is used, left out for one kind, or a bad line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DirtCounts {
    counts: BTreeMap<Dirt, DirtCount>,
    /// Rows of searches read, without bad lines.
    pub search_rows: u64,
    /// Rows of events read, without bad lines.
    pub event_rows: u64,
    /// Searches that came out.
    pub searches: u64,
    /// Events that came out.
    pub events: u64,
    /// How often each action occurred, by name; the rarest names of many are under `(other)`.
    pub actions: BTreeMap<String, u64>,
    /// The first moment of a row, in milliseconds since 1970-01-01 UTC.
    pub first: Option<i64>,
    /// The last moment of a row.
    pub last: Option<i64>,
}

impl DirtCounts {
    /// How often a kind occurred.
    #[must_use]
    pub fn of(&self, kind: Dirt) -> DirtCount {
        self.counts.get(&kind).copied().unwrap_or_default()
    }

    /// The kinds that occurred.
    pub fn found(&self) -> impl Iterator<Item = (Dirt, DirtCount)> + '_ {
        self.counts.iter().map(|(kind, count)| (*kind, *count))
    }

    pub(super) fn in_search(&mut self, kind: Dirt) {
        self.counts.entry(kind).or_default().searches += 1;
    }

    pub(super) fn in_event(&mut self, kind: Dirt) {
        self.in_events(kind, 1);
    }

    pub(super) fn in_events(&mut self, kind: Dirt, events: u64) {
        if events > 0 {
            self.counts.entry(kind).or_default().events += events;
        }
    }

    pub(super) fn leave_out(&mut self, kind: Dirt) {
        self.counts.entry(kind).or_default().left_out += 1;
    }

    pub(super) fn saw(&mut self, moment: i64) {
        self.first = Some(self.first.map_or(moment, |first| first.min(moment)));
        self.last = Some(self.last.map_or(moment, |last| last.max(moment)));
    }

    pub(super) fn count_action(&mut self, name: &str) {
        const MAXIMUM_NAMES: usize = 200;
        if let Some(count) = self.actions.get_mut(name) {
            *count += 1;
            return;
        }
        let name = if self.actions.len() < MAXIMUM_NAMES {
            name.chars().take(60).collect()
        } else {
            "(other)".to_owned()
        };
        *self.actions.entry(name).or_default() += 1;
    }
}
