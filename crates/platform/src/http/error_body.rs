//! The bodies of errors, for the OpenAPI description.

/// Body of 401, 403, 422 and 429: a sentence about what was wrong.
#[derive(utoipa::ToSchema)]
pub struct DetailBody {
    #[allow(dead_code, reason = "describes what `AppError` writes")]
    detail: String,
}

/// Body of the other errors.
#[derive(utoipa::ToSchema)]
pub struct ErrorBody {
    #[allow(dead_code, reason = "describes what `AppError` writes")]
    error: String,
}
