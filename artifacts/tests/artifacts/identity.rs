//! Credentials that a cluster gives a pod, through AWS's default chain: pod identity and web
//! identity. Each is shown in a process of its own, since the chain is configured by environment.

use std::process::Stdio;

use axum::Router;
use axum::routing::{get, post};
use bytes::Bytes;
use searchop_artifacts::{Body, ObjectStore, S3Connection, S3Store, Sha256, ignore_progress};

use crate::s3_stub::{BUCKET, Flaws, S3Stub, quick_settings};

/// Tells the process below where the S3 stub is.
const ENDPOINT: &str = "SEARCHOP_TEST_ENDPOINT";

const POD_IDENTITY_ANSWER: &str = r#"{"AccessKeyId":"pod-identity-key","SecretAccessKey":"canary",
    "Token":"session","Expiration":"2099-01-01T00:00:00Z"}"#;

const WEB_IDENTITY_ANSWER: &str = r#"<AssumeRoleWithWebIdentityResponse
    xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials>
    <AccessKeyId>web-identity-key</AccessKeyId><SecretAccessKey>canary</SecretAccessKey>
    <SessionToken>session</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>
    </AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"#;

#[tokio::test]
#[ignore = "run by the other tests here, each in an environment of its own"]
async fn an_object_is_put_with_the_default_chain() {
    let Ok(endpoint) = std::env::var(ENDPOINT) else {
        return;
    };
    let connection = S3Connection {
        endpoint: Some(endpoint),
        path_style: true,
        ..S3Connection::default()
    };
    let store = S3Store::open(&connection, BUCKET, "", quick_settings()).await;
    let body = Body::Bytes(Bytes::from_static(b"x"));
    match store
        .put_if_absent("a", &body, Sha256::of(b"x"), &ignore_progress)
        .await
    {
        Ok(_) => println!("put succeeded"),
        Err(error) => println!("put failed: {} {error} {error:?}", error.reason()),
    }
}

/// Runs the test above with these variables and none of the chain's others, and returns its output.
async fn put_with(stub: &S3Stub, variables: &[(&str, &str)]) -> String {
    let mut command = tokio::process::Command::new(std::env::current_exe().expect("this program"));
    command
        .args(["--ignored", "--exact", "--nocapture"])
        .arg("identity::an_object_is_put_with_the_default_chain")
        .env_clear()
        .env(ENDPOINT, &stub.endpoint)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = command.output().await.expect("its output");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

async fn identity_server(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let address = listener.local_addr().expect("its address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

#[tokio::test]
async fn pod_identity_credentials_sign_requests() {
    let stub = S3Stub::start(Flaws::default()).await;
    let identity =
        identity_server(Router::new().route("/v1/credentials", get(POD_IDENTITY_ANSWER))).await;
    let token = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(token.path(), "pod-token").unwrap();
    let output = put_with(
        &stub,
        &[
            (
                "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                &format!("{identity}/v1/credentials"),
            ),
            (
                "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
                token.path().to_str().unwrap(),
            ),
        ],
    )
    .await;
    assert!(output.contains("put succeeded"), "{output}");
    assert_eq!(stub.signers(), ["pod-identity-key"]);
}

#[tokio::test]
async fn web_identity_credentials_sign_requests() {
    let stub = S3Stub::start(Flaws::default()).await;
    let identity = identity_server(Router::new().route("/", post(WEB_IDENTITY_ANSWER))).await;
    let token = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(token.path(), "web-token").unwrap();
    let output = put_with(
        &stub,
        &[
            ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/searchop"),
            (
                "AWS_WEB_IDENTITY_TOKEN_FILE",
                token.path().to_str().unwrap(),
            ),
            ("AWS_ENDPOINT_URL_STS", &identity),
        ],
    )
    .await;
    assert!(output.contains("put succeeded"), "{output}");
    assert_eq!(stub.signers(), ["web-identity-key"]);
}

#[tokio::test]
async fn without_any_credentials_that_is_what_is_reported() {
    let stub = S3Stub::start(Flaws::default()).await;
    let output = put_with(&stub, &[]).await;
    assert!(
        output.contains("put failed: CredentialsMissing"),
        "{output}"
    );
    assert!(stub.contents().requests.is_empty());
}
