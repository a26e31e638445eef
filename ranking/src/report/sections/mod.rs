//! The sections of the page, and what they share. One that has nothing to tell is not there.

mod figures;
mod model;
mod queries;
mod traffic;

use std::fmt::Write as _;

pub(super) use figures::{lifts, metrics, slices};
pub(super) use model::{data_card, importance, learning_curve};
pub(super) use queries::queries;
pub(super) use traffic::{counterfactual, positions};

use super::html::{Text, decimal, range};
use crate::metrics::Figure;

fn section(title: &str, lead: &str, body: &str) -> String {
    format!(
        "<section>\n<h2>{}</h2>\n<p class=\"lead\">{}</p>\n{body}\n</section>\n",
        Text(title),
        Text(lead)
    )
}

/// A table that scrolls on its own where the page is narrow. `rows` is HTML.
fn table(head: &[&str], rows: &str) -> String {
    let mut cells = String::new();
    for (place, name) in head.iter().enumerate() {
        let class = if place == 0 { "" } else { " class=\"number\"" };
        let _ = write!(cells, "<th scope=\"col\"{class}>{}</th>", Text(name));
    }
    format!(
        "<div class=\"scroll\"><table>\n<thead><tr>{cells}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table></div>"
    )
}

fn figure_cell(figure: Option<&Figure>) -> String {
    match figure {
        None => "<td class=\"number faint\">not applicable</td>".to_owned(),
        Some(figure) => format!(
            "<td class=\"number\">{}<small>{}</small></td>",
            decimal(figure.value),
            range(figure.interval, decimal)
        ),
    }
}
