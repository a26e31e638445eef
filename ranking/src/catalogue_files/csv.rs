//! Catalogues as CSV.

use std::collections::BTreeMap;
use std::io::BufRead;

use crate::catalogue::{AttributeValue, Product};
use crate::input::{Complaint, Delimiter, InputError, Table, TableRow};

use super::Reading;
use super::json::{JsonAttribute, category_path};
use super::moment::Moment;

/// Starts the name of a column that is an attribute.
const ATTRIBUTE_PREFIX: &str = "attributes.";

/// What a column holds.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Column {
    ItemId,
    Title,
    Description,
    Brand,
    Category,
    Price,
    ListPrice,
    InStock,
    Popularity,
    ListedAt,
    /// All attributes as a JSON object.
    Attributes,
    Attribute(String),
}

impl Column {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "item_id" => Self::ItemId,
            "title" => Self::Title,
            "description" => Self::Description,
            "brand" => Self::Brand,
            "category" => Self::Category,
            "price" => Self::Price,
            "list_price" => Self::ListPrice,
            "in_stock" => Self::InStock,
            "popularity" => Self::Popularity,
            "listed_at" => Self::ListedAt,
            "attributes" => Self::Attributes,
            _ => {
                let name = name.strip_prefix(ATTRIBUTE_PREFIX)?;
                if name.is_empty() {
                    return None;
                }
                Self::Attribute(name.to_owned())
            }
        })
    }
}

pub(super) fn read(input: impl BufRead, reading: &mut Reading) -> Result<(), InputError> {
    let mut table = Table::new(input, Delimiter::Comma)?;
    table.required_column("item_id")?;
    table.required_column("title")?;
    let columns = table
        .columns()
        .iter()
        .map(|name| {
            Column::of(name).ok_or_else(|| {
                let message = format!(
                    "no such field; if it is an attribute, call the column {ATTRIBUTE_PREFIX}{name}"
                );
                InputError::Line(Complaint::invalid(name, message).on_line(1))
            })
        })
        .collect::<Result<Vec<Column>, InputError>>()?;
    while let Some(row) = table.next_row()? {
        let used = row.and_then(|row| {
            let line = row.line;
            product(&columns, row)
                .and_then(|product| reading.add(product))
                .map_err(|complaint| complaint.on_line(line))
        });
        if let Err(bad) = used {
            reading.notes.bad_lines.add(bad)?;
        }
    }
    Ok(())
}

/// A product of a row; an empty cell is as good as no column.
fn product(columns: &[Column], row: TableRow) -> Result<Product, Complaint> {
    let mut product = Product::default();
    for (column, value) in columns.iter().zip(row.values) {
        let text = value.trim();
        if text.is_empty() {
            continue;
        }
        match column {
            Column::ItemId => product.item_id = text.to_owned(),
            Column::Title => product.title = value,
            Column::Description => product.description = Some(value),
            Column::Brand => product.brand = Some(text.to_owned()),
            Column::Category => product.category = category_path(text),
            Column::Price => product.price = Some(number("price", text)?),
            Column::ListPrice => product.list_price = Some(number("list_price", text)?),
            Column::InStock => product.in_stock = Some(flag("in_stock", text)?),
            Column::Popularity => product.popularity = Some(number("popularity", text)?),
            Column::ListedAt => {
                let moment: Moment = text
                    .parse()
                    .map_err(|message: String| Complaint::invalid("listed_at", message))?;
                product.listed_at = Some(moment.milliseconds());
            }
            Column::Attributes => {
                let values: BTreeMap<String, Option<JsonAttribute>> = serde_json::from_str(text)
                    .map_err(|error| {
                        let told = error.to_string();
                        let told = told.split(" at line ").next().unwrap_or_default();
                        let message = format!("is no JSON object of attributes: {told}");
                        Complaint::invalid("attributes", message)
                    })?;
                let given = values
                    .into_iter()
                    .filter_map(|(name, value)| Some((name, value?)));
                for (name, value) in given {
                    add_attribute(&mut product, &name, value.into())?;
                }
            }
            Column::Attribute(name) => add_attribute(&mut product, name, attribute(text))?,
        }
    }
    for (field, value) in [("item_id", &product.item_id), ("title", &product.title)] {
        if value.is_empty() {
            return Err(Complaint::missing(field));
        }
    }
    Ok(product)
}

fn add_attribute(
    product: &mut Product,
    name: &str,
    value: AttributeValue,
) -> Result<(), Complaint> {
    match product.attributes.insert(name.to_owned(), value) {
        None => Ok(()),
        Some(_) => {
            let field = format!("{ATTRIBUTE_PREFIX}{name}");
            Err(Complaint::invalid(field, "is given twice"))
        }
    }
}

/// Numbers as JSON writes them are numbers, so that a code such as `007` stays a text.
fn attribute(text: &str) -> AttributeValue {
    match serde_json::from_str::<JsonAttribute>(text) {
        Ok(JsonAttribute::Number(number)) => AttributeValue::Number(number),
        Ok(JsonAttribute::Flag(flag)) => AttributeValue::Flag(flag),
        _ => AttributeValue::Text(text.to_owned()),
    }
}

fn number(field: &str, text: &str) -> Result<f64, Complaint> {
    text.parse().map_err(|_| {
        let excerpt: String = text.chars().take(40).collect();
        Complaint::invalid(field, format!("{excerpt:?} is no number, such as 12.50"))
    })
}

fn flag(field: &str, text: &str) -> Result<bool, Complaint> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "1" => Ok(true),
        "false" | "no" | "0" => Ok(false),
        _ => {
            let excerpt: String = text.chars().take(40).collect();
            let message = format!("{excerpt:?} is none of true, false, yes, no, 1, 0");
            Err(Complaint::invalid(field, message))
        }
    }
}
