//! What own data holds, in words: counts, ranges, how much does not fit together, how much is there
//! twice. Pure.

use std::collections::{BTreeMap, HashSet};

use searchop_ranking::catalogue::Catalogue;
use searchop_ranking::catalogue_files::{CatalogueSummary, Range};
use searchop_ranking::events::Action;
use searchop_ranking::judgements::JudgementList;
use searchop_ranking::ubi::Dirt;

use crate::data::{OwnData, OwnLog};

/// From this share on, what does not fit together is warned of.
const WARNED_SHARE: f64 = 0.2;
/// Examples of ids that are not in the catalogue.
const EXAMPLES: usize = 3;

/// All that was found, line by line.
pub(super) fn lines(own: &OwnData) -> Vec<String> {
    let mut lines = catalogue_lines(own);
    if let Some(list) = &own.judgements {
        lines.extend(judgement_lines(list, &own.catalogue));
    }
    if let Some(log) = &own.log {
        lines.extend(log_lines(log, &own.catalogue));
    }
    lines
}

/// What is probably a mistake.
pub(super) fn warnings(own: &OwnData) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut warn = |unmatched: &Unmatched, of: &str| {
        if unmatched.share() >= WARNED_SHARE {
            warnings.push(format!(
                "{} of the items in {of} are not in the catalogue, such as {}: is it the same id?",
                percent(unmatched.unknown, unmatched.all),
                unmatched.examples.join(", ")
            ));
        }
    };
    if let Some(list) = &own.judgements {
        warn(
            &unmatched_judgements(list, &own.catalogue),
            "the judgements",
        );
    }
    if let Some(log) = &own.log {
        warn(&unmatched_events(log, &own.catalogue), "the log");
        let dirt = &log.clean.dirt;
        let lost: u64 = dirt
            .found()
            .filter(|(kind, _)| *kind != Dirt::OtherAction)
            .map(|(_, count)| count.left_out)
            .sum();
        let rows = dirt.search_rows + dirt.event_rows;
        if share(lost, rows) >= WARNED_SHARE {
            warnings.push(format!(
                "{} of the log's rows are left out for their dirt",
                percent(lost, rows)
            ));
        }
    }
    warnings
}

fn catalogue_lines(own: &OwnData) -> Vec<String> {
    let summary = CatalogueSummary::of(&own.catalogue);
    let mut lines = vec![format!(
        "catalogue    {} products, {} repeats left out, {} titles that others have too",
        summary.products, own.catalogue_notes.repeated, summary.repeated_titles
    )];
    for (field, count) in &summary.with_field {
        let more = match *field {
            "price" => range(summary.price),
            "popularity" => range(summary.popularity),
            "category" => format!(", {} different", summary.categories),
            "in_stock" => format!(", {} can be had", summary.in_stock),
            _ => String::new(),
        };
        lines.push(format!(
            "  {field:<11}{} of products{more}",
            percent(*count, summary.products)
        ));
    }
    for (name, values) in &summary.attributes {
        let kinds = [
            (values.texts, "texts"),
            (values.numbers, "numbers"),
            (values.flags, "flags"),
        ];
        let kinds: Vec<String> = kinds
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, kind)| format!("{count} {kind}"))
            .collect();
        lines.push(format!("  attribute {name:?}: {}", kinds.join(", ")));
    }
    lines
}

fn judgement_lines(list: &JudgementList, catalogue: &Catalogue) -> Vec<String> {
    let notes = &list.notes;
    let mut sizes: Vec<usize> = list
        .queries()
        .iter()
        .map(|query| query.items.len())
        .collect();
    sizes.sort_unstable();
    let mut labels: BTreeMap<u8, u64> = BTreeMap::new();
    for item in list.queries().iter().flat_map(|query| &query.items) {
        *labels.entry(item.label).or_default() += 1;
    }
    let labels: Vec<String> = labels
        .iter()
        .map(|(label, count)| {
            let gain = list.label_gains().get(usize::from(*label)).copied();
            format!("{label} (gain {}): {count}", gain.unwrap_or_default())
        })
        .collect();
    let grades: Vec<String> = notes
        .grades
        .iter()
        .map(|(grade, count)| format!("{grade}: {count}"))
        .collect();
    vec![
        format!(
            "judgements   {} of {} queries, {} repeats left out ({})",
            notes.judgements,
            list.queries().len(),
            notes.repeated,
            percent(notes.repeated, notes.judgements + notes.repeated)
        ),
        format!("  by query   {}", spread(&sizes)),
        format!("  grades     {}", grades.join(", ")),
        format!("  labels     {}", labels.join(", ")),
        unmatched_judgements(list, catalogue).line(),
    ]
}

