//! Reads the rows of a log, row by row, into numbers: a row takes some 50 bytes, whatever its texts.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::BufRead;

use sha2::{Digest as _, Sha256};

use crate::catalogue::MAXIMUM_ITEM_ID_BYTES;
use crate::events::{Action, MAXIMUM_ID_BYTES, MAXIMUM_QUERY_BYTES, MAXIMUM_SHOWN_ITEMS};
use crate::input::{BadLineKind, BadLines, Complaint, InputError, JsonRecords, Lines, parse_json};

use super::dirt::{Dirt, DirtCounts};
use super::join::CleanLog;
use super::numbered::{EventRow, List, Names, SearchRow};
use super::row::{Line, Loose, Part, RawAttributes, RawRow, RowKind};
use super::timestamp::{Moment, read_moment};

/// Most rows of one log.
pub const MAXIMUM_ROWS: u64 = 20_000_000;

/// How to read a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UbiOptions {
    /// What ranking learns from, by the log's names of actions. Other actions are left out.
    pub actions: BTreeMap<String, Action>,
    /// An event that is earlier than its search by at most this, in milliseconds, has another clock.
    pub maximum_clock_skew: i64,
    /// Bad lines that are passed over.
    pub allowed_bad_lines: u64,
}

impl Default for UbiOptions {
    fn default() -> Self {
        let actions = [
            ("impression", Action::Impression),
            ("click", Action::Click),
            ("add_to_cart", Action::AddToCart),
            ("purchase", Action::Purchase),
        ];
        Self {
            actions: actions
                .into_iter()
                .map(|(name, action)| (name.to_owned(), action))
                .collect(),
            maximum_clock_skew: 60_000,
            allowed_bad_lines: 0,
        }
    }
}

/// What was read of a log.
#[derive(Debug, Default)]
pub struct UbiLog {
    options: UbiOptions,
    bad_lines: BadLines,
    pub(super) dirt: DirtCounts,
    /// Starts of the rows' digests.
    seen: HashSet<[u8; 16]>,
    pub(super) query_ids: Names,
    pub(super) items: Names,
    /// Ids of clients and sessions.
    pub(super) people: Names,
    pub(super) texts: Names,
    /// Names of intents and segments.
    pub(super) slices: Names,
    pub(super) searches: Vec<SearchRow>,
    /// The items that searches showed, one list after the other.
    pub(super) shown: Vec<u32>,
    /// The propensities of the lists that have any, by where the list begins.
    pub(super) propensities: HashMap<usize, Box<[f64]>>,
    pub(super) events: Vec<EventRow>,
    /// How many events that are left out anyway name a query id, by its number.
    pub(super) unused_events: HashMap<u32, u64>,
    /// Bulk actions that announce a row.
    bulk_actions: u64,
}

impl UbiLog {
    /// Nothing read yet.
    #[must_use]
    pub fn new(options: UbiOptions) -> Self {
        Self {
            bad_lines: BadLines::tolerating(options.allowed_bad_lines),
            options,
            ..Self::default()
        }
    }

    /// Reads a file: rows of searches, of events, or of both, with or without bulk actions. Files
    /// may come in any order.
    ///
    /// # Errors
    /// More bad lines than allowed in all files together, each with its line and field; too many
    /// rows; bytes that cannot be read.
    pub fn read(&mut self, input: impl BufRead) -> Result<(), InputError> {
        self.read_records(Lines::new(input))
    }

