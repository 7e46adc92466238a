//! Assembly only: configuration, shared state, router, middleware, error to response.
