//! Whether the values of features that are said to be categories are numbers of categories.

use searchop_ranking::svmlight::RankingRows;

use crate::failure::Failure;

/// The greatest number of a category: a set of categories takes a bit for each up to its greatest.
const MAXIMUM_CATEGORY: f64 = 65_535.0;

/// Refuses a value in `columns` that is no whole number from 0; missing values may be there.
///
/// # Errors
/// Names the feature, the query and the row.
pub fn require_categories(
    rows: &RankingRows,
    columns: &[usize],
    names: &[String],
) -> Result<(), Failure> {
    let mut value = [0.0];
    for column in columns {
        for query in 0..rows.query_count() {
            for (place, row) in rows.query_rows(query).enumerate() {
                rows.copy_columns(row, *column..column + 1, &mut value);
                let [value] = value;
                let is_category = value.fract() == 0.0 && (0.0..=MAXIMUM_CATEGORY).contains(&value);
                if !is_category && !value.is_nan() {
                    return Err(Failure::data(format!(
                        "the categorical feature {:?} is {value} in row {} of the query {:?}: \
                         categories are whole numbers from 0 to {MAXIMUM_CATEGORY}",
                        names[*column],
                        place + 1,
                        rows.query_identifiers()[query],
                    )));
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_is_no_category_is_named() {
        let check = |value: f64| {
            let matrix = vec![0.5, 3.0, 0.5, f64::NAN, 0.5, value];
            let names = vec!["a".into(), "b".into()];
            let rows = RankingRows::from_dense(vec![0, 1, 0], &[1, 2], names, 2, matrix).unwrap();
            require_categories(&rows, &[1], &["f1".into(), "f2".into()])
        };
        for value in [0.0, 7.0, 65_535.0] {
            assert_eq!(check(value), Ok(()), "{value}");
        }
        for value in [0.5, -1.0, 65_536.0, f64::INFINITY] {
            let failure = check(value).expect_err("no category");
            let told = format!("\"f2\" is {value} in row 2 of the query \"b\"");
            assert!(failure.message.contains(&told), "{failure}");
        }
    }
}
