//! `/openapi.json`: what is served here, for programs that write clients.

use crate::error::{ApiError, json};
use crate::operators::Operator;
use crate::query::Query;
use axum::Router;
use axum::extract::{Extension, State};
use axum::response::Response;
use axum::routing::get;
use http::{StatusCode, Uri};
use serde_json::Value;
use std::sync::Arc;

/// What is wrong with a document.
#[derive(Debug, thiserror::Error)]
#[error("the OpenAPI document can't be used: {0}")]
pub struct OpenApiError(#[from] serde_json::Error);

/// The document as it is, and as it is where nobody is asked who they are.
struct Documents {
    asking: Value,
    open: Value,
}

/// The route of an OpenAPI document. It says that credentials are asked for unless nobody's are.
///
/// # Errors
/// [`OpenApiError`] if the document is no JSON.
pub fn openapi(document: &str) -> Result<Router, OpenApiError> {
    let asking: Value = serde_json::from_str(document)?;
    let mut open = asking.clone();
    if let Some(open) = open.as_object_mut() {
        open.insert("security".to_owned(), Value::Array(Vec::new()));
    }
    let documents = Arc::new(Documents { asking, open });
    Ok(Router::new().route("/openapi.json", get(serve)).with_state(documents))
}

async fn serve(
    State(documents): State<Arc<Documents>>,
    operator: Option<Extension<Operator>>,
    uri: Uri,
) -> Result<Response, ApiError> {
    Query::parse(&uri)?.end()?;
    let is_open = operator.is_some_and(|Extension(operator)| operator.is_anybody());
    Ok(json(StatusCode::OK, if is_open { &documents.open } else { &documents.asking }))
}