fn log_lines(log: &OwnLog, catalogue: &Catalogue) -> Vec<String> {
    let clean = &log.clean;
    let dirt = &clean.dirt;
    let shown: Vec<usize> = clean
        .searches()
        .map(|search| search.query_response_hit_ids.len())
        .collect();
    let with_list = shown.iter().filter(|shown| **shown > 0).count();
    let mut actions: BTreeMap<Action, u64> = BTreeMap::new();
    for event in clean.events() {
        *actions.entry(event.action_name).or_default() += 1;
    }
    let actions: Vec<String> = actions
        .iter()
        .map(|(action, count)| format!("{count} {action:?}"))
        .collect();
    let names: Vec<String> = dirt
        .actions
        .iter()
        .map(|(name, count)| format!("{name}: {count}"))
        .collect();
    let rows = dirt.search_rows + dirt.event_rows;
    let repeated = dirt.of(Dirt::RepeatedRow).left_out + dirt.of(Dirt::RepeatedAction).left_out;
    let mut lines = vec![
        format!(
            "log          {} rows of searches and {} of events, {} of them after a bulk action",
            dirt.search_rows, dirt.event_rows, log.bulk_actions
        ),
        format!("  time       {}", period(dirt.first, dirt.last)),
        format!("  actions    {}", names.join(", ")),
        format!(
            "  used       {} searches, {with_list} of them with a list; {} events: {}",
            dirt.searches,
            dirt.events,
            actions.join(", ")
        ),
        format!(
            "  repeats    {} of rows and actions",
            percent(repeated, rows)
        ),
        unmatched_events(log, catalogue).line(),
    ];
    if dirt.found().next().is_some() {
        lines.push(format!(
            "  {:<28}{:>10}{:>10}{:>10}  what is done with it",
            "found", "searches", "events", "left out"
        ));
    }
    for (kind, count) in dirt.found() {
        lines.push(format!(
            "  {:<28}{:>10}{:>10}{:>10}  {}",
            format!("{kind:?}"),
            count.searches,
            count.events,
            count.left_out,
            kind.treatment()
        ));
    }
    lines
}

/// How many mentions of items the catalogue does not know.
#[derive(Debug, Default)]
struct Unmatched {
    all: u64,
    unknown: u64,
    different: HashSet<String>,
    examples: Vec<String>,
}

impl Unmatched {
    fn add(&mut self, item_id: &str, catalogue: &Catalogue) {
        self.all += 1;
        if catalogue.find(item_id).is_some() {
            return;
        }
        self.unknown += 1;
        if self.different.insert(item_id.to_owned()) && self.examples.len() < EXAMPLES {
            self.examples.push(format!("{item_id:?}"));
        }
    }

    fn share(&self) -> f64 {
        share(self.unknown, self.all)
    }

    fn line(&self) -> String {
        let examples = if self.examples.is_empty() {
            String::new()
        } else {
            format!(", such as {}", self.examples.join(", "))
        };
        format!(
            "  unmatched  {} of items ({}, {} different) are not in the catalogue{examples}",
            percent(self.unknown, self.all),
            self.unknown,
            self.different.len()
        )
    }
}

fn unmatched_judgements(list: &JudgementList, catalogue: &Catalogue) -> Unmatched {
    let mut unmatched = Unmatched::default();
    for item in list.queries().iter().flat_map(|query| &query.items) {
        unmatched.add(&item.item_id, catalogue);
    }
    unmatched
}

fn unmatched_events(log: &OwnLog, catalogue: &Catalogue) -> Unmatched {
    let mut unmatched = Unmatched::default();
    for search in log.clean.searches() {
        for item in &search.query_response_hit_ids {
            unmatched.add(item, catalogue);
        }
    }
    for event in log.clean.events() {
        unmatched.add(event.item_id(), catalogue);
    }
    unmatched
}

/// The least, the middle and the greatest of sorted numbers.
pub(super) fn spread(sorted: &[usize]) -> String {
    match (sorted.first(), sorted.last()) {
        (Some(least), Some(greatest)) => {
            let median = sorted[sorted.len() / 2];
            format!("{least} to {greatest}, half at most {median}")
        }
        _ => "none".to_owned(),
    }
}

fn range(range: Option<Range>) -> String {
    range.map_or_else(String::new, |range| {
        format!(", {} to {}", range.least, range.greatest)
    })
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

fn percent(part: u64, whole: u64) -> String {
    format!("{:.1} %", 100.0 * share(part, whole))
}

/// From the first to the last moment, as days since 1970 have dates.
fn period(first: Option<i64>, last: Option<i64>) -> String {
    match (first, last) {
        (Some(first), Some(last)) => format!("{} to {}", date(first), date(last)),
        _ => "none".to_owned(),
    }
}

/// The day of a moment (milliseconds since 1970-01-01 UTC) as YYYY-MM-DD.
fn date(milliseconds: i64) -> String {
    // Days are counted from 0000-03-01, so that a leap day is the last of its year.
    let days = milliseconds.div_euclid(86_400_000) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_have_dates() {
        for (milliseconds, expected) in [
            (0, "1970-01-01"),
            (951_782_400_000, "2000-02-29"),
            (1_737_703_890_699, "2025-01-24"),
            (4_107_542_399_999, "2100-02-28"),
            (4_107_542_400_000, "2100-03-01"),
        ] {
            assert_eq!(date(milliseconds), expected);
        }
    }

    #[test]
    fn sizes_have_a_spread() {
        assert_eq!(spread(&[]), "none");
        assert_eq!(spread(&[1, 2, 9]), "1 to 9, half at most 2");
    }
}
