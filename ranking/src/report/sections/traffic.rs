//! Sections on what people did with lists: clicks by position, and estimates from logs.

use std::fmt::Write as _;

use super::{section, table};
use crate::counterfactual::{Estimate, Reliability};
use crate::metrics::Proportion;
use crate::metrics::statistics::Interval;
use crate::report::charts::{self, RatePoint};
use crate::report::html::{Text, count, decimal, percent, range};
use crate::report::{PositionClicks, Report};

pub(in crate::report) fn positions(report: &Report) -> Option<String> {
    if report.positions.is_empty() {
        return None;
    }
    let points = |of: fn(&PositionClicks) -> Proportion| -> Vec<RatePoint> {
        let point = |row: &PositionClicks| {
            Some(RatePoint {
                position: row.position,
                rate: of(row).value()?,
                interval: of(row).interval()?,
            })
        };
        report.positions.iter().filter_map(point).collect()
    };
    let plot = charts::rates(
        "click rate by position as shown and as the model ranks",
        &points(|row| row.shown),
        &points(|row| row.by_model),
    );
    let rate = |proportion: Proportion| {
        proportion.value().map_or_else(
            || "<td class=\"number\">\u{2013}</td>".to_owned(),
            |value| {
                format!(
                    "<td class=\"number\">{}<small>{}, {} of {}</small></td>",
                    percent(value),
                    range(proportion.interval(), percent),
                    count(proportion.hits),
                    count(proportion.of)
                )
            },
        )
    };
    let mut rows = String::new();
    for row in &report.positions {
        let _ = writeln!(
            rows,
            "<tr><th scope=\"row\">{}</th>{}{}</tr>",
            row.position,
            rate(row.shown),
            rate(row.by_model)
        );
    }
    Some(section(
        "Clicks by position",
        "In the lists of which something was clicked, the share of the items at each position that \
         was: as they were shown, and as the model would have ranked the same lists. Clicks fall with \
         the position partly because people look less far down, so both favour the order that was \
         shown.",
        &format!(
            "<figure>{plot}<figcaption><span class=\"key other\"></span>as shown <span class=\"key model\"></span>as the model ranks</figcaption></figure>\n{}",
            table(&["position", "as shown", "as the model ranks"], &rows)
        ),
    ))
}

pub(in crate::report) fn counterfactual(report: &Report) -> Option<String> {
    let found = report.counterfactual.as_ref()?;
    let row = |name: &str, estimate: Option<Estimate>| match estimate {
        None => format!(
            "<tr><th scope=\"row\">{}</th><td class=\"number faint\">not applicable</td></tr>\n",
            Text(name)
        ),
        Some(estimate) => {
            let interval = Interval {
                low: estimate.low,
                high: estimate.high,
            };
            format!(
                "<tr><th scope=\"row\">{}</th><td class=\"number\">{}<small>{}</small></td></tr>\n",
                Text(name),
                decimal(estimate.value),
                range(Some(interval), decimal)
            )
        }
    };
    let rows = [
        row("as logged", Some(found.logged)),
        row("inverse propensity", Some(found.inverse_propensity)),
        row("self-normalised", found.self_normalised),
        row(
            &format!("clipped at weight {:.1}", found.clip),
            Some(found.clipped),
        ),
    ]
    .concat();
    let class = match found.reliability {
        Reliability::Conclusive => "note",
        Reliability::Inconclusive { .. } => "note caution",
    };
    let lead = format!(
        "What the model would have earned for each choice, estimated from {} logged choices in {} \
         units: effective sample size {:.0}, {:.1} effective rewards, mean weight {:.3}, {} weights \
         clipped.",
        count(found.choices as u64),
        count(found.units as u64),
        found.effective_sample_size,
        found.effective_rewards,
        found.mean_weight,
        count(found.clipped_choices as u64),
    );
    Some(section(
        "Counterfactual estimate",
        &lead,
        &format!(
            "<p class=\"{class}\">{}</p>\n{}",
            Text(&found.reliability.to_string()),
            table(&["estimator", "reward"], &rows)
        ),
    ))
}
