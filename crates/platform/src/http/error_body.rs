//! The body of errors, for the OpenAPI description.

/// Body of an error: a sentence about what was wrong, under two names for scripts of the Python product.
#[derive(utoipa::ToSchema)]
pub struct ErrorBody {
    #[allow(dead_code, reason = "describes what `AppError` writes")]
    error: String,
    /// The same.
    #[allow(dead_code, reason = "describes what `AppError` writes")]
    detail: String,
}

/// The same, for the routes that describe the errors whose sentence scripts read as `detail`.
pub type DetailBody = ErrorBody;
