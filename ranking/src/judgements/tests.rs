use std::io::{BufRead, BufReader, Read as _};
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;

fn options<'a>(format: JudgementFormat, grades: &'a GradeMap, bad: u64) -> JudgementOptions<'a> {
    JudgementOptions {
        format,
        grades,
        topics: None,
        allowed_bad_lines: bad,
    }
}

fn read(
    text: &str,
    format: JudgementFormat,
    grades: &str,
    bad: u64,
) -> Result<JudgementList, String> {
    let grades = if grades.is_empty() {
        GradeMap::whole_numbers()
    } else {
        grades.parse().expect("a map")
    };
    read_judgements(text.as_bytes(), &options(format, &grades, bad))
        .map_err(|error| error.to_string())
}

/// `query: item=label …` for each query.
fn told(list: &JudgementList) -> Vec<String> {
    let query = |query: &JudgedQuery| {
        let items = query.items.iter();
        let items: Vec<String> = items
            .map(|item| format!("{}={}", item.item_id, item.label))
            .collect();
        format!("{}: {}", query.query, items.join(" "))
    };
    list.queries().iter().map(query).collect()
}

#[test]
fn every_format_says_the_same() {
    let own = ["red shoe: a=2 b=0", "shoe: a=1"];
    for (format, text) in [
        (
            JudgementFormat::Csv,
            "query,item_id,grade\nred shoe,a,2\nshoe,a,1\n\"red shoe\",b,0\n",
        ),
        (
            JudgementFormat::Tsv,
            "grade\tquery\titem_id\tannotator\n2\tred shoe\ta\tx\n1\tshoe\ta\ty\n0\tred shoe\tb\t\n",
        ),
        (
            JudgementFormat::JsonLines,
            "{\"query\":\"red shoe\",\"item_id\":\"a\",\"grade\":2}\n\n{\"query\":\"shoe\",\"item_id\":\"a\",\"grade\":\"1\"}\n{\"query\":\"red shoe\",\"item_id\":\"b\",\"grade\":0.0}\n",
        ),
        (
            JudgementFormat::OpenSearch,
            r#"{"name":"x","judgmentRatings":[{"query":"red shoe","ratings":[{"docId":"a","rating":"2.000"},{"docId":"b","rating":0}]},{"ratings":[{"docId":"a","rating":1}],"query":"shoe"}]}"#,
        ),
        (
            JudgementFormat::OpenSearch,
            r#"{"took":1,"hits":{"total":{"value":1},"hits":[{"_id":"1","_source":{"judgmentRatings":[{"query":"red shoe","ratings":[{"docId":"a","rating":"2"},{"docId":"b","rating":"0"}]},{"query":"shoe","ratings":[{"docId":"a","rating":"1"}]}]}}]}}"#,
        ),
    ] {
        let list = read(text, format, "", 0).expect("judgements");
        assert_eq!(told(&list), own, "{format:?}");
        assert_eq!(list.notes.judgements, 3);
    }
    let topics = read_topics("1\tred shoe\n2\tshoe\n".as_bytes()).expect("topics");
    let grades = GradeMap::whole_numbers();
    let options = JudgementOptions {
        topics: Some(&topics),
        ..options(JudgementFormat::TrecQrels, &grades, 0)
    };
    let list =
        read_judgements("1 0 a 2\n2\t0\ta\t1\n1 Q0 b 0\n".as_bytes(), &options).expect("qrels");
    assert_eq!(told(&list), own);
    let error = read_judgements("1 0 a 2\n3 0 a 1\n".as_bytes(), &options).expect_err("topic 3");
    assert_eq!(
        error.to_string(),
        "line 2, field topic: \"3\" is not among the topics"
    );
}

