//! How a query's text matches an item's.

use crate::catalogue::ItemIndex;
use crate::features::definitions::Column;
use crate::features::item::Items;
use crate::features::kernel::AnalysedQuery;
use crate::features::numbers::{flag, share};
use crate::text::{Field, FieldCounts, TermId, TextStatistics};

/// The columns of BM25 by field, in the order of the fields' numbers.
const BM25: [Column; Field::EVERY.len()] = [
    Column::Bm25Title,
    Column::Bm25Description,
    Column::Bm25Brand,
    Column::Bm25Category,
    Column::Bm25Attributes,
    Column::Bm25All,
];

/// What a term that the catalogue does not have counts by its correction, by the number of edits.
const CORRECTION_WEIGHTS: [f64; 2] = [0.5, 0.25];

/// Candidates whose terms are looked up together: what is read of one is not waited for before the
/// next one's is asked for.
const BATCH: usize = 64;

/// Writes the text columns of candidates: `width` columns a row.
pub(super) fn write_texts(
    rows: &mut [f64],
    width: usize,
    query: &AnalysedQuery,
    statistics: &TextStatistics,
    items: &Items,
    candidates: &[ItemIndex],
) {
    let terms = &query.known_terms;
    let mut occurrences = Vec::new();
    for (rows, candidates) in rows.chunks_mut(BATCH * width).zip(candidates.chunks(BATCH)) {
        occurrences.clear();
        for item in candidates {
            occurrences.extend(terms.iter().map(|term| statistics.counts(*term, *item)));
        }
        for (place, (row, item)) in rows.chunks_exact_mut(width).zip(candidates).enumerate() {
            let occurrences = &occurrences[place * terms.len()..][..terms.len()];
            write_text(row, query, occurrences, statistics, items, *item);
        }
    }
}

/// Writes the text columns of one candidate, which has the query's known terms so often.
fn write_text(
    row: &mut [f64],
    query: &AnalysedQuery,
    occurrences: &[Option<FieldCounts>],
    statistics: &TextStatistics,
    items: &Items,
    item: ItemIndex,
) {
    let found = write_known(row, query, occurrences, statistics, item);
    write_misspelt(row, query, statistics, item, &found);
    write_phrases(row, query, statistics.title(item));
    let brand_terms = items.facts(item).brand_terms;
    if brand_terms > 0 {
        row[Column::BrandMatch as usize] = flag(found.in_brand == brand_terms);
    }
    let category = items.category(item);
    let matched = category
        .iter()
        .filter(|term| query.known_terms.contains(term))
        .count();
    row[Column::CategoryMatch as usize] = share(matched, category.len());
    row[Column::QueryTerms as usize] = query.distinct_terms as f64;
    row[Column::UnknownTerms as usize] = (query.distinct_terms - query.known_terms.len()) as f64;
    row[Column::IdfSum as usize] = query.idf_sum;
    row[Column::IdfMax as usize] = query.idf_max;
}

/// How many distinct known terms an item has.
struct Found {
    in_title: usize,
    in_brand: usize,
    anywhere: usize,
}

/// Writes what the terms that the catalogue knows match.
fn write_known(
    row: &mut [f64],
    query: &AnalysedQuery,
    occurrences: &[Option<FieldCounts>],
    statistics: &TextStatistics,
    item: ItemIndex,
) -> Found {
    let mut found = Found {
        in_title: 0,
        in_brand: 0,
        anywhere: 0,
    };
    let mut bm25 = [0.0; BM25.len()];
    let (mut bm25f, mut title_idf, mut all_idf) = (0.0, 0.0, 0.0);
    for (counts, weights) in occurrences.iter().zip(&query.weights) {
        let Some(counts) = counts else {
            continue;
        };
        for field in Field::EVERY {
            bm25[field.number()] += statistics.bm25_of_counts(counts, *weights, item, field);
        }
        bm25f += statistics.bm25f_of_counts(counts, *weights, item);
        let idf = weights.of(Field::All);
        found.anywhere += 1;
        all_idf += idf;
        if counts[Field::Title.number()] > 0 {
            found.in_title += 1;
            title_idf += idf;
        }
        found.in_brand += usize::from(counts[Field::Brand.number()] > 0);
    }
    for (column, value) in BM25.into_iter().zip(bm25) {
        row[column as usize] = value;
    }
    row[Column::Bm25f as usize] = bm25f;
    row[Column::TitleCoverage as usize] = share(found.in_title, query.distinct_terms);
    row[Column::AllCoverage as usize] = share(found.anywhere, query.distinct_terms);
    if !query.known_terms.is_empty() {
        row[Column::TitleIdfCoverage as usize] = title_idf / query.idf_sum;
        row[Column::AllIdfCoverage as usize] = all_idf / query.idf_sum;
    }
    found
}

/// Writes what the other terms match by their corrections: the one that counts most, of each.
fn write_misspelt(
    row: &mut [f64],
    query: &AnalysedQuery,
    statistics: &TextStatistics,
    item: ItemIndex,
    found: &Found,
) {
    let (mut in_title, mut anywhere, mut bm25f) = (found.in_title, found.anywhere, 0.0);
    for corrections in &query.misspelt {
        let (mut is_in_title, mut best) = (false, 0.0_f64);
        for (correction, weights) in corrections {
            let Some(counts) = statistics.counts(correction.term, item) else {
                continue;
            };
            let weight = CORRECTION_WEIGHTS[usize::from(correction.edits > 1)];
            is_in_title |= counts[Field::Title.number()] > 0;
            best = best.max(weight * statistics.bm25f_of_counts(&counts, *weights, item));
        }
        in_title += usize::from(is_in_title);
        anywhere += usize::from(best > 0.0);
        bm25f += best;
    }
    row[Column::CorrectedTitleCoverage as usize] = share(in_title, query.distinct_terms);
    row[Column::CorrectedAllCoverage as usize] = share(anywhere, query.distinct_terms);
    row[Column::CorrectionBm25f as usize] = bm25f;
}

/// Writes where the title has the query's terms in the query's order.
fn write_phrases(row: &mut [f64], query: &AnalysedQuery, title: &[TermId]) {
    let typed = &query.sequence;
    let prefix = !typed.is_empty()
        && typed.len() <= title.len()
        && typed
            .iter()
            .zip(title)
            .all(|(typed, term)| *typed == Some(*term));
    row[Column::TitlePrefix as usize] = flag(prefix);
    row[Column::TitleExact as usize] = flag(prefix && typed.len() == title.len());
    let pairs = typed.windows(2);
    let count = pairs.len();
    let matched = pairs
        .filter(|pair| {
            let in_title = |two: &[TermId]| pair[0] == Some(two[0]) && pair[1] == Some(two[1]);
            title.windows(2).any(in_title)
        })
        .count();
    row[Column::TitleBigrams as usize] = share(matched, count);
}
