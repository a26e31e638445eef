//! Inputs compressed by gzip and zstd, whatever they are called.

use std::io::Write as _;

use crate::place::{Place, svmlight};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

impl Place {
    fn input(&self, name: &str, file: &str, bytes: &[u8]) -> String {
        let path = self.path(file);
        std::fs::write(&path, bytes).unwrap();
        format!("{name}={}", path.display())
    }
}

const PRODUCTS: &str = "item_id,title\nb1,Red boot\ns1,Wool sock\n";
const GRADES: &str = "query,item_id,grade\nboot,b1,1\nboot,s1,0\n";
const LOG: &str = "{\"query_id\":\"q\",\"user_query\":\"boot\",\"timestamp\":1737703890699,\"query_response_hit_ids\":[\"b1\",\"s1\"]}\n";

#[test]
fn compressed_inputs_are_read_as_what_they_hold() {
    let place = Place::new();
    for (ending, compress) in [(".gz", gzip as fn(&[u8]) -> Vec<u8>), (".zst", zstd)] {
        let products = place.input(
            "Catalogue",
            &format!("products.csv{ending}"),
            &compress(PRODUCTS.as_bytes()),
        );
        let grades = place.input(
            "Judgements",
            &format!("grades.csv{ending}"),
            &compress(GRADES.as_bytes()),
        );
        let log = place.input("Events", "log", &compress(LOG.as_bytes()));
        let result = place.succeed(&[
            "check", "--input", &products, "--input", &grades, "--input", &log,
        ]);
        let counts = ["products", "judgements", "searches"].map(|name| &result["checked"][name]);
        assert_eq!(counts, [2, 2, 1], "{ending}");

        let rows = place.input("SvmLight", "rows", &compress(svmlight(10).as_bytes()));
        let result = place.succeed(&["check", "--input", &rows, "--feature-numbering", "OneBased"]);
        assert_eq!(result["checked"]["rows"], 50, "{ending}");
    }
}

#[test]
fn a_compressed_input_that_ends_early_is_named() {
    let place = Place::new();
    let text = svmlight(500);
    for compressed in [gzip(text.as_bytes()), zstd(text.as_bytes())] {
        let half = &compressed[..compressed.len() / 2];
        let rows = place.input("SvmLight", "rows", half);
        let arguments = ["check", "--input", &rows, "--feature-numbering", "OneBased"];
        let message = place.refused(&arguments, "InvalidData");
        assert!(message.starts_with("input SvmLight: line "), "{message}");
        let products = place.input("Catalogue", "products.csv", half);
        let log = place.input("Events", "log", LOG.as_bytes());
        let message = place.refused(
            &["check", "--input", &products, "--input", &log],
            "InvalidData",
        );
        assert!(message.starts_with("input Catalogue: line "), "{message}");
    }
}
