//! The cluster that `KUBECONFIG` names, and the two ways of talking to pods: the API server's proxy and logs.

use anyhow::{Context, Result};
use http_body_util::BodyExt;
use hyper::{Request, Response, StatusCode};
use kube::client::Body;
use kube::{Client, Config};
use serde::de::DeserializeOwned;

/// Namespace of the operator.
pub const OPERATOR_NAMESPACE: &str = "searchop-system";
/// Namespace of the object store.
pub const STORAGE_NAMESPACE: &str = "searchop-storage";
/// Name of the Secret with the store's credentials, in the namespaces that use it.
pub const STORAGE_SECRET: &str = "searchop-storage";
/// Name of the operator's Deployment.
pub const OPERATOR_DEPLOYMENT: &str = "searchop-operator";

/// A connection to the cluster.
#[derive(Clone)]
pub struct Cluster {
    /// Client with the rights of the kubeconfig's user.
    pub client: Client,
    /// Image of the load generator.
    pub load_image: String,
}

/// An answer of a program behind the API server's proxy.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: StatusCode,
    /// Body as text.
    pub text: String,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Errors
    /// When the body is not JSON of that shape; the error shows the body.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_str(&self.text)
            .with_context(|| format!("status {}: {}", self.status, self.text))
    }
}

impl Cluster {
    /// Connects to the cluster of `KUBECONFIG`; the load generator's image is named by `SEARCHOP_LOAD_IMAGE`.
    ///
    /// # Errors
    /// When there is no kubeconfig or the API server does not answer.
    pub async fn connect() -> Result<Self> {
        let config = Config::infer()
            .await
            .context("no cluster: is KUBECONFIG set, and `make cluster` done?")?;
        let client = Client::try_from(config)?;
        client
            .apiserver_version()
            .await
            .context("the cluster does not answer: is it up (`make cluster`)?")?;
        let load_image = std::env::var("SEARCHOP_LOAD_IMAGE").unwrap_or_default();
        Ok(Self { client, load_image })
    }

    /// Sends a request to a port of a Service or pod through the API server's proxy.
    ///
    /// `target` is `services/NAME:PORT` or `pods/NAME:PORT`, `path` begins with a slash.
    ///
    /// # Errors
    /// When the API server cannot be asked. A failure of the program behind it is an [`Answer`].
    pub async fn proxy(
        &self,
        method: &str,
        namespace: &str,
        target: &str,
        path: &str,
        body: Option<&serde_json::Value>,
    ) -> Result<Answer> {
        let uri = format!("/api/v1/namespaces/{namespace}/{target}/proxy{path}");
        let bytes = body
            .map(serde_json::to_vec)
            .transpose()?
            .unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(uri)
            .header("content-type", "application/json")
            .body(Body::from(bytes))?;
        let response: Response<Body> = self.client.send(request).await?;
        let status = response.status();
        let bytes = response.into_body().collect().await?.to_bytes();
        Ok(Answer {
            status,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        })
    }

    /// Text that the API server answers to a GET of a path of its own.
    ///
    /// # Errors
    /// When it answers with an error.
    pub async fn get_text(&self, path: &str) -> Result<String> {
        Ok(self
            .client
            .request_text(Request::get(path).body(Vec::new())?)
            .await?)
    }
}
