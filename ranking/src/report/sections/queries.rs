//! The section with queries as both rankings answer them.

use super::section;
use crate::report::html::{Text, decimal, signed};
use crate::report::{ChangedQueries, QueryCase, RankedItem, Report};

pub(in crate::report) fn queries(report: &Report) -> Option<String> {
    let changed = report.queries.as_ref()?;
    if changed.improved.is_empty() && changed.hurt.is_empty() {
        return None;
    }
    let cases = |title: &str, cases: &[QueryCase]| -> String {
        if cases.is_empty() {
            return String::new();
        }
        let cases: String = cases.iter().map(|case| query_case(changed, case)).collect();
        format!("<h3>{title}</h3>\n{cases}")
    };
    Some(section(
        "Queries",
        &format!(
            "The queries whose {} changed most against {}, each text once, with the first items of \
             both lists. The mark before an item is its label; 0 is not relevant.",
            report.headline_metric, changed.against
        ),
        &format!(
            "{}{}",
            cases("Most improved", &changed.improved),
            cases("Most hurt", &changed.hurt)
        ),
    ))
}

fn query_case(changed: &ChangedQueries, case: &QueryCase) -> String {
    let list = |name: &str, value: f64, items: &[RankedItem]| {
        let items: String = items
            .iter()
            .map(|item| {
                format!(
                    "<li><span class=\"label label{}\">{}</span> <bdi>{}</bdi></li>",
                    item.label.min(3),
                    item.label,
                    Text(&item.title)
                )
            })
            .collect();
        format!(
            "<div><h5>{} <span>{}</span></h5><ol>{items}</ol></div>",
            Text(name),
            decimal(value)
        )
    };
    format!(
        "<article><h4><bdi>{}</bdi> <span>{}</span></h4><div class=\"sides\">{}{}</div></article>\n",
        Text(&case.query),
        signed(case.model_value - case.other_value),
        list("model", case.model_value, &case.model),
        list(&changed.against, case.other_value, &case.other),
    )
}
