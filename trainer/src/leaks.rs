//! The leak guard: a feature that alone ranks nearly as the labels do was probably made from them,
//! and is not there when serving.

use searchop_ranking::features::ATTRIBUTE_PREFIX;
use searchop_ranking::split::{FeatureLeak, find_leaks};

use crate::data::Features;
use crate::failure::Failure;
use crate::partition::Partition;
use crate::request::LeakGuard;

/// Words in the names of features that are a catalogue's own values.
const CATALOGUE_WORDS: [&str; 6] = ["popularity", "price", "stock", "discount", "rating", "age"];

/// What the guard has to say of the training rows, one sentence for each feature.
///
/// Features that this program computes from texts, or from what was done before each search, cannot
/// know the labels: they are noted. Values that were given may have been made from anything.
///
/// # Errors
/// A given feature that leaks, unless the guard is only to warn.
pub fn guard(
    partition: &Partition,
    features: &Features,
    names: &[String],
    guard: LeakGuard,
) -> Result<Vec<String>, Failure> {
    let leaks =
        find_leaks(&partition.training, &partition.conventions).map_err(Failure::internal)?;
    let refused = leaks
        .iter()
        .find(|leak| guard == LeakGuard::Fail && is_given(features, &names[leak.column]));
    match refused {
        Some(leak) => Err(Failure::data(format!(
            "{}; leave it out of the data or, if it is known when serving, give --leak-guard Warn \
             (trainer.leakGuard)",
            sentence(leak, names)
        ))),
        None => Ok(leaks.iter().map(|leak| sentence(leak, names)).collect()),
    }
}

fn sentence(leak: &FeatureLeak, names: &[String]) -> String {
    format!(
        "feature {} alone ranks with an NDCG@10 of {:.4}: it was probably made from the labels",
        names[leak.column], leak.ndcg
    )
}

/// Whether a feature's values were given, and not computed from texts or from the past.
fn is_given(features: &Features, name: &str) -> bool {
    match features {
        Features::Dense { .. } => true,
        Features::QueryItem { .. } => {
            name.starts_with(ATTRIBUTE_PREFIX)
                || name.split('_').any(|word| CATALOGUE_WORDS.contains(&word))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use searchop_ranking::bundle::FeatureSchema;

    use super::*;

    #[test]
    fn what_was_given_may_leak_and_what_is_computed_may_not() {
        let dense = Features::Dense { first: 1 };
        let computed = Features::QueryItem {
            catalogue: PathBuf::new(),
            behaviour: PathBuf::new(),
            log: None,
            schema: Box::new(FeatureSchema::query_item()),
        };
        assert!(is_given(&dense, "f7"));
        for name in [
            "popularity",
            "log_price",
            "price_z_score",
            "in_stock",
            "attribute:size",
        ] {
            assert!(is_given(&computed, name), "{name}");
        }
        for name in [
            "bm25_title",
            "bm25_attributes",
            "all_coverage",
            "query_item_click_rate",
        ] {
            assert!(!is_given(&computed, name), "{name}");
        }
    }
}
