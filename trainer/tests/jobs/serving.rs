//! What the program trained, loaded and used as a server does: rows and scores have the same bits.

use std::path::Path;

use searchop_ranking::judgements::{GradeMap, JudgementFormat, JudgementOptions, read_judgements};
use searchop_server::bundle::LoadedBundle;
use searchop_server::digest::Digest;
use searchop_trainer::lightgbm::predict;
use serde_json::json;

use crate::place::{Place, train};

/// German products with everything that a feature is made of, and with holes in it.
fn catalogue() -> String {
    let mut text = String::new();
    for number in 0..60 {
        let kind = ["Stühle", "Jacken", "Lampen"][number % 3];
        let colour = ["rote", "blaue", "grüne", "weiße"][number % 4];
        let mut product = json!({
            "item_id": format!("p{number}"),
            "title": format!("{colour} {kind} Modell {number}"),
            "category": ["Haus", kind],
            "attributes": {"farbe": colour},
        });
        if number % 5 > 0 {
            product["price"] = json!(10.0 + number as f64 * 1.1);
            product["brand"] = json!(["Nordlicht", "Halvik"][number % 2]);
        }
        if number % 4 > 0 {
            product["list_price"] = json!(100);
            product["popularity"] = json!(number * number);
            product["in_stock"] = json!(number % 8 > 1);
        }
        if number % 3 > 0 {
            product["listed_at"] = json!(format!("2024-{:02}-03", 1 + number % 12));
            product["description"] = json!(format!("Passt zu {kind} und Leder"));
            product["attributes"]["gewicht"] = json!(number as f64 / 7.0);
            product["attributes"]["vegan"] = json!(number % 2 == 0);
        }
        text += &format!("{product}\n");
    }
    text
}

/// Sixty queries with plurals, missing umlauts and typos, of ten items each.
fn judgements() -> String {
    let mut text = "query,item_id,grade\n".to_owned();
    for query in 0..60 {
        let kind = ["stuhl", "Jacke", "lampe", "Jakce", "Lamppe"][query % 5];
        let colour = ["rot", "blaue", "grune"][query % 3];
        for step in 0..10 {
            let item = (query * 7 + step * 3) % 60;
            let grade = usize::from(item % 3 == query % 5 % 3) + usize::from(item % 4 == query % 3);
            text += &format!("{colour} {kind} {query},p{item},{grade}\n");
        }
    }
    text
}

fn log() -> String {
    let mut text = String::new();
    for search in 0..400 {
        let at = 1_737_000_000_000_i64 + search * 3_600_000;
        let query = ["rote Stühle 0", "blaue jacken 1", "grüne Lampe 2"][search as usize % 3];
        let shown: Vec<String> = (0..8)
            .map(|step| format!("p{}", (search * 11 + step * 3) % 60))
            .collect();
        let query_id = format!("q{search}");
        let event = json!({"action_name": "click", "query_id": query_id, "client_id": "c", "timestamp": at + 400, "event_attributes": {"object": {"object_id": shown[search as usize % 4]}}});
        let search = json!({"query_id": query_id, "client_id": "c", "user_query": query, "timestamp": at, "query_response_hit_ids": shown});
        text += &format!("{search}\n{event}\n");
    }
    text
}

/// The rows that `features` wrote.
fn written_rows(folder: &Path, columns: usize) -> Vec<Vec<f64>> {
    let text = std::fs::read_to_string(folder.join("features.svmlight")).unwrap();
    text.lines()
        .map(|line| {
            let mut row = vec![0.0; columns];
            for field in line.split(' ').skip(1) {
                let (column, value) = field.split_once(':').unwrap();
                row[column.parse::<usize>().unwrap()] = value.parse().unwrap();
            }
            row
        })
        .collect()
}