    /// Reads rows that are no lines of a text, with the fields of JSON Lines.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_records<R: JsonRecords>(&mut self, mut records: R) -> Result<(), InputError> {
        let mut announced = None;
        while let Some((line, text)) = records.next_record()? {
            let used = match text {
                Ok(text) if text.trim().is_empty() => continue,
                Ok(text) => self
                    .add_line(text, &mut announced)
                    .map_err(|complaint| complaint.at(R::UNIT, line)),
                Err(bad) => Err(bad),
            };
            if let Err(bad) = used {
                self.bad_lines.add(bad)?;
            }
            if self.dirt.search_rows + self.dirt.event_rows > MAXIMUM_ROWS {
                let unit = R::UNIT.record();
                let message = format!("{unit} {line}: more than {MAXIMUM_ROWS} rows");
                return Err(InputError::Whole(message));
            }
        }
        Ok(())
    }

    /// The lines that were passed over.
    #[must_use]
    pub fn bad_lines(&self) -> &BadLines {
        &self.bad_lines
    }

    /// How many rows were announced by a bulk action of OpenSearch.
    #[must_use]
    pub fn bulk_actions(&self) -> u64 {
        self.bulk_actions
    }

    /// Joins what was read, and treats all dirt.
    #[must_use]
    pub fn finish(mut self) -> CleanLog {
        self.seen = HashSet::new();
        let skew = self.options.maximum_clock_skew;
        CleanLog::new(self, skew)
    }

    fn add_line(&mut self, text: &str, announced: &mut Option<RowKind>) -> Result<(), Complaint> {
        // A row that is bad uses its announcement up as well.
        let announcement = announced.take();
        let (row, kind, index) = match parse_json::<RawRow>(text)?.classify() {
            Line::Announces(kind) => {
                self.bulk_actions += 1;
                *announced = kind;
                return Ok(());
            }
            Line::Deletes => {
                self.dirt.in_event(Dirt::DeletedRow);
                return Ok(());
            }
            Line::Updates => {
                let message =
                    "changes a row in part, which a log should not; export the rows instead";
                return Err(Complaint::invalid("update", message));
            }
            Line::Nothing => {
                let message = "is no row of ubi_queries or ubi_events and no bulk action";
                return Err(Complaint::new(BadLineKind::Malformed, ".", message));
            }
            Line::Search(row, index) => (row, RowKind::Search, index),
            Line::Event(row, index) => (row, RowKind::Event, index),
        };
        let is_mislabelled = announcement
            .or(index)
            .is_some_and(|announced| announced != kind);
        match kind {
            RowKind::Search => self.add_search(text, &row, is_mislabelled),
            RowKind::Event => self.add_event(text, &row, is_mislabelled),
        }
    }

    fn add_search(
        &mut self,
        bytes: &str,
        row: &RawRow,
        is_mislabelled: bool,
    ) -> Result<(), Complaint> {
        let query_id = row.query_id.as_name("query_id", MAXIMUM_ID_BYTES)?;
        let client = row.client_id.as_name("client_id", MAXIMUM_ID_BYTES)?;
        let text = row.user_query.as_name("user_query", MAXIMUM_QUERY_BYTES)?;
        let moment = read_moment(&row.timestamp)
            .map_err(|message| Complaint::invalid("timestamp", message))?;
        let list = match &row.query_response_hit_ids {
            Loose::Absent => &[][..],
            Loose::List(list) => list.as_slice(),
            _ => {
                return Err(Complaint::invalid(
                    "query_response_hit_ids",
                    "is no array of item ids",
                ));
            }
        };
        let list = item_names(list)?;
        let propensities = row.query_attributes.propensities(list.len())?;

        self.dirt.search_rows += 1;
        if is_mislabelled {
            self.dirt.in_search(Dirt::MislabelledRow);
        }
        if let Some(moment) = moment {
            for kind in kinds_of_moment(moment) {
                self.dirt.in_search(kind);
            }
        }
        let is_repeated = self.is_repeated(bytes);
        for (is_found, kind) in [
            (is_repeated, Dirt::RepeatedRow),
            (query_id.is_none(), Dirt::SearchWithoutQueryId),
            (text.is_none(), Dirt::SearchWithoutText),
            (moment.is_none(), Dirt::RowWithoutTimestamp),
        ] {
            if is_found {
                self.dirt.in_search(kind);
            }
        }
        let (Some(query_id), Some(text), Some(moment), false) =
            (&query_id, &text, moment, is_repeated)
        else {
            self.dirt.leave_out(if is_repeated {
                Dirt::RepeatedRow
            } else if query_id.is_none() {
                Dirt::SearchWithoutQueryId
            } else if text.is_none() {
                Dirt::SearchWithoutText
            } else {
                Dirt::RowWithoutTimestamp
            });
            return Ok(());
        };
        self.dirt.saw(moment.milliseconds);
        let first = self.shown.len();
        for item in &list {
            self.shown.push(self.items.number(item));
        }
        let list = List::since(first, &self.shown);
        if !propensities.is_empty() {
            self.propensities.insert(first, propensities);
        }
        self.searches.push(SearchRow {
            query_id: self.query_ids.number(query_id),
            client: self.people.number(client.as_deref().unwrap_or_default()),
            text: self.texts.number(text),
            timestamp: moment.milliseconds,
            list,
            slices: row
                .query_attributes
                .names()
                .map(|name| name.map(|name| self.slices.number(&name))),
        });
        Ok(())
    }

    fn add_event(
        &mut self,
        bytes: &str,
        row: &RawRow,
        is_mislabelled: bool,
    ) -> Result<(), Complaint> {
        let Loose::Text(name) = &row.action_name else {
            return Err(Complaint::invalid("action_name", "is no text"));
        };
        let name = name.trim();
        let action = self.options.actions.get(name).copied();
        let query_id = row.query_id.as_name("query_id", MAXIMUM_ID_BYTES)?;
        let text = row.user_query.as_name("user_query", MAXIMUM_QUERY_BYTES)?;
        let moment = read_moment(&row.timestamp)
            .map_err(|message| Complaint::invalid("timestamp", message))?;
        let attributes = match &row.event_attributes {
            Part::Given(attributes) => Some(attributes),
            Part::Absent => None,
            Part::Other => return Err(Complaint::invalid("event_attributes", "is no object")),
        };
        let item = attributes.map_or(Ok(None), item_of)?;
        let position = attributes.map_or(Ok(None), position_of)?;
        let client = row.client_id.as_name("client_id", MAXIMUM_ID_BYTES)?;
        let session = match row.session_id.as_name("session_id", MAXIMUM_ID_BYTES)? {
            None => attributes.map_or(Ok(None), |attributes| {
                attributes
                    .session_id
                    .as_name("event_attributes.session_id", MAXIMUM_ID_BYTES)
            })?,
            session => session,
        };

        self.dirt.event_rows += 1;
        self.dirt.count_action(name);
        if let Some(moment) = moment {
            for kind in kinds_of_moment(moment) {
                self.dirt.in_event(kind);
            }
            self.dirt.saw(moment.milliseconds);
        }
        let is_repeated = self.is_repeated(bytes);
        for (is_found, kind) in [
            (is_mislabelled, Dirt::MislabelledRow),
            (is_repeated, Dirt::RepeatedRow),
            (action.is_none(), Dirt::OtherAction),
            (query_id.is_none(), Dirt::EventWithoutQueryId),
            (text.is_none(), Dirt::EventWithoutUserQuery),
            (attributes.is_none(), Dirt::EventWithoutAttributes),
            (
                action.is_some() && attributes.is_some() && item.is_none(),
                Dirt::EventWithoutItem,
            ),
            (position.is_none(), Dirt::EventWithoutPosition),
            (moment.is_none(), Dirt::RowWithoutTimestamp),
        ] {
            if is_found {
                self.dirt.in_event(kind);
            }
        }
        let query_number = query_id.as_deref().map(|id| self.query_ids.number(id));
        let (Some(action), Some(query_id), Some(item), Some(moment), false) =
            (action, query_number, &item, moment, is_repeated)
        else {
            self.dirt.leave_out(if is_repeated {
                Dirt::RepeatedRow
            } else if action.is_none() {
                Dirt::OtherAction
            } else if query_number.is_none() {
                Dirt::EventWithoutQueryId
            } else if attributes.is_none() {
                Dirt::EventWithoutAttributes
            } else if item.is_none() {
                Dirt::EventWithoutItem
            } else {
                Dirt::RowWithoutTimestamp
            });
            if let Some(query_id) = query_number {
                *self.unused_events.entry(query_id).or_default() += 1;
            }
            return Ok(());
        };
        self.events.push(EventRow {
            query_id,
            item: self.items.number(item),
            client: self.people.number(client.as_deref().unwrap_or_default()),
            session: self.people.number(session.as_deref().unwrap_or_default()),
            text: text.as_deref().map(|text| self.texts.number(text)),
            position,
            timestamp: moment.milliseconds,
            action,
        });
        Ok(())
    }

    fn is_repeated(&mut self, row: &str) -> bool {
        let digest = Sha256::digest(row.trim().as_bytes());
        let mut start = [0; 16];
        start.copy_from_slice(&digest[..16]);
        !self.seen.insert(start)
    }
}

