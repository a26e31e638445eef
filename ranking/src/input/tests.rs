use proptest::prelude::*;

use super::*;

fn rows(text: &[u8], delimiter: Delimiter) -> Vec<Result<TableRow, BadLine>> {
    let mut table = Table::new(text, delimiter).expect("a header");
    let mut rows = Vec::new();
    while let Some(row) = table.next_row().expect("readable") {
        rows.push(row);
    }
    rows
}

fn values(text: &str, delimiter: Delimiter) -> Vec<Vec<String>> {
    rows(text.as_bytes(), delimiter)
        .into_iter()
        .map(|row| row.expect("a row").values)
        .collect()
}

#[test]
fn csv_has_quotes_and_tsv_has_none() {
    let csv = "\u{feff}query,item_id\r\n\"a, \"\"b\"\"\nc\",1\r\n\r\nx\"y,\"\"\r\n";
    assert_eq!(
        values(csv, Delimiter::Comma),
        [["a, \"b\"\nc", "1"], ["x\"y", ""]]
    );
    assert_eq!(values("q\ti\n\"a\t1\n", Delimiter::Tab), [["\"a", "1"]]);
}

#[test]
fn a_quote_that_never_closes_costs_one_line_only() {
    let text = b"a,b\n1,\"2\n3,4\n5\n6,7\n";
    let found: Vec<String> = rows(text, Delimiter::Comma)
        .into_iter()
        .map(|row| match row {
            Ok(row) => format!("{}={}", row.line, row.values.join("|")),
            Err(bad) => bad.to_string(),
        })
        .collect();
    assert_eq!(
        found,
        [
            "line 2, field .: a quote that opens here does not close",
            "3=3|4",
            "line 4, field .: 1 fields, but the header names 2",
            "5=6|7",
        ]
    );
}

#[test]
fn a_bad_header_is_refused_by_name() {
    let error = |text: &str| {
        Table::new(text.as_bytes(), Delimiter::Comma)
            .map(drop)
            .expect_err("refused")
            .to_string()
    };
    assert_eq!(
        error("a,b,a\n"),
        "line 1, field header: column \"a\" is there twice"
    );
    assert_eq!(
        error("a,,b\n"),
        "line 1, field header: column 2 has no name"
    );
    assert_eq!(
        error(""),
        "line 1: there is no header with the columns' names"
    );
    let table = Table::new("a,b\n".as_bytes(), Delimiter::Comma).expect("a header");
    assert_eq!(
        table.required_column("c").expect_err("absent").to_string(),
        "line 1, field c: the header has no such column; it has a, b"
    );
}

#[test]
fn a_line_that_is_too_long_or_no_utf8_is_passed_over_alone() {
    let mut text = vec![b'x'; 3 * crate::json_lines::MAXIMUM_LINE_BYTES];
    text.extend(b"\n\xff\xfe\n[1]\nnull null\n{\"a\":1,\n");
    let mut bad_lines = BadLines::tolerating(10);
    let mut read = Vec::new();
    read_json_lines::<Vec<u8>>(text.as_slice(), &mut bad_lines, |line, record| {
        read.push((line, record));
        Ok(())
    })
    .expect("tolerated");
    assert_eq!(read, [(3, vec![1])]);
    assert_eq!(
        bad_lines.to_string(),
        "1 TooLong, 1 NotUtf8, 2 InvalidField"
    );
    assert_eq!(bad_lines.examples()[1].line, 2);
}

#[test]
fn more_bad_lines_than_tolerated_end_the_reading() {
    let read = |allowed| {
        let mut bad_lines = BadLines::tolerating(allowed);
        read_json_lines::<u8>(
            "1\nx\n2\n\"y\"\n3\n300\n".as_bytes(),
            &mut bad_lines,
            |_, _| Ok(()),
        )
        .map(|()| bad_lines.total())
    };
    assert_eq!(read(3).expect("enough"), 3);
    let error = read(2).expect_err("one too many").to_string();
    assert!(
        error.starts_with(
            "more than the 2 tolerated bad lines (1 Malformed, 2 InvalidField); the last is line 6"
        ),
        "{error}"
    );
    let first = read(0).expect_err("none tolerated").to_string();
    assert!(first.starts_with("line 2, field .: expected"), "{first}");
}

#[test]
fn a_missing_field_is_named_with_its_path() {
    #[derive(Debug, serde::Deserialize)]
    #[expect(dead_code, reason = "only the errors matter")]
    struct Outer {
        inner: Inner,
    }
    #[derive(Debug, serde::Deserialize)]
    #[expect(dead_code, reason = "only the errors matter")]
    struct Inner {
        name: String,
    }
    let complaint = parse_json::<Outer>(r#"{"inner":{}}"#).expect_err("no name");
    assert_eq!(
        (complaint.kind, complaint.field.as_str()),
        (BadLineKind::MissingField, "inner.name")
    );
    let complaint = parse_json::<Outer>(r#"{"inner":{"name":7}}"#).expect_err("a number");
    assert_eq!(
        (complaint.kind, complaint.field.as_str()),
        (BadLineKind::InvalidField, "inner.name")
    );
}

proptest! {
    #[test]
    fn what_is_written_as_csv_reads_back(rows in prop::collection::vec(prop::collection::vec("[a\",\n é]{0,6}", 3), 0..8)) {
        let mut text = String::from("a,b,c\n");
        for row in &rows {
            let quoted: Vec<String> = row.iter().map(|field| format!("\"{}\"", field.replace('"', "\"\""))).collect();
            text.push_str(&quoted.join(","));
            text.push('\n');
        }
        prop_assert_eq!(values(&text, Delimiter::Comma), rows);
    }

    #[test]
    fn any_bytes_give_rows_or_errors_but_never_a_panic(text in prop::collection::vec(prop_oneof![Just(b'"'), Just(b','), Just(b'\n'), Just(b'\t'), any::<u8>()], 0..200)) {
        for delimiter in [Delimiter::Comma, Delimiter::Tab] {
            if let Ok(mut table) = Table::new(text.as_slice(), delimiter) {
                let mut last = 0;
                while let Ok(Some(row)) = table.next_row() {
                    let line = row.map_or_else(|bad| bad.line, |row| row.line);
                    prop_assert!(line > last);
                    last = line;
                }
            }
        }
        let _unusable = read_json_lines::<serde_json::Value>(text.as_slice(), &mut BadLines::tolerating(3), |_, _| Ok(()));
    }
}
