//! How a query's text matches an item's.

use crate::catalogue::ItemIndex;
use crate::features::definitions::Column;
use crate::features::item::ItemFacts;
use crate::features::kernel::AnalysedQuery;
use crate::features::numbers::{flag, share};
use crate::text::{Field, TextStatistics};

/// Writes the text columns of one candidate.
pub(super) fn write_text(
    row: &mut [f64],
    query: &AnalysedQuery,
    statistics: &TextStatistics,
    facts: &ItemFacts,
    item: ItemIndex,
) {
    let mut set = |column: Column, value: f64| row[column as usize] = value;
    for (column, field) in [
        (Column::Bm25Title, Field::Title),
        (Column::Bm25Description, Field::Description),
        (Column::Bm25All, Field::All),
    ] {
        set(column, statistics.bm25(&query.known_terms, item, field));
    }
    for (column, field) in [
        (Column::TitleCoverage, Field::Title),
        (Column::AllCoverage, Field::All),
    ] {
        let text = statistics.text(item, field);
        let found = query
            .known_terms
            .iter()
            .filter(|term| text.count(**term) > 0)
            .count();
        set(column, share(found, query.distinct_terms));
    }
    let title = &statistics.text(item, Field::Title).terms;
    let prefix = !query.sequence.is_empty()
        && query.sequence.len() <= title.len()
        && query
            .sequence
            .iter()
            .zip(title)
            .all(|(typed, term)| *typed == Some(*term));
    set(Column::TitlePrefix, flag(prefix));
    set(
        Column::TitleExact,
        flag(prefix && query.sequence.len() == title.len()),
    );
    let brand = &statistics.text(item, Field::Brand).counts;
    if !brand.is_empty() {
        set(
            Column::BrandMatch,
            flag(
                brand
                    .iter()
                    .all(|(term, _)| query.known_terms.contains(term)),
            ),
        );
    }
    let category = &facts.category;
    let found = category
        .iter()
        .filter(|term| query.known_terms.contains(term))
        .count();
    set(Column::CategoryMatch, share(found, category.len()));
    set(Column::QueryTerms, query.distinct_terms as f64);
}