fn kinds_of_moment(moment: Moment) -> impl Iterator<Item = Dirt> {
    [
        (moment.is_text, Dirt::TimestampAsText),
        (!moment.is_text, Dirt::TimestampAsNumber),
        (moment.is_other_unit, Dirt::TimestampInOtherUnit),
        (moment.has_no_zone, Dirt::TimestampWithoutZone),
    ]
    .into_iter()
    .filter_map(|(is_found, kind)| is_found.then_some(kind))
}

/// The ids in a search's list.
fn item_names(list: &[Loose]) -> Result<Vec<Cow<'_, str>>, Complaint> {
    if list.len() > MAXIMUM_SHOWN_ITEMS {
        let message = format!(
            "{} items, at most {MAXIMUM_SHOWN_ITEMS} are allowed",
            list.len()
        );
        return Err(Complaint::invalid("query_response_hit_ids", message));
    }
    let mut names = Vec::with_capacity(list.len());
    for (place, value) in list.iter().enumerate() {
        // There are many items and few complaints.
        let field = || format!("query_response_hit_ids[{place}]");
        match value.as_name("", MAXIMUM_ITEM_ID_BYTES) {
            Ok(Some(name)) => names.push(name),
            Ok(None) => return Err(Complaint::missing(field())),
            Err(complaint) => {
                let field = field();
                return Err(Complaint { field, ..complaint });
            }
        }
    }
    Ok(names)
}

