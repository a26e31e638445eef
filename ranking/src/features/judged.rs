//! Training rows of judgements: for each judged query its items, their features and labels.
//!
//! It neither splits nor trains.

use sha2::{Digest as _, Sha256};

use crate::catalogue::ItemIndex;
use crate::features::behaviour::BehaviourTable;
use crate::features::definitions::Column;
use crate::features::kernel::{AnalysedQuery, FeatureContext};
use crate::features::list::write_list;
use crate::features::training::{TrainingRows, TrainingSearch};
use crate::judgements::{JudgedQuery, JudgementList};

/// Rows of judgements, and what was left out.
#[derive(Debug, Clone, Default)]
pub struct JudgedRows {
    /// A search for each query. Positions only number the rows: nothing was shown.
    pub rows: TrainingRows,
    /// Judgements of items that the catalogue does not have: left out.
    pub unknown_items: u64,
    /// Queries of which the catalogue has no item: left out.
    pub queries_without_items: u64,
}

/// Makes rows of judgements. All queries see the same `behaviour`: judgements are not made from it.
///
/// The items of a query are ordered by a hash. Many files list the best first, and where scores are
/// equal that order would be found again by luck. What is relative to the list is as in a request that
/// names them in retrieval order, for which BM25F stands.
#[must_use]
pub fn judged_rows(
    context: &FeatureContext,
    judgements: &JudgementList,
    behaviour: &BehaviourTable,
) -> JudgedRows {
    let mut made = JudgedRows {
        rows: TrainingRows::of(context),
        ..JudgedRows::default()
    };
    for judged in judgements.queries() {
        let items = known_items(context, judged);
        made.unknown_items += (judged.items.len() - items.len()) as u64;
        if items.is_empty() {
            made.queries_without_items += 1;
            continue;
        }
        let places: Vec<ItemIndex> = items.iter().map(|(item, _)| *item).collect();
        let query = context.analyse(&judged.query);
        let rows = &mut made.rows;
        add_features(context, &query, &places, behaviour, &mut rows.values);
        rows.searches.push(TrainingSearch {
            query_id: judged.query.clone(),
            query: judged.query.clone(),
            query_key: query.key,
            timestamp: behaviour.snapshot(),
            snapshot: behaviour.snapshot(),
            rows: items.len(),
        });
        rows.labels.extend(items.iter().map(|(_, label)| *label));
        rows.positions.extend((1..).take(items.len()));
        rows.items.extend(places);
    }
    made
}

/// Appends the features of items, in their order, with the list columns of a retrieved list.
fn add_features(
    context: &FeatureContext,
    query: &AnalysedQuery,
    items: &[ItemIndex],
    behaviour: &BehaviourTable,
    values: &mut Vec<f64>,
) {
    let width = context.feature_count();
    let computed = context.compute(query, items, behaviour);
    let row = |place: usize| &computed[place * width..(place + 1) * width];
    let text_score = |place: usize| row(place)[Column::Bm25f as usize];
    let mut retrieved: Vec<usize> = (0..items.len()).collect();
    retrieved.sort_by(|first, second| text_score(*second).total_cmp(&text_score(*first)));
    let mut list: Vec<f64> = retrieved
        .iter()
        .flat_map(|place| row(*place))
        .copied()
        .collect();
    write_list(&mut list, width);
    let start = values.len();
    values.resize(start + computed.len(), f64::NAN);
    for (place, row) in retrieved.into_iter().zip(list.chunks_exact(width)) {
        values[start + place * width..][..width].copy_from_slice(row);
    }
}

fn known_items(context: &FeatureContext, judged: &JudgedQuery) -> Vec<(ItemIndex, u32)> {
    let mut items: Vec<([u8; 8], ItemIndex, u32)> = judged
        .items
        .iter()
        .filter_map(|item| {
            let place = context.catalogue().find(&item.item_id)?;
            let hash = hash(&judged.query, &item.item_id);
            Some((hash, place, u32::from(item.label)))
        })
        .collect();
    items.sort_unstable_by_key(|(hash, place, _)| (*hash, *place));
    items
        .into_iter()
        .map(|(_, place, label)| (place, label))
        .collect()
}