#[test]
fn what_is_wrong_is_told_with_line_and_field() {
    let csv = |rows: &str| {
        read(
            &format!("query,item_id,grade\n{rows}"),
            JudgementFormat::Csv,
            "",
            0,
        )
        .expect_err("refused")
    };
    assert_eq!(
        csv("a,b,1\na,c,100\n"),
        "line 3, field grade: \"100\" has no label: known are whole numbers from 0 to 30; the grade map says what others mean"
    );
    assert_eq!(
        csv("a,,1\n"),
        "line 2, field item_id: is missing or has no value"
    );
    assert_eq!(
        csv(",b,1\n"),
        "line 2, field query: is missing or has no value"
    );
    assert_eq!(
        csv("a,b,1\n\na,b,2\n"),
        "line 4, field grade: label 2 for this query and item, but line 2 says 1"
    );
    assert_eq!(
        csv("a,b\n"),
        "line 2, field .: 2 fields, but the header names 3"
    );
    assert_eq!(
        read("query,item,grade\n", JudgementFormat::Csv, "", 0).expect_err("no item_id"),
        "line 1, field item_id: the header has no such column; it has query, item, grade"
    );
    assert_eq!(
        read(
            "{\"query\":\"a\",\"grade\":1}\n",
            JudgementFormat::JsonLines,
            "",
            0
        )
        .expect_err("no item_id"),
        "line 1, field item_id: is missing or has no value"
    );
    assert_eq!(
        read("1 0 a\n", JudgementFormat::TrecQrels, "", 0).expect_err("no grade"),
        "line 1, field .: 3 fields, but a qrel has 4: topic, iteration, item, grade"
    );
    let document = "{\"judgmentRatings\": [\n {\"query\": \"a\", \"ratings\": [\n  {\"docId\": \"x\", \"rating\": \"1\"},\n  {\"docId\": \"y\", \"rating\": \"E\"}\n ]}\n]}";
    assert_eq!(
        read(document, JudgementFormat::OpenSearch, "1=1,0=0", 0).expect_err("E"),
        "line 4, field judgmentRatings[0].ratings[1].rating: \"E\" has no label: known are 1, 0; the grade map says what others mean"
    );
    let broken = read(
        "{\"judgmentRatings\": [\n {\"query\": 7}]}",
        JudgementFormat::OpenSearch,
        "",
        0,
    )
    .expect_err("7");
    assert!(
        broken.starts_with("line 2, field .: invalid type: integer `7`, expected a string"),
        "{broken}"
    );
    let other = read("{}", JudgementFormat::OpenSearch, "", 0).expect_err("no list");
    assert_eq!(
        other,
        "there is no judgmentRatings, so this is no judgement list of OpenSearch"
    );
}

#[test]
fn bad_lines_are_counted_by_kind_and_the_rest_is_kept() {
    let text = "query,item_id,grade,who\na,x,1,me\na,y,?,me\na,x,2,you\na,x,1,you\na\nb,x,0,me\n";
    let list = read(text, JudgementFormat::Csv, "", 3).expect("three are tolerated");
    assert_eq!(told(&list), ["a: x=1", "b: x=0"]);
    assert_eq!(
        list.notes.bad_lines.to_string(),
        "1 Malformed, 1 InvalidField, 1 Contradiction"
    );
    assert_eq!(list.notes.repeated, 1);
    assert_eq!(list.notes.ignored_fields.get("who"), Some(&6));
    let error = read(text, JudgementFormat::Csv, "", 2).expect_err("three are too many");
    assert!(
        error.starts_with("more than the 2 tolerated bad lines"),
        "{error}"
    );
}

#[test]
fn a_query_of_bad_lines_only_is_no_query() {
    let list = read(
        "q 0 a -1\nq 0 b ?\nr 0 a 1\n",
        JudgementFormat::TrecQrels,
        "",
        5,
    )
    .expect("tolerated");
    assert_eq!(told(&list), ["r: a=1"]);
}

#[test]
fn file_names_speak_of_their_format() {
    let format = JudgementFormat::of_file_name;
    assert_eq!(
        format("s3://b/x/judgements.csv.gz"),
        Some(JudgementFormat::Csv)
    );
    assert_eq!(format("judgements.tsv.zst"), Some(JudgementFormat::Tsv));
    assert_eq!(
        format("esci_us_judgments.json"),
        Some(JudgementFormat::OpenSearch)
    );
    assert_eq!(format("trec/qrels.test"), Some(JudgementFormat::TrecQrels));
    assert_eq!(format("a.NDJSON"), Some(JudgementFormat::JsonLines));
    assert_eq!(format("judgements"), None);
    for every in JudgementFormat::EVERY {
        assert_eq!(format!("{every:?}").parse(), Ok(every));
    }
}

/// A file of data that nobody here wrote, if it is there.
fn third_party(name: &str) -> Option<Box<dyn BufRead>> {
    let Some(folder) = std::env::var_os("SEARCHOP_TEST_DATA") else {
        println!("skipped: SEARCHOP_TEST_DATA names no folder");
        return None;
    };
    let path = PathBuf::from(folder).join(name);
    let file =
        std::fs::File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Some(Box::new(BufReader::new(file)))
}

/// Mean NDCG@k of an order of each query's gains; queries without a gain are left out.
fn mean_ndcg(list: &JudgementList, k: usize, order: impl Fn(&mut Vec<f64>)) -> f64 {
    let dcg = |gains: &[f64]| -> f64 {
        let worth = |(place, gain): (usize, &f64)| gain / (place as f64 + 2.0).log2();
        gains.iter().take(k).enumerate().map(worth).sum()
    };
    let each: Vec<f64> = list
        .queries()
        .iter()
        .filter_map(|query| {
            let mut gains: Vec<f64> = query
                .items
                .iter()
                .map(|item| list.label_gains()[usize::from(item.label)])
                .collect();
            let mut ideal = gains.clone();
            ideal.sort_by(|left, right| right.total_cmp(left));
            order(&mut gains);
            let ideal = dcg(&ideal);
            (ideal > 0.0).then(|| dcg(&gains) / ideal)
        })
        .collect();
    each.iter().sum::<f64>() / each.len() as f64
}