fn item_of(attributes: &RawAttributes) -> Result<Option<Cow<'_, str>>, Complaint> {
    match &attributes.object {
        Part::Given(object) => object
            .object_id
            .as_name("event_attributes.object.object_id", MAXIMUM_ITEM_ID_BYTES),
        Part::Absent => Ok(None),
        Part::Other => Err(Complaint::invalid(
            "event_attributes.object",
            "is no object",
        )),
    }
}

/// As it stands in the log: from 0 or from 1.
fn position_of(attributes: &RawAttributes) -> Result<Option<u32>, Complaint> {
    let ordinal = match &attributes.position {
        Part::Given(position) => &position.ordinal,
        Part::Absent => return Ok(None),
        Part::Other => {
            return Err(Complaint::invalid(
                "event_attributes.position",
                "is no object",
            ));
        }
    };
    let number = match ordinal {
        Loose::Absent => return Ok(None),
        Loose::Integer(number) => u32::try_from(*number).ok(),
        Loose::Text(text) => text.trim().parse().ok(),
        _ => None,
    };
    // The last number stays free, for positions from 0 are moved by 1.
    number
        .filter(|number| *number < u32::MAX)
        .map(Some)
        .ok_or_else(|| {
            Complaint::invalid(
                "event_attributes.position.ordinal",
                "is no whole number of at least 0",
            )
        })
}