/// The bits of rows and their scores, in an order of their own: what is missing is missing,
/// whatever the bits of its NaN are.
fn bits<'a>(rows: impl Iterator<Item = &'a [f64]>, scores: &[f64]) -> Vec<Vec<u64>> {
    let bits = |value: &f64| {
        if value.is_nan() {
            u64::MAX
        } else {
            value.to_bits()
        }
    };
    let mut lines: Vec<Vec<u64>> = rows
        .zip(scores)
        .map(|(row, score)| row.iter().chain([score]).map(bits).collect())
        .collect();
    lines.sort_unstable();
    lines
}

#[test]
fn a_server_computes_the_rows_and_scores_of_the_trainer_to_the_last_bit() {
    let place = Place::new();
    let judged = judgements();
    let inputs = [
        format!("Catalogue={}", place.write("products.jsonl", &catalogue())),
        format!("Judgements={}", place.write("judgements.csv", &judged)),
        format!("Events={}", place.write("log.ndjson", &log())),
    ];
    let mut source = vec!["--language", "German"];
    for input in &inputs {
        source.extend(["--input", input]);
    }
    let more: Vec<&str> = source
        .iter()
        .copied()
        .chain(["--parameter", "min_data_in_leaf=5"])
        .collect();
    let result = place.succeed(&train(&more));
    let folder = place.path("features");
    let output = folder.display().to_string();
    let mut arguments = vec!["features", "--output", &output];
    arguments.extend(&source);
    place.succeed(&arguments);

    // A server has nothing but the bundle.
    let sha256 = result["model"]["sha256"].as_str().unwrap();
    let stored = place.path(&format!("store/artifacts/{sha256}"));
    let bundles = place.path("bundles");
    std::fs::create_dir_all(bundles.join(sha256)).unwrap();
    let copy = |from: &Path| {
        std::fs::copy(from, bundles.join(sha256).join(from.file_name().unwrap())).unwrap();
    };
    copy(&stored.join("manifest.json"));
    for file in std::fs::read_dir(stored.join("files")).unwrap() {
        copy(&file.unwrap().path());
    }
    let digest: Digest = sha256.parse().unwrap();
    let bundle = LoadedBundle::load(&bundles, &digest).unwrap();
    let catalogue = bundle.catalogue().unwrap();
    let columns = bundle.feature_count();
    for attribute in ["attribute:gewicht", "attribute:vegan"] {
        let names = bundle.feature_names();
        assert!(names.iter().any(|name| name == attribute), "{attribute}");
    }

    let trained = written_rows(&folder, columns);
    let model = std::fs::read_to_string(stored.join("files/model.txt")).unwrap();
    let scores = predict(&model, &trained, columns).unwrap();
    let options = JudgementOptions {
        format: JudgementFormat::Csv,
        grades: &GradeMap::whole_numbers(),
        topics: None,
        allowed_bad_lines: 0,
    };
    let judgements = read_judgements(judged.as_bytes(), &options).unwrap();
    let mut first = 0;
    for query in judgements.queries() {
        let items: Vec<_> = query
            .items
            .iter()
            .map(|item| catalogue.find(&item.item_id).unwrap())
            .collect();
        let mut rows = Vec::new();
        catalogue.append_rows(&query.query, Vec::new(), &items, &mut rows);
        let served = bundle.with_buffers(|buffers| {
            let (scratch, scores) = (&mut buffers.scratch, &mut buffers.scores);
            bundle.score(&rows, scratch, scores).unwrap();
            bits(rows.chunks_exact(columns), scores)
        });
        let end = first + items.len();
        let expected = bits(
            trained[first..end].iter().map(Vec::as_slice),
            &scores[first..end],
        );
        assert_eq!(served, expected, "{}", query.query);
        first = end;
    }
    assert_eq!(first, trained.len());

    // Little would be compared if most columns were always the same.
    let varying = (0..columns)
        .filter(|column| {
            trained
                .iter()
                .any(|row| row[*column] != trained[0][*column] && !row[*column].is_nan())
        })
        .count();
    assert!(varying > columns * 3 / 5, "{varying} of {columns} columns");
    let distinct: std::collections::BTreeSet<u64> = scores.iter().map(|it| it.to_bits()).collect();
    assert!(distinct.len() > 20, "{} scores", distinct.len());
}