#[test]
fn the_esci_judgement_list_has_the_bounds_of_its_reference() {
    let Some(input) = third_party("esci-us-150/esci_us_judgments.json") else {
        return;
    };
    let grades = "100=3:1,10=2:0.1,1=1:0.01,0=0:0".parse().expect("a map");
    let list =
        read_judgements(input, &options(JudgementFormat::OpenSearch, &grades, 0)).expect("a list");
    assert_eq!((list.queries().len(), list.notes.judgements), (150, 6678));
    let counts: Vec<(&str, u64)> = list
        .notes
        .grades
        .iter()
        .map(|(grade, count)| (grade.as_str(), *count))
        .collect();
    assert_eq!(
        counts,
        [
            ("0.000", 1086),
            ("1.000", 305),
            ("10.000", 1898),
            ("100.000", 3389)
        ]
    );
    let rounded = |ndcg: f64| format!("{ndcg:.4}");
    let worst = |gains: &mut Vec<f64>| gains.sort_by(f64::total_cmp);
    assert_eq!(rounded(mean_ndcg(&list, 5, worst)), "0.0241");
    assert_eq!(rounded(mean_ndcg(&list, 10, worst)), "0.0591");
    assert_eq!(rounded(mean_ndcg(&list, 5, |_| ())), "0.5303");
    assert_eq!(rounded(mean_ndcg(&list, 10, |_| ())), "0.5495");
}

#[test]
fn the_random_ndcg_of_the_esci_list_is_that_of_its_reference() {
    let Some(input) = third_party("esci-us-150/esci_us_judgments.json") else {
        return;
    };
    let grades = "100=3:1,10=2:0.1,1=1:0.01,0=0:0".parse().expect("a map");
    let list =
        read_judgements(input, &options(JudgementFormat::OpenSearch, &grades, 0)).expect("a list");
    // The expectation over all orders: every place is worth the mean gain.
    let mean = |gains: &mut Vec<f64>| {
        let mean = gains.iter().sum::<f64>() / gains.len() as f64;
        gains.fill(mean);
    };
    assert!((mean_ndcg(&list, 5, mean) - 0.533).abs() < 0.005);
    assert!((mean_ndcg(&list, 10, mean) - 0.545).abs() < 0.005);
}

#[test]
fn the_qrels_of_trec_eval_are_read() {
    let Some(mut input) = third_party("trec-eval/qrels.rel_level") else {
        return;
    };
    let mut text = String::new();
    input.read_to_string(&mut text).expect("readable");
    let refused = read(&text, JudgementFormat::TrecQrels, "", 0).expect_err("-1 is no label");
    assert!(
        refused.contains("field grade: \"-1\" has no label"),
        "{refused}"
    );
    let list = read(
        &text,
        JudgementFormat::TrecQrels,
        "-1=0,0=0,1=1,2=2,3=3,4=4",
        0,
    )
    .expect("qrels");
    assert_eq!(list.notes.judgements, 3681);
    assert_eq!(list.notes.grades.get("-1"), Some(&304));
}

proptest! {
    #[test]
    fn any_text_gives_a_list_or_an_error_but_never_a_panic(
        text in "(query,item_id,grade\n)?[a,{}\\[\\]\":\n\t 0-9é]{0,80}|\\{\"judgmentRatings\":\\[\\{\"query\":\"a\",\"ratings\":\\[\\{[a-z\":,0-9]{0,20}\\}\\]\\}\\]\\}"
    ) {
        for format in JudgementFormat::EVERY {
            for allowed in [0, 2, 1_000] {
                if let Ok(list) = read(&text, format, "", allowed) {
                    let items: u64 = list.queries().iter().map(|query| query.items.len() as u64).sum();
                    prop_assert_eq!(items, list.notes.judgements);
                    prop_assert!(list.queries().iter().all(|query| !query.items.is_empty()));
                }
            }
        }
    }

    #[test]
    fn any_text_is_a_grade_map_or_an_error(text in "[A-C=:,0-9. ]{0,24}") {
        if let Ok(map) = text.parse::<GradeMap>() {
            let again: GradeMap = map.to_string().parse().expect("what it writes");
            prop_assert_eq!(again.label_gains(), map.label_gains());
            prop_assert!(map.label_gains().windows(2).all(|pair| pair[0] <= pair[1]));
        }
    }
}