fn hash(query: &str, item_id: &str) -> [u8; 8] {
    let digest = Sha256::new()
        .chain_update(query.as_bytes())
        .chain_update([0])
        .chain_update(item_id.as_bytes())
        .finalize();
    let mut start = [0; 8];
    start.copy_from_slice(&digest[..8]);
    start
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::catalogue::Catalogue;
    use crate::judgements::{GradeMap, JudgementFormat, JudgementOptions, read_judgements};

    fn rows(lines: &str) -> JudgedRows {
        let catalogue = [
            r#"{"item_id":"a","title":"red boot"}"#,
            r#"{"item_id":"b","title":"blue boot"}"#,
            r#"{"item_id":"c","title":"sock"}"#,
        ];
        let catalogue = Catalogue::read(catalogue.join("\n").as_bytes()).expect("a catalogue");
        rows_of(&FeatureContext::new(Arc::new(catalogue)), lines)
    }

    fn rows_of(context: &FeatureContext, lines: &str) -> JudgedRows {
        let options = JudgementOptions {
            format: JudgementFormat::Csv,
            grades: &GradeMap::whole_numbers(),
            topics: None,
            allowed_bad_lines: 0,
        };
        let text = format!("query,item_id,grade\n{lines}");
        let list = read_judgements(text.as_bytes(), &options).expect("judgements");
        judged_rows(context, &list, &BehaviourTable::empty())
    }

    #[test]
    fn rows_have_the_labels_of_their_items_and_what_is_unknown_is_told() {
        let made = rows("boot,a,3\nboot,x,3\nboot,c,0\nhat,y,1\n");
        let mut labels: Vec<(u32, u32)> = made
            .rows
            .items
            .iter()
            .zip(&made.rows.labels)
            .map(|(item, label)| (item.0, *label))
            .collect();
        labels.sort_unstable();
        assert_eq!(labels, [(0, 3), (2, 0)]);
        assert_eq!((made.unknown_items, made.queries_without_items), (2, 1));
        assert_eq!(made.rows.searches.len(), 1);
        assert_eq!(made.rows.searches[0].rows, 2);
        assert!(made.rows.values.iter().any(|value| *value > 0.0));
    }

    #[test]
    fn rows_are_those_of_a_request_in_retrieval_order() {
        // The longer its title, the worse an item matches; the prices stand in no order.
        let lines: Vec<String> = (0..40)
            .map(|number| {
                let title = format!("boot{}", " x".repeat(number));
                let price = 1 + number * 7 % 40;
                format!(r#"{{"item_id":"{number}","title":"{title}","price":{price}}}"#)
            })
            .collect();
        let catalogue = Catalogue::read(lines.join("\n").as_bytes()).expect("a catalogue");
        let context = FeatureContext::new(Arc::new(catalogue));
        let judged: Vec<String> = (0..40)
            .map(|number| format!("boot,{number},{}", number % 3))
            .collect();
        let made = rows_of(&context, &judged.join("\n")).rows;
        let request: Vec<ItemIndex> = (0..40).map(ItemIndex).collect();
        let query = context.analyse("boot");
        let served = context.compute(&query, &request, &BehaviourTable::empty());
        let bits = |row: &[f64]| row.iter().map(|it| it.to_bits()).collect::<Vec<_>>();
        let width = made.feature_count;
        for (row, item) in made.items.iter().enumerate() {
            let served = &served[item.as_usize() * width..][..width];
            assert_eq!(bits(made.row(row)), bits(served), "{item:?}");
        }
        assert_ne!(made.items, request, "the order of rows is that of the hash");
    }

    #[test]
    fn the_order_of_the_file_does_not_show_in_the_rows() {
        let one = rows("boot,a,3\nboot,b,2\nboot,c,0\n");
        let other = rows("boot,c,0\nboot,b,2\nboot,a,3\n");
        assert_eq!(one.rows.items, other.rows.items);
        assert_eq!(one.rows.labels, other.rows.labels);
        assert_eq!(one.rows.searches, other.rows.searches);
    }
}
