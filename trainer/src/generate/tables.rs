//! The four tables of a dataset: the columns of each, and where a row's fields go.
//!
//! Columns are those that own data has: structs for what is an object and lists for what is an array,
//! so that other programs read them as such.

use parquet::data_type::{BoolType, DoubleType, Int32Type, Int64Type};
use parquet::errors::Result;
use searchop_ranking::catalogue::{AttributeValue, Product};
use searchop_ranking::events::{Action, Event, Judgement, Search};
use searchop_ranking::generate::ATTRIBUTES;

use super::columns::{RowGroup, Texts, Values};

/// The columns of a table in the making.
pub(super) trait Table: Default {
    /// A row.
    type Row;
    /// The columns, as Parquet's message type.
    const SCHEMA: &'static str;
    /// Columns whose values hardly repeat, so that a dictionary of them would be of no use.
    const DISTINCT: &'static [&'static str];

    /// Adds a row.
    fn push(&mut self, row: &Self::Row);

    /// Writes all that was added as one row group, in the order of the schema.
    fn write(&mut self, group: &mut RowGroup<'_>) -> Result<()>;
}

/// Products.
#[derive(Default)]
pub(super) struct Products {
    item_id: Texts,
    title: Texts,
    description: Texts,
    brand: Texts,
    category: Texts,
    price: Values<DoubleType>,
    in_stock: Values<BoolType>,
    popularity: Values<DoubleType>,
    attributes: [Texts; ATTRIBUTES.len()],
}

impl Table for Products {
    type Row = Product;
    const SCHEMA: &'static str = "message catalogue {
        required binary item_id (STRING);
        required binary title (STRING);
        optional binary description (STRING);
        optional binary brand (STRING);
        required group category (LIST) { repeated group list { required binary element (STRING); } }
        optional double price;
        optional boolean in_stock;
        optional double popularity;
        required group attributes {
            optional binary colour (STRING);
            optional binary material (STRING);
            optional binary feature (STRING);
        }
    }";
    const DISTINCT: &'static [&'static str] = &["item_id", "title", "description"];

    fn push(&mut self, row: &Product) {
        self.item_id.push(Some(&row.item_id));
        self.title.push(Some(&row.title));
        self.description.push(row.description.as_deref());
        self.brand.push(row.brand.as_deref());
        let category = row.category.iter().map(String::as_str);
        self.category.push_list(category);
        self.price.push(row.price);
        self.in_stock.push(row.in_stock);
        self.popularity.push(row.popularity);
        for (column, name) in self.attributes.iter_mut().zip(ATTRIBUTES) {
            column.push(match row.attributes.get(name) {
                Some(AttributeValue::Text(text)) => Some(text),
                _ => None,
            });
        }
    }

    fn write(&mut self, group: &mut RowGroup<'_>) -> Result<()> {
        self.item_id.write(group)?;
        self.title.write(group)?;
        self.description.write(group)?;
        self.brand.write(group)?;
        self.category.write(group)?;
        self.price.write(group)?;
        self.in_stock.write(group)?;
        self.popularity.write(group)?;
        self.attributes
            .iter_mut()
            .try_for_each(|column| column.write(group))
    }
}

/// Searches.
#[derive(Default)]
pub(super) struct Searches {
    query_id: Texts,
    client_id: Texts,
    user_query: Texts,
    intent: Texts,
    segment: Texts,
    timestamp: Values<Int64Type>,
    hits: Texts,
}

impl Table for Searches {
    type Row = Search;
    const SCHEMA: &'static str = "message queries {
        required binary query_id (STRING);
        required binary client_id (STRING);
        required binary user_query (STRING);
        required group query_attributes {
            optional binary intent (STRING);
            optional binary segment (STRING);
        }
        required int64 timestamp (TIMESTAMP(MILLIS,true));
        required group query_response_hit_ids (LIST) {
            repeated group list { required binary element (STRING); }
        }
    }";
    const DISTINCT: &'static [&'static str] = &["query_id", "timestamp"];

    fn push(&mut self, row: &Search) {
        self.query_id.push(Some(&row.query_id));
        self.client_id.push(Some(&row.client_id));
        self.user_query.push(Some(&row.user_query));
        self.intent.push(row.query_attributes.intent.as_deref());
        self.segment.push(row.query_attributes.segment.as_deref());
        self.timestamp.push(Some(row.timestamp));
        let hits = row.query_response_hit_ids.iter().map(String::as_str);
        self.hits.push_list(hits);
    }

    fn write(&mut self, group: &mut RowGroup<'_>) -> Result<()> {
        self.query_id.write(group)?;
        self.client_id.write(group)?;
        self.user_query.write(group)?;
        self.intent.write(group)?;
        self.segment.write(group)?;
        self.timestamp.write(group)?;
        self.hits.write(group)
    }
}

/// Clicks, carts and purchases.
#[derive(Default)]
pub(super) struct Events {
    action_name: Texts,
    query_id: Texts,
    client_id: Texts,
    session_id: Texts,
    timestamp: Values<Int64Type>,
    object_id: Texts,
    ordinal: Values<Int32Type>,
}

impl Table for Events {
    type Row = Event;
    const SCHEMA: &'static str = "message events {
        required binary action_name (STRING);
        required binary query_id (STRING);
        required binary client_id (STRING);
        required binary session_id (STRING);
        required int64 timestamp (TIMESTAMP(MILLIS,true));
        required group event_attributes {
            required group object { required binary object_id (STRING); }
            optional group position { required int32 ordinal (INTEGER(32,false)); }
        }
    }";
    const DISTINCT: &'static [&'static str] = &["query_id", "timestamp"];

    fn push(&mut self, row: &Event) {
        self.action_name.push(Some(action_name(row.action_name)));
        self.query_id.push(Some(&row.query_id));
        self.client_id.push(Some(&row.client_id));
        self.session_id.push(Some(&row.session_id));
        self.timestamp.push(Some(row.timestamp));
        self.object_id.push(Some(row.item_id()));
        let position = row.event_attributes.position;
        self.ordinal
            .push(position.map(|position| position.ordinal.cast_signed()));
    }

    fn write(&mut self, group: &mut RowGroup<'_>) -> Result<()> {
        self.action_name.write(group)?;
        self.query_id.write(group)?;
        self.client_id.write(group)?;
        self.session_id.write(group)?;
        self.timestamp.write(group)?;
        self.object_id.write(group)?;
        self.ordinal.write(group)
    }
}

fn action_name(action: Action) -> &'static str {
    match action {
        Action::Impression => "impression",
        Action::Click => "click",
        Action::AddToCart => "add_to_cart",
        Action::Purchase => "purchase",
    }
}

/// Judgements.
#[derive(Default)]
pub(super) struct Judgements {
    query: Texts,
    item_id: Texts,
    grade: Values<Int32Type>,
}

impl Table for Judgements {
    type Row = Judgement;
    const SCHEMA: &'static str = "message judgements {
        required binary query (STRING);
        required binary item_id (STRING);
        required int32 grade (INTEGER(32,false));
    }";
    const DISTINCT: &'static [&'static str] = &[];

    fn push(&mut self, row: &Judgement) {
        self.query.push(Some(&row.query));
        self.item_id.push(Some(&row.item_id));
        self.grade.push(Some(row.grade.cast_signed()));
    }

    fn write(&mut self, group: &mut RowGroup<'_>) -> Result<()> {
        self.query.write(group)?;
        self.item_id.write(group)?;
        self.grade.write(group)
    }
}
